package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.disk.SafeFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * Looks at the header words of a cycle file before Chronicle follows them: it would go wherever
 * they lead. Cheap enough for every record. For one thread.
 */
final class CycleProbe implements Closeable {
  private static final int WINDOW_BYTES = 64 << 10;

  private final FileChannel channel;
  private final CycleLayout layout;
  private final ByteBuffer word = direct(Long.BYTES);
  private final ByteBuffer window = direct(WINDOW_BYTES).limit(0);
  private long windowStart;
  private long found;
  private long size;

  CycleProbe(Path file) throws IOException {
    try (FileWindow window = FileWindow.open(file)) {
      layout = CycleLayout.read(window);
    }
    channel = SafeFiles.openToRead(file);
  }

  /** What stands at an offset. */
  enum Finding {
    /** Nothing yet. */
    FREE,
    /** An entry that lies within the file and has a possible length. */
    ENTRY,
    /** A header word that must not be followed. */
    HOSTILE,
    /** The cycle ends here. */
    EOF
  }

  /** Whether the file has a header that Chronicle can use. */
  boolean isSound() {
    return layout != null;
  }

  /** First data offset; 0 without a sound header. */
  long start() {
    return layout == null ? 0 : layout.firstData();
  }

  /** What stands at an offset, or behind the index pages that stand there. */
  Finding at(long offset) throws IOException {
    long at = offset;
    int header = header(at);
    while (CycleLayout.isMeta(header) && has(at, CycleLayout.length(header))) {
      at = CycleLayout.next(at, CycleLayout.length(header));
      header = header(at);
    }
    found = at;
    if (header == CycleLayout.EOF) {
      return Finding.EOF;
    }
    if (CycleLayout.isFree(header)) {
      return Finding.FREE;
    }
    int length = CycleLayout.length(header);
    return !CycleLayout.isMeta(header) && CycleLayout.isDataLength(length) && has(at, length)
        ? Finding.ENTRY
        : Finding.HOSTILE;
  }

  /** Where stands what was found last. */
  long found() {
    return found;
  }

  /** Offset of the last entry, as the writers noted it; 0 while there is none. */
  long writePosition() throws IOException {
    return layout != null && read(word.clear(), layout.word1()) ? word.getLong(0) : 0;
  }

  /** Read ahead, as long as something stands there; what is not in the file is 0. */
  private int header(long offset) throws IOException {
    int header = headerInWindow(offset);
    if (!CycleLayout.isFree(header)) {
      return header;
    }
    boolean written =
        read(word.clear().limit(Integer.BYTES), offset) && !CycleLayout.isFree(word.getInt(0));
    if (!written) {
      return CycleLayout.FREE;
    }
    var unused = read(window.clear(), offset);
    windowStart = offset;
    return headerInWindow(offset);
  }

  private int headerInWindow(long offset) {
    long at = offset - windowStart;
    return at >= 0 && at + Integer.BYTES <= window.limit()
        ? window.getInt((int) at)
        : CycleLayout.FREE;
  }

  private boolean has(long offset, int length) throws IOException {
    if (offset + Integer.BYTES + length > size) {
      size = channel.size();
    }
    return offset + Integer.BYTES + length <= size;
  }

  /** Fills the buffer as far as the file reaches; false if it is not filled. */
  private boolean read(ByteBuffer buffer, long offset) throws IOException {
    int read = channel.read(buffer, offset);
    boolean full = !buffer.hasRemaining();
    buffer.limit(Math.max(read, 0)).position(0);
    return full;
  }

  private static ByteBuffer direct(int capacity) {
    return ByteBuffer.allocateDirect(capacity).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
