package dev.outboxrelay.client.cycle;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The bytes that Chronicle Queue 2026.4 gives to a new cycle file. They follow from its index count
 * and spacing, and a file whose beginning differs from them, but for what changes, does not parse.
 */
public final class CycleTemplate {
  /** First data offset of the cycle files that we make. */
  public static final int FIRST_DATA = 0x10110;

  static final int INDEX_COUNT = 4096;
  private static final int INDEX_SPACING = 256;
  private static final int MOST = 1 << 20;

  private static final int ZEROS_BEHIND = 8;
  private static final int LONGEST_HEAD = 0x100;
  private static final int COUNT_AT = 0x77; // in all headers
  private static final int SPACING_BEHIND = 13; // the bytes of its name

  private final CycleLayout layout;
  private final int firstPage;
  private final ByteBuffer head = allocate(LONGEST_HEAD); // up to slot 0 of index2index

  private CycleTemplate(int count, int spacing) {
    head.position(Integer.BYTES);
    WireFields.event(head, "header");
    int store = WireFields.begin(head, "SCQStore");
    WireFields.field(head, "writePosition");
    WireFields.alignedArray(head, 2);
    int word1 = head.putLong(2).position();
    head.putLong(0).putLong(0);
    WireFields.field(head, "indexing");
    int indexing = WireFields.begin(head, "SCQSIndexing");
    WireFields.field(head, "indexCount");
    WireFields.integer(head, count);
    WireFields.field(head, "indexSpacing");
    WireFields.integer(head, spacing);
    WireFields.field(head, "index2Index");
    WireFields.alignedLong(head, 0);
    int index2indexOffset = head.position() - Long.BYTES;
    WireFields.field(head, "lastIndex");
    WireFields.alignedLong(head, 0);
    int lastIndex = head.position() - Long.BYTES;
    WireFields.end(head, indexing);
    WireFields.field(head, "dataFormat");
    WireFields.integer(head, 1);
    WireFields.end(head, store);
    int length = head.position() - Integer.BYTES;
    head.putInt(0, CycleLayout.META | length);

    int index2index = (int) CycleLayout.next(0, length);
    head.putLong(index2indexOffset, index2index);
    head.position(index2index).put(IndexPage.head("index2index", index2index, count));
    int array = head.position() - Long.BYTES;
    firstPage = head.position() + IndexPage.bytesBehindHead(count);
    head.putLong(1).putLong(firstPage).flip();
    int firstData =
        (int) CycleLayout.next(firstPage, CycleLayout.length(IndexPage.header(firstPage, count)));
    layout = new CycleLayout(word1, word1 + 8, count, spacing, array, lastIndex, firstData);
  }

  /** A new cycle file up to its first data offset, and the 8 zero bytes behind it. */
  public static ByteBuffer newCycle() {
    return newCycle(INDEX_COUNT, INDEX_SPACING);
  }

  static ByteBuffer newCycle(int count, int spacing) {
    CycleTemplate made = new CycleTemplate(count, spacing);
    ByteBuffer page = IndexPage.head("index", made.firstPage, count);
    int length = made.layout.firstData() + ZEROS_BEHIND;
    return ByteBuffer.allocateDirect(length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(0, made.head, 0, made.head.limit())
        .put(made.firstPage, page, 0, page.limit());
  }

  /**
   * The layout of a file that begins as it was made; null for any other. Slots are not read: a
   * block of them that the disk does not give is none of the header.
   */
  static CycleLayout layoutOf(FileWindow file) throws IOException {
    ByteBuffer found = allocate(LONGEST_HEAD).put(file.slice(0, LONGEST_HEAD)).position(COUNT_AT);
    int count = WireFields.integer(found);
    int spacing = WireFields.integer(found.position(found.position() + SPACING_BEHIND));
    if (!isPossible(count) || !isPossible(spacing)) {
      return null;
    }
    CycleTemplate made = new CycleTemplate(count, spacing);
    boolean same =
        file.has(0, made.layout.firstData() + ZEROS_BEHIND)
            && made.isSame(found)
            && IndexPage.isAt(file, made.firstPage, count);
    return same ? made.layout : null;
  }

  private static boolean isPossible(int value) {
    return value > 0 && value <= MOST && Integer.bitCount(value) == 1;
  }

  /** Compares up to slot 0 of index2index, but for the values that change. */
  private boolean isSame(ByteBuffer found) {
    int used = layout.index2index() + Long.BYTES;
    for (int at : new int[] {layout.word1(), layout.word2(), layout.lastIndex(), used}) {
      found.putLong(at, head.getLong(at));
    }
    return found.position(0).limit(head.limit()).equals(head);
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
