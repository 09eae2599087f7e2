package dev.outboxrelay.conformance;

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
import java.util.concurrent.locks.LockSupport;

/** Does what the real disk does, until the fault is due. */
final class FaultyDisk implements Disk {

  private final Fault fault;

  FaultyDisk(Fault fault) {
    this.fault = fault;
  }

  @FunctionalInterface
  private interface Operation {
    void run() throws IOException;
  }

  private static final Operation NOTHING = () -> {};

  private void run(String operation, DiskStep step, Operation real) throws IOException {
    run(operation, step, real, NOTHING);
  }

  private void run(String operation, DiskStep step, Operation real, Operation half)
      throws IOException {
    if (!fault.isDue(operation, step)) {
      real.run();
      return;
    }
    switch (fault.action()) {
      case "skip" -> {}
      case "raise" -> throw new Fault.InjectedError("at " + operation + " of " + step);
      case "ENOSPC" -> throw new IOException("No space left on device");
      case "EIO" -> throw new IOException("Input/output error");
      case "stop" -> {
        stop();
        real.run();
      }
      case "kill" -> die();
      case "kill-after" -> {
        real.run();
        die();
      }
      case "half-kill" -> {
        half.run();
        die();
      }
      default -> throw new IllegalArgumentException("no such action: " + fault.action());
    }
  }

  /**
   * Ends when SIGCONT has come. A signal to the process takes hold when one of its threads is
   * scheduled; until then this one would go on. So who sends it looks whether all is stopped.
   */
  private static void stop() {
    runSelf("kill -STOP $0; until grep -q '^State:.T' /proc/$0/status; do :; done");
  }

  private static void die() {
    runSelf("kill -KILL $0");
    while (true) {
      LockSupport.park();
    }
  }

  private static void runSelf(String script) {
    try {
      String pid = Long.toString(ProcessHandle.current().pid());
      new ProcessBuilder("sh", "-c", script, pid).start().waitFor();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void unchecked(Operation operation) {
    try {
      operation.run();
    } catch (IOException e) {
      throw new IllegalArgumentException("a mapped store has no errno", e);
    }
  }

  @Override
  public void write(FileChannel file, ByteBuffer bytes, long offset, DiskStep step)
      throws IOException {
    run(
        "write",
        step,
        () -> REAL.write(file, bytes, offset, step),
        () -> REAL.write(file, bytes.slice(0, bytes.remaining() / 2), offset, step));
  }

  @Override
  public void store32(MappedByteBuffer map, int offset, int value, DiskStep step) {
    unchecked(() -> run("store", step, () -> REAL.store32(map, offset, value, step)));
  }

  @Override
  public void store64(MappedByteBuffer map, int offset, long value, DiskStep step) {
    unchecked(() -> run("store", step, () -> REAL.store64(map, offset, value, step)));
  }

  @Override
  public void sync(FileChannel file, boolean metadata, DiskStep step) throws IOException {
    run("sync", step, () -> REAL.sync(file, metadata, step));
  }

  @Override
  public void sync(FileDescriptor file, DiskStep step) throws IOException {
    run("sync", step, () -> REAL.sync(file, step));
  }

  @Override
  public void syncDirectory(Path directory, DiskStep step) throws IOException {
    run("sync", step, () -> REAL.syncDirectory(directory, step));
  }

  @Override
  public MappedByteBuffer map(FileChannel file, long size, DiskStep step) throws IOException {
    run("map", step, NOTHING);
    return REAL.map(file, size, step);
  }

  @Override
  public void truncate(FileChannel file, long size, DiskStep step) throws IOException {
    run("truncate", step, () -> REAL.truncate(file, size, step));
  }

  @Override
  public void link(Path existing, Path name, DiskStep step) throws IOException {
    run("link", step, () -> REAL.link(existing, name, step));
  }

  @Override
  public void unlink(Path name, DiskStep step) throws IOException {
    run("unlink", step, () -> REAL.unlink(name, step));
  }

  @Override
  public void rename(Path from, Path to, DiskStep step) throws IOException {
    run("rename", step, () -> REAL.rename(from, to, step));
  }

  @Override
  public FileLock tryLock(FileChannel file, long position, long length, DiskStep step)
      throws IOException {
    run("lock", step, NOTHING);
    return REAL.tryLock(file, position, length, step);
  }

  @Override
  public FileLock tryLock(AsynchronousFileChannel file, long position, long length, DiskStep step)
      throws IOException {
    run("lock", step, NOTHING);
    return REAL.tryLock(file, position, length, step);
  }
}
