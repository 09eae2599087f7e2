package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.format.CycleLayout;
import dev.outboxrelay.client.format.FileWindow;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Looks at single words of a cycle file while nothing else happens. For one thread. */
final class CycleProbe implements Closeable {
  private final FileChannel channel;
  private final ByteBuffer word =
      ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final CycleLayout layout;

  CycleProbe(Path file) throws IOException {
    try (FileWindow window = FileWindow.open(file)) {
      layout = CycleLayout.parse(window).orElse(null);
    }
    channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
  }

  /** Whether the file has a header that Chronicle can use. */
  boolean isSound() {
    return layout != null;
  }

  /** First data offset; 0 without a sound header. */
  long start() {
    return layout == null ? 0 : layout.firstData();
  }

  /**
   * The header word at an offset, or behind the index pages that stand there; what is not in the
   * file is 0.
   */
  int header(long offset) throws IOException {
    long at = offset;
    int header = (int) read(at, Integer.BYTES);
    while (CycleLayout.isMeta(header)) {
      at = CycleLayout.next(at, CycleLayout.length(header));
      header = (int) read(at, Integer.BYTES);
    }
    return header;
  }

  /** Offset of the last entry, as the writers noted it; 0 while there is none. */
  long writePosition() throws IOException {
    return layout == null ? 0 : read(layout.word1(), Long.BYTES);
  }

  private long read(long offset, int length) throws IOException {
    word.clear().limit(length);
    int read = channel.read(word, offset);
    if (read < length) {
      return 0;
    }
    return length == Integer.BYTES ? word.getInt(0) : word.getLong(0);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
