package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.format.CycleLayout;
import dev.outboxrelay.client.format.FileWindow;
import java.io.Closeable;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Looks at the header words of a cycle file before Chronicle follows them: it would go wherever
 * they lead. Cheap enough for every record. For one thread.
 */
final class CycleProbe implements Closeable {
  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final FileChannel channel;
  private final CycleLayout layout;
  private ByteBuffer map = ByteBuffer.allocate(0);

  CycleProbe(Path file) throws IOException {
    try (FileWindow window = FileWindow.open(file)) {
      layout = CycleLayout.parse(window).orElse(null);
    }
    channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
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

  /** Offset of the last entry, as the writers noted it; 0 while there is none. */
  long writePosition() throws IOException {
    if (layout == null || !isMapped(layout.word1(), Long.BYTES)) {
      return 0;
    }
    return (long) LONG.getAcquire(map, layout.word1());
  }

  private int header(long offset) throws IOException {
    return isMapped(offset, Integer.BYTES)
        ? (int) INT.getAcquire(map, (int) offset)
        : CycleLayout.FREE;
  }

  private boolean has(long offset, int length) throws IOException {
    return offset + Integer.BYTES + length <= map.capacity()
        || offset + Integer.BYTES + length <= channel.size();
  }

  /** Maps the file as far as it reaches by now; false if that is not far enough. */
  private boolean isMapped(long offset, int length) throws IOException {
    if (offset + length > map.capacity()) {
      long size = channel.size();
      if (offset + length > size || size > Integer.MAX_VALUE) {
        return false;
      }
      MappedByteBuffer whole = channel.map(FileChannel.MapMode.READ_ONLY, 0, size);
      map = whole;
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
