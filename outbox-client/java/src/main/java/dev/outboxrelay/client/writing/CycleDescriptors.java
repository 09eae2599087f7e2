package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.lock.LockDeadline;
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * A cycle file that is open for as long as somebody uses it: its writer, or a sync outside of the
 * lock.
 */
final class CycleDescriptors implements Closeable {
  private final Path name;
  private final Path path;
  private final FileChannel channel;
  private final Object fileKey;
  private final Disk disk;
  private volatile RandomAccessFile forSync; // null until something is to be synced
  private int users = 1; // guarded by this

  private CycleDescriptors(Path name, Path path, FileChannel channel, Object fileKey, Disk disk) {
    this.name = name;
    this.path = path;
    this.channel = channel;
    this.fileKey = fileKey;
    this.disk = disk;
  }

  /**
   * Opens a cycle file.
   *
   * @throws NoSuchFileException if there is none
   */
  static CycleDescriptors open(HeldDirectories held, long cycle, Disk disk) throws IOException {
    Path path = held.paths().cycle(cycle);
    Path name = held.named().cycle(cycle);
    SafeFiles.Attributes attributes = SafeFiles.attributes(path);
    if (attributes == null) {
      throw new NoSuchFileException(name.toString());
    }
    return new CycleDescriptors(name, path, SafeFiles.open(path), attributes.key(), disk);
  }

  /** What users call it. */
  Path name() {
    return name;
  }

  FileChannel channel() {
    return channel;
  }

  /** Length of the file; −1 if its name does not lead to it any more. */
  long sizeInPlace() throws IOException {
    return sizeAt(name);
  }

  private long sizeAt(Path where) throws IOException {
    try {
      BasicFileAttributes now =
          Files.readAttributes(where, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return fileKey.equals(now.fileKey()) ? now.size() : -1;
    } catch (NoSuchFileException e) {
      return -1;
    }
  }

  /** Prepares for syncs that an interrupt must not end, see {@link #sync}. */
  void openForSync() throws IOException {
    if (forSync != null) {
      return;
    }
    RandomAccessFile second = new RandomAccessFile(path.toFile(), "r");
    if (sizeAt(path) < 0) {
      second.close();
      throw new NoSuchFileException(name.toString());
    }
    forSync = second;
  }

  /** Keeps the file open for a sync, whatever its owner does; {@link #close} must follow. */
  synchronized void retain() {
    users++;
  }

  /**
   * Brings all that was published to stable storage. To each of the two descriptors the kernel
   * tells an error once, whatever the other was told, and both were open before; so a sync through
   * either vouches for all since {@link #openForSync}, unless one through either has failed.
   */
  void sync(LockDeadline deadline) throws IOException {
    try {
      disk.sync(channel, false, DiskStep.PAYLOAD);
    } catch (ClosedChannelException e) { // by an interrupt of this thread, or of one that wrote
      deadline.keepInterrupt();
      disk.sync(forSync.getFD(), DiskStep.PAYLOAD); // which knows of none
    }
  }

  /** Gives up one use; the last one closes the file. */
  @Override
  public void close() throws IOException {
    synchronized (this) {
      if (--users > 0) {
        return;
      }
    }
    try (RandomAccessFile also = forSync) {
      channel.close();
    }
  }
}
