package dev.outboxrelay.client.lock;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What the kernel says of a lock that this process should have: the line in {@code
 * /proc/self/fdinfo} of the descriptor that took it. It goes when anything in the process closes a
 * descriptor of the file, and does not come back. For one thread at a time.
 */
final class LockWitness implements Closeable {
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final Path INFO = Path.of("/proc/self/fdinfo");
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
      String inode = ":" + Files.getAttribute(file, "unix:ino", LinkOption.NOFOLLOW_LINKS) + " ";
      try (DirectoryStream<Path> all = Files.newDirectoryStream(DESCRIPTORS)) {
        for (Path each : all) {
          LockWitness found = at(INFO.resolve(each.getFileName()), inode);
          if (found != null) {
            return found;
          }
        }
      }
    } catch (IOException | DirectoryIteratorException | UnsupportedOperationException e) {
      // not Linux, or no /proc
    }
    return null;
  }

  private static LockWitness at(Path path, String inode) throws IOException {
    RandomAccessFile info;
    try {
      info = new RandomAccessFile(path.toFile(), "r");
    } catch (IOException e) {
      return null; // closed meanwhile
    }
    LockWitness found = new LockWitness(info);
    String text = found.read();
    int lock = text.indexOf(LOCK);
    if (lock >= 0 && text.indexOf(inode, lock) > 0) {
      return found;
    }
    found.close();
    return null;
  }

  /** Whether the kernel still has the lock. */
  boolean seesLock() throws IOException {
    return read().contains(LOCK);
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
