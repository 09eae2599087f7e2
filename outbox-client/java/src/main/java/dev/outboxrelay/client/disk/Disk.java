package dev.outboxrelay.client.disk;

import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;

/**
 * Every change that a writer makes on disk goes through here, so that a test can fail, cut short or
 * kill at any of them. Production uses {@link #REAL}, its only implementation there.
 */
public interface Disk {
  /** The operating system. */
  Disk REAL = new RealDisk();

  /**
   * Writes all remaining bytes at {@code offset} (pwrite); a disk that is full in between is an
   * exception.
   */
  void write(FileChannel file, ByteBuffer bytes, long offset, DiskStep step) throws IOException;

  /**
   * One aligned store of 32 bits, with release semantics: what was written before is visible to who
   * sees it.
   */
  void store32(MappedByteBuffer map, int offset, int value, DiskStep step);

  /** One aligned store of 64 bits, with release semantics. */
  void store64(MappedByteBuffer map, int offset, long value, DiskStep step);

  /**
   * Brings a file's data to stable storage (fdatasync), with {@code metadata} its attributes too
   * (fsync).
   */
  void sync(FileChannel file, boolean metadata, DiskStep step) throws IOException;

  /** The same through a descriptor that no interrupt closes, in a fsync. */
  void sync(FileDescriptor file, DiskStep step) throws IOException;

  /** Brings a directory's entries to stable storage. */
  void syncDirectory(Path directory, DiskStep step) throws IOException;

  /** Maps the first {@code size} bytes for writing, and makes a shorter file that long (sparse). */
  MappedByteBuffer map(FileChannel file, long size, DiskStep step) throws IOException;

  /** Cuts a file. */
  void truncate(FileChannel file, long size, DiskStep step) throws IOException;

  /**
   * Gives a file a second name.
   *
   * @throws java.nio.file.FileAlreadyExistsException if anything has that name
   */
  void link(Path existing, Path name, DiskStep step) throws IOException;

  /** Removes a name, if it exists. */
  void unlink(Path name, DiskStep step) throws IOException;

  /** Renames a file over whatever has the new name. */
  void rename(Path from, Path to, DiskStep step) throws IOException;

  /** Tries to take an exclusive record lock; null if somebody else holds it. */
  FileLock tryLock(FileChannel file, long position, long length, DiskStep step) throws IOException;

  /** The same. */
  FileLock tryLock(AsynchronousFileChannel file, long position, long length, DiskStep step)
      throws IOException;
}
