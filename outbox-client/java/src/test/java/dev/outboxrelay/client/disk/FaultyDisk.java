package dev.outboxrelay.client.disk;

import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;

/** A disk on which one chosen operation goes wrong. */
public final class FaultyDisk implements Disk {
  private final DiskStep where;
  private final int when;
  private final Fault fault;
  private int seen;
  private boolean happened;

  /** What goes wrong at the operation. */
  public enum Fault {
    /** The disk is full: half of a write arrives. A mapped store faults. */
    NO_SPACE,
    /** The operation does nothing but report an I/O error. A mapped store faults. */
    IO_ERROR,
    /** The process dies before the operation: nothing of it and nothing later happens. */
    DEATH,
    /** The process dies in the middle of a write. */
    DEATH_HALFWAY,
    /** The store is reported as done and is not. */
    LIE,
    /** The thread is interrupted just before: a channel that it touches then is closed. */
    INTERRUPT;

    /** Whether this can only befall a write. */
    public boolean halfway() {
      return this == NO_SPACE || this == DEATH_HALFWAY;
    }
  }

  /** Stands for the end of the process. */
  public static final class Death extends Error {
    private static final long serialVersionUID = 1L;
  }

  /** The {@code when}-th operation of a step goes wrong, counted from 1. */
  public FaultyDisk(DiskStep where, int when, Fault fault) {
    this.where = where;
    this.when = when;
    this.fault = fault;
  }

  public boolean happened() {
    return happened;
  }

  public boolean isDead() {
    return happened && (fault == Fault.DEATH || fault == Fault.DEATH_HALFWAY);
  }

  /** Whether this operation is the one; death lasts. */
  private boolean strikes(DiskStep step) {
    if (isDead()) {
      throw new Death();
    }
    if (step == where && ++seen == when) {
      happened = true;
      if (fault == Fault.INTERRUPT) {
        Thread.currentThread().interrupt();
        return false;
      }
      return true;
    }
    return false;
  }

  private void fail() throws IOException {
    switch (fault) {
      case NO_SPACE -> throw new IOException("No space left on device");
      case IO_ERROR -> throw new IOException("Input/output error");
      case DEATH, DEATH_HALFWAY -> throw new Death();
      case LIE, INTERRUPT -> throw new IllegalStateException(fault + " does not fail");
    }
  }

  private void failStore() {
    if (isDead()) {
      throw new Death();
    }
    if (fault == Fault.LIE) {
      return;
    }
    throw new InternalError("a fault occurred in an unsafe memory access operation");
  }

  @Override
  public void write(FileChannel file, ByteBuffer bytes, long offset, DiskStep step)
      throws IOException {
    if (strikes(step)) {
      if (fault.halfway()) {
        ByteBuffer half = bytes.slice(bytes.position(), bytes.remaining() / 2);
        Disk.REAL.write(file, half, offset, step);
      }
      fail();
    }
    Disk.REAL.write(file, bytes, offset, step);
  }

  @Override
  public void store32(MappedByteBuffer map, int offset, int value, DiskStep step) {
    if (strikes(step)) {
      failStore();
      return;
    }
    Disk.REAL.store32(map, offset, value, step);
  }

  @Override
  public void store64(MappedByteBuffer map, int offset, long value, DiskStep step) {
    if (strikes(step)) {
      failStore();
      return;
    }
    Disk.REAL.store64(map, offset, value, step);
  }

  @Override
  public void sync(FileChannel file, boolean metadata, DiskStep step) throws IOException {
    if (strikes(step)) {
      fail();
    }
    Disk.REAL.sync(file, metadata, step);
  }

  @Override
  public void sync(FileDescriptor file, DiskStep step) throws IOException {
    if (strikes(step)) {
      fail();
    }
    Disk.REAL.sync(file, step);
  }

  @Override
  public void syncDirectory(Path directory, DiskStep step) throws IOException {
    if (strikes(step)) {
      fail();
    }
    Disk.REAL.syncDirectory(directory, step);
  }

  @Override
  public MappedByteBuffer map(FileChannel file, long size, DiskStep step) throws IOException {
    if (strikes(step)) {
      fail();
    }
    return Disk.REAL.map(file, size, step);
  }

  @Override
  public void truncate(FileChannel file, long size, DiskStep step) throws IOException {
    if (strikes(step)) {
      fail();
    }
    Disk.REAL.truncate(file, size, step);
  }

  @Override
  public void link(Path existing, Path name, DiskStep step) throws IOException {
    if (strikes(step)) {
      fail();
    }
    Disk.REAL.link(existing, name, step);
  }

  @Override
  public void unlink(Path name, DiskStep step) throws IOException {
    if (strikes(step)) {
      fail();
    }
    Disk.REAL.unlink(name, step);
  }

  @Override
  public void rename(Path from, Path to, DiskStep step) throws IOException {
    if (strikes(step)) {
      fail();
    }
    Disk.REAL.rename(from, to, step);
  }

  @Override
  public FileLock tryLock(FileChannel file, long position, long length, DiskStep step)
      throws IOException {
    if (strikes(step)) {
      fail();
    }
    return Disk.REAL.tryLock(file, position, length, step);
  }

  @Override
  public FileLock tryLock(AsynchronousFileChannel file, long position, long length, DiskStep step)
      throws IOException {
    if (strikes(step)) {
      fail();
    }
    return Disk.REAL.tryLock(file, position, length, step);
  }
}
