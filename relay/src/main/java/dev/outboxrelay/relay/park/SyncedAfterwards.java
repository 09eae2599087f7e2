package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;

/**
 * A disk for what {@link ParkedSync} brings to stable storage as a whole, before anything counts:
 * names, listing and state are not synced one by one. A cycle still is before it gets its name, so
 * that no power cut leaves one without a header. Where thousands of topics are parked, this is most
 * of the time that it takes.
 */
record SyncedAfterwards(Disk disk) implements Disk {
  @Override
  public void write(FileChannel file, ByteBuffer bytes, long offset, DiskStep step)
      throws IOException {
    disk.write(file, bytes, offset, step);
  }

  @Override
  public void store32(MappedByteBuffer map, int offset, int value, DiskStep step) {
    disk.store32(map, offset, value, step);
  }

  @Override
  public void store64(MappedByteBuffer map, int offset, long value, DiskStep step) {
    disk.store64(map, offset, value, step);
  }

  @Override
  public void sync(FileChannel file, boolean metadata, DiskStep step) throws IOException {
    if (step != DiskStep.LISTING && step != DiskStep.STATE) {
      disk.sync(file, metadata, step);
    }
  }

  @Override
  public void sync(FileDescriptor file, DiskStep step) throws IOException {
    disk.sync(file, step);
  }

  @Override
  public void syncDirectory(Path directory, DiskStep step) {
    // later
  }

  @Override
  public MappedByteBuffer map(FileChannel file, long size, DiskStep step) throws IOException {
    return disk.map(file, size, step);
  }

  @Override
  public void truncate(FileChannel file, long size, DiskStep step) throws IOException {
    disk.truncate(file, size, step);
  }

  @Override
  public void link(Path existing, Path name, DiskStep step) throws IOException {
    disk.link(existing, name, step);
  }

  @Override
  public void unlink(Path name, DiskStep step) throws IOException {
    disk.unlink(name, step);
  }

  @Override
  public void rename(Path from, Path to, DiskStep step) throws IOException {
    disk.rename(from, to, step);
  }

  @Override
  public FileLock tryLock(FileChannel file, long position, long length, DiskStep step)
      throws IOException {
    return disk.tryLock(file, position, length, step);
  }

  @Override
  public FileLock tryLock(AsynchronousFileChannel file, long position, long length, DiskStep step)
      throws IOException {
    return disk.tryLock(file, position, length, step);
  }
}
