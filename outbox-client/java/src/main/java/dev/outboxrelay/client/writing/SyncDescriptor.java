package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.disk.SafeFiles;
import java.io.Closeable;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A second descriptor of a cycle file, open since before its records were written: an interrupt
 * closes a channel, and a descriptor opened after that may miss an error which the kernel has
 * already reported to another.
 */
final class SyncDescriptor implements Closeable {
  private final RandomAccessFile file;

  private SyncDescriptor(RandomAccessFile file) {
    this.file = file;
  }

  /** Opens it, unless the path leads elsewhere by now. */
  static SyncDescriptor open(Path path, Object fileKey) throws IOException {
    RandomAccessFile file = new RandomAccessFile(path.toFile(), "r");
    SafeFiles.Attributes now = SafeFiles.attributes(path);
    if (now == null || !now.key().equals(fileKey)) {
      file.close();
      throw new NoSuchFileException(path.toString());
    }
    return new SyncDescriptor(file);
  }

  FileDescriptor descriptor() throws IOException {
    return file.getFD();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
