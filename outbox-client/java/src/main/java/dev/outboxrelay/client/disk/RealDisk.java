package dev.outboxrelay.client.disk;

import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** The operating system's disk. */
public final class RealDisk implements Disk {
  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  RealDisk() {}

  @Override
  public void write(FileChannel file, ByteBuffer bytes, long offset, DiskStep step)
      throws IOException {
    long at = offset;
    while (bytes.hasRemaining()) {
      at += file.write(bytes, at);
    }
  }

  @Override
  public void store32(MappedByteBuffer map, int offset, int value, DiskStep step) {
    INT.setRelease(map, offset, value);
  }

  @Override
  public void store64(MappedByteBuffer map, int offset, long value, DiskStep step) {
    LONG.setRelease(map, offset, value);
  }

  public static int load32(MappedByteBuffer map, int offset) {
    return (int) INT.getAcquire(map, offset);
  }

  public static long load64(MappedByteBuffer map, int offset) {
    return (long) LONG.getAcquire(map, offset);
  }

  @Override
  public void sync(FileChannel file, boolean metadata, DiskStep step) throws IOException {
    file.force(metadata);
  }

  @Override
  public void sync(FileDescriptor file, DiskStep step) throws IOException {
    file.sync();
  }

  @Override
  public void syncDirectory(Path directory, DiskStep step) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  @Override
  public MappedByteBuffer map(FileChannel file, long size, DiskStep step) throws IOException {
    MappedByteBuffer map = file.map(FileChannel.MapMode.READ_WRITE, 0, size);
    map.order(ByteOrder.LITTLE_ENDIAN);
    return map;
  }

  @Override
  public void truncate(FileChannel file, long size, DiskStep step) throws IOException {
    file.truncate(size);
  }

  @Override
  public void link(Path existing, Path name, DiskStep step) throws IOException {
    Files.createLink(name, existing);
  }

  @Override
  public void unlink(Path name, DiskStep step) throws IOException {
    Files.deleteIfExists(name);
  }

  @Override
  public void rename(Path from, Path to, DiskStep step) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public FileLock tryLock(FileChannel file, long position, long length, DiskStep step)
      throws IOException {
    try {
      return file.tryLock(position, length, false);
    } catch (OverlappingFileLockException e) {
      return null; // another channel of this process has it
    }
  }

  @Override
  public FileLock tryLock(AsynchronousFileChannel file, long position, long length, DiskStep step)
      throws IOException {
    try {
      return file.tryLock(position, length, false);
    } catch (OverlappingFileLockException e) {
      return null; // as above
    }
  }
}
