package dev.outboxrelay.client.cycle;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The bytes of an index page: header word, key, padding, u64 count, u64 used, slots. They follow
 * from its offset and its count of slots. index2index is the same with another key.
 */
public final class IndexPage {
  private static final int LONGEST_HEAD = 48;

  private IndexPage() {}

  /** What stands before {@code used}. */
  static ByteBuffer head(String key, long offset, int count) {
    int start = (int) offset & 7;
    ByteBuffer bytes = ByteBuffer.allocate(LONGEST_HEAD).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(start + Integer.BYTES);
    WireFields.event(bytes, key);
    WireFields.alignedArray(bytes, count);
    int length = bytes.position() - start + bytesBehindHead(count) - Integer.BYTES;
    bytes.putInt(start, CycleLayout.META | length);
    return bytes.flip().position(start).slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** {@code used}, and the slots. */
  static int bytesBehindHead(int count) {
    return Long.BYTES + Long.BYTES * count;
  }

  /**
   * An empty page that is to stand at {@code offset}, framed as it goes to disk: free header word,
   * page, 8 zero bytes.
   */
  public static ByteBuffer create(long offset, int count) {
    ByteBuffer head = head("index", offset, count);
    int length = head.limit() + bytesBehindHead(count) + 8;
    ByteBuffer bytes = ByteBuffer.allocateDirect(length).order(ByteOrder.LITTLE_ENDIAN);
    return bytes.put(0, head, 0, head.limit()).putInt(0, CycleLayout.FREE);
  }

  /** The header word of a page that stands at {@code offset}. */
  public static int header(long offset, int count) {
    return head("index", offset, count).getInt(0);
  }

  /** Whether a page of {@code count} slots stands here, whatever is in them. */
  static boolean isAt(FileWindow file, long offset, int count) throws IOException {
    return array(file, offset, count) != 0;
  }

  /** Offset of the u64 count of the page at {@code offset}; 0 if no such page stands there. */
  static long array(FileWindow file, long offset, int count) throws IOException {
    ByteBuffer head = head("index", offset, count);
    int length = head.limit();
    boolean isThere =
        file.has(offset, length + bytesBehindHead(count))
            && file.slice(offset, length).equals(head);
    return isThere ? offset + length - Long.BYTES : 0;
  }
}
