package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.disk.SafeFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * Reads a file through a window of memory. Unlike a mapping it never faults on a hole or a file
 * that shrinks: what is not there reads as zeros. For one thread.
 */
public final class FileWindow implements Closeable {
  private static final int SCAN_BYTES = 256 << 10;

  private final FileChannel channel;
  private final boolean ownsChannel;
  private final int usualBytes;
  private ByteBuffer window = ByteBuffer.allocate(0);
  private long start;
  private long size;

  private FileWindow(FileChannel channel, boolean ownsChannel, int usualBytes, long size) {
    this.channel = channel;
    this.ownsChannel = ownsChannel;
    this.usualBytes = usualBytes;
    this.size = size;
  }

  /** Opens a regular file for reading; a symbolic link is refused. */
  public static FileWindow open(Path file) throws IOException {
    return open(file, SCAN_BYTES);
  }

  /**
   * The same for who reads here and there.
   *
   * @param usualBytes how much is read at a time
   */
  public static FileWindow open(Path file, int usualBytes) throws IOException {
    FileChannel channel = SafeFiles.openToRead(file);
    try {
      return new FileWindow(channel, true, usualBytes, channel.size());
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * A window over a file that is open already, and stays open.
   *
   * @param size of the file
   * @param usualBytes how much is read at a time
   */
  public static FileWindow over(FileChannel channel, long size, int usualBytes) {
    return new FileWindow(channel, false, usualBytes, size);
  }

  /** Length of the file when the window was last filled, bytes. */
  public long size() {
    return size;
  }

  /** Whether the file holds all of these bytes. */
  public boolean has(long offset, long length) {
    return offset >= 0 && length >= 0 && offset <= size - length;
  }

  public int getInt(long offset) throws IOException {
    int at = indexOf(offset, Integer.BYTES); // may replace the window
    return window.getInt(at);
  }

  public long getLong(long offset) throws IOException {
    int at = indexOf(offset, Long.BYTES);
    return window.getLong(at);
  }

  /** A little-endian view of some bytes, valid until the next call. */
  public ByteBuffer slice(long offset, int length) throws IOException {
    int at = indexOf(offset, length);
    return window.slice(at, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Forgets what was read, so that the next access sees what is on disk now. */
  public void refresh() throws IOException {
    refresh(channel.size());
  }

  /** The same where the length is known. */
  public void refresh(long knownSize) {
    window.limit(0);
    size = knownSize;
  }

  /** How many bytes from {@code offset} on are already in memory. */
  int buffered(long offset) {
    long behind = start + window.limit() - offset;
    return offset < start || behind <= 0 ? 0 : (int) behind;
  }

  private int indexOf(long offset, int length) throws IOException {
    if (offset < start || offset + length > start + window.limit()) {
      fill(offset, length);
    }
    return (int) (offset - start);
  }

  private void fill(long offset, int length) throws IOException {
    if (window.capacity() < length || window.capacity() == 0) {
      int capacity = Math.max(length, usualBytes);
      window = ownsChannel ? ByteBuffer.allocate(capacity) : ByteBuffer.allocateDirect(capacity);
      window.order(ByteOrder.LITTLE_ENDIAN);
    }
    window.clear();
    start = offset;
    try {
      while (window.hasRemaining()) {
        if (channel.read(window, start + window.position()) < 0) {
          break;
        }
      }
    } catch (IOException e) {
      boolean unreadable = UnreadableBlock.isCauseOf(e);
      if (!unreadable || window.position() < length) {
        window.limit(0);
        throw unreadable ? new UnreadableBlock(e) : e;
      }
      // What was read ahead is not there: its turn comes when it is asked for.
    }
    for (int i = window.position(); i < length; i++) {
      window.put(i, (byte) 0);
    }
    window.limit(Math.max(length, window.position())).position(0);
  }

  @Override
  public void close() throws IOException {
    if (ownsChannel) {
      channel.close();
    }
  }
}
