package dev.outboxrelay.conformance;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import java.io.FileDescriptor;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Locale;

/**
 * Does what the real disk does, and tells the test after each change, which looks at the directory
 * before it lets the writer go on. Files are named by their inodes. Needs the JDK's packages {@code
 * java.io}, {@code java.nio} and {@code sun.nio.ch} opened, to find the descriptor of a channel and
 * the address of a mapping.
 */
final class RecordingDisk implements Disk {

  /** Prints {@code op OPERATION LABEL INODE REST} and waits for a line of standard input. */
  private static void tell(String operation, DiskStep step, long inode, Object... rest)
      throws IOException {
    StringBuilder line = new StringBuilder("op ").append(operation);
    line.append(' ').append(step.name().toLowerCase(Locale.ROOT).replace('_', '-'));
    line.append(' ').append(inode);
    for (Object each : rest) {
      line.append(' ').append(each);
    }
    WriterMain.say(line.toString());
    if (WriterMain.IN.readLine() == null) {
      throw new IOException("the test has ended");
    }
  }

  @Override
  public void write(FileChannel file, ByteBuffer bytes, long offset, DiskStep step)
      throws IOException {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    REAL.write(file, bytes, offset, step);
    tell("write", step, inode(file), offset, HexFormat.of().formatHex(copy));
  }

  @Override
  public void store32(MappedByteBuffer map, int offset, int value, DiskStep step) {
    REAL.store32(map, offset, value, step);
    byte[] bytes = new byte[Integer.BYTES];
    littleEndian(bytes).putInt(value);
    stored(map, offset, bytes, step);
  }

  @Override
  public void store64(MappedByteBuffer map, int offset, long value, DiskStep step) {
    REAL.store64(map, offset, value, step);
    byte[] bytes = new byte[Long.BYTES];
    littleEndian(bytes).putLong(value);
    stored(map, offset, bytes, step);
  }

  private static ByteBuffer littleEndian(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void stored(MappedByteBuffer map, int offset, byte[] value, DiskStep step) {
    try {
      Mapping mapping = Mapping.of((long) field(Buffer.class, "address", map));
      tell(
          "store",
          step,
          mapping.inode(),
          mapping.offset() + offset,
          HexFormat.of().formatHex(value));
    } catch (IOException e) {
      throw new IllegalArgumentException("a mapped store has no errno", e);
    }
  }

  @Override
  public void sync(FileChannel file, boolean metadata, DiskStep step) throws IOException {
    REAL.sync(file, metadata, step);
    tell("sync", step, inode(file));
  }

  @Override
  public void sync(FileDescriptor file, DiskStep step) throws IOException {
    REAL.sync(file, step);
    tell("sync", step, inode(file));
  }

  @Override
  public void syncDirectory(Path directory, DiskStep step) throws IOException {
    REAL.syncDirectory(directory, step);
    tell("sync", step, inode(directory));
  }

  @Override
  public MappedByteBuffer map(FileChannel file, long size, DiskStep step) throws IOException {
    long before = file.size();
    MappedByteBuffer map = REAL.map(file, size, step);
    if (file.size() != before) {
      tell("resize", step, inode(file), file.size());
    }
    return map;
  }

  @Override
  public void truncate(FileChannel file, long size, DiskStep step) throws IOException {
    REAL.truncate(file, size, step);
    tell("resize", step, inode(file), file.size());
  }

  @Override
  public void link(Path existing, Path name, DiskStep step) throws IOException {
    REAL.link(existing, name, step);
    tell("link", step, inode(name.getParent()), name.getFileName(), inode(name));
  }

  @Override
  public void unlink(Path name, DiskStep step) throws IOException {
    boolean existed = Files.exists(name);
    REAL.unlink(name, step);
    if (existed) {
      tell("unlink", step, inode(name.getParent()), name.getFileName());
    }
  }

  @Override
  public void rename(Path from, Path to, DiskStep step) {
    throw new UnsupportedOperationException("no writer renames");
  }

  @Override
  public FileLock tryLock(FileChannel file, long position, long length, DiskStep step)
      throws IOException {
    return tried(step, () -> REAL.tryLock(file, position, length, step));
  }

  @Override
  public FileLock tryLock(AsynchronousFileChannel file, long position, long length, DiskStep step)
      throws IOException {
    return tried(step, () -> REAL.tryLock(file, position, length, step));
  }

  @FunctionalInterface
  private interface Try {
    FileLock run() throws IOException;
  }

  /** Lets the test act before and after the sync lock is had; a lock changes nothing. */
  private static FileLock tried(DiskStep step, Try lock) throws IOException {
    if (step == DiskStep.LOCK) {
      return lock.run();
    }
    tell("try", step, 0);
    FileLock held = lock.run();
    if (held != null) {
      tell("lock", step, 0);
    }
    return held;
  }

  // --- which file that is ---

  private static long inode(FileChannel file) throws IOException {
    return inode((FileDescriptor) field(file.getClass(), "fd", file));
  }

  private static long inode(FileDescriptor file) throws IOException {
    return inode(Path.of("/proc/self/fd/" + (int) field(FileDescriptor.class, "fd", file)));
  }

  private static long inode(Path file) throws IOException {
    return (long) Files.getAttribute(file, "unix:ino");
  }

  /** Where in which file an address lies. */
  private record Mapping(long inode, long offset) {

    static Mapping of(long address) throws IOException {
      for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
        String[] words = line.split(" +", 6);
        String[] span = words[0].split("-", 2);
        long start = Long.parseUnsignedLong(span[0], 16);
        if (start <= address && address < Long.parseUnsignedLong(span[1], 16)) {
          long offset = address - start + Long.parseLong(words[2], 16);
          return new Mapping(Long.parseLong(words[4]), offset);
        }
      }
      throw new IOException("nothing is mapped at " + Long.toHexString(address));
    }
  }

  private static Object field(Class<?> owner, String name, Object object) throws IOException {
    try {
      Field field = owner.getDeclaredField(name);
      field.setAccessible(true);
      return field.get(object);
    } catch (ReflectiveOperationException | InaccessibleObjectException e) {
      throw new IOException("the JVM needs --add-opens for " + owner, e);
    }
  }
}
