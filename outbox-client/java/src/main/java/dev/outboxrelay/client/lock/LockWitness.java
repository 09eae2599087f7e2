package dev.outboxrelay.client.lock;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.outboxrelay.client.disk.OwnDescriptors;
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;

/**
 * What the kernel says of the writers' lock that this process should have: the line in {@code
 * /proc/self/fdinfo} of the descriptor that took it. It goes when anything in the process closes a
 * descriptor of the file, and does not come back. For one thread at a time.
 */
final class LockWitness implements Closeable {
  private static final String LOCK = "\nlock:";
  private static final int INFO_BYTES = 1024;

  private final RandomAccessFile info; // no interrupt disturbs it
  private final byte[] bytes = new byte[INFO_BYTES];

  private LockWitness(RandomAccessFile info) {
    this.info = info;
  }

  /** Finds the descriptor that holds the lock on the file; null if the kernel tells of none. */
  static LockWitness find(Path file) {
    try {
      Object key = keyOf(file, LinkOption.NOFOLLOW_LINKS);
      Path info =
          OwnDescriptors.locked((own, lock) -> isOfByte0(lock) && keyOf(own).equals(key))
              .orElse(null);
      return info == null ? null : new LockWitness(new RandomAccessFile(info.toFile(), "r"));
    } catch (IOException e) {
      return null; // not Linux, or no /proc
    }
  }

  /** Device and inode: the number of an inode alone is the same on many a file system. */
  private static Object keyOf(Path file, LinkOption... options) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class, options).fileKey();
  }

  /** Whether the kernel still has the lock. */
  boolean seesLock() throws IOException {
    return isOfByte0(read());
  }

  /**
   * Where a lock begins tells whose it is: the kernel makes one of the writers' lock and the sync
   * lock behind it, and shows it at the descriptor that took the first of the two.
   */
  private static boolean isOfByte0(String info) {
    for (int at = info.indexOf(LOCK); at >= 0; at = info.indexOf(LOCK, at + 1)) {
      int end = info.indexOf('\n', at + 1);
      String line = end < 0 ? info.substring(at) : info.substring(at, end);
      if (line.lastIndexOf(" 0 ") == line.lastIndexOf(' ') - 2) {
        return true;
      }
    }
    return false;
  }

  private String read() throws IOException {
    info.seek(0);
    int length = Math.max(0, info.read(bytes));
    return new String(Arrays.copyOf(bytes, length), ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    info.close();
  }
}
