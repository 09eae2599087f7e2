package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.util.function.LongSupplier;

/**
 * Keeps the next piece of a cycle file allocated, by writing zeros ahead of the tail in large
 * steps: an append then neither allocates blocks nor faults in pages, which is a good part of its
 * time. Only for writers that append much, and only over a hole or zeros: what a power cut may have
 * left there is not touched (FORMAT I5).
 */
final class SpaceAhead {
  /** Fewer than one append of a kilobyte in a hundred pays for a step. */
  private static final int STEP_BYTES = 256 << 10;

  private static final int APPENDS_BEFORE = 64;

  /** Pages that were written so long ago may have left the memory, and their blocks the disk. */
  private static final long READY_NANOS = 1_000_000_000;

  private final FileChannel channel;
  private final Disk disk;
  private ByteBuffer zeros;
  private ByteBuffer there;
  private final LongSupplier nanos;
  private long allocatedTo;
  private long zerosFrom; // what was written so
  private long zerosTo;
  private long writtenAtNanos;
  private int appends;
  private boolean begunHere;

  SpaceAhead(FileChannel channel, Disk disk, LongSupplier nanos) {
    this.channel = channel;
    this.disk = disk;
    this.nanos = nanos;
  }

  /** This writer has begun the file: there is nothing in it that a power cut could have left. */
  void begunHere() {
    begunHere = true; // to look costs a sixth of an append
  }

  /**
   * Called before each append.
   *
   * @param tail where it begins
   * @param next where it ends
   * @param limit length of the file
   */
  void prepare(long tail, long next, long limit) throws IOException {
    if (next <= allocatedTo || appends++ < APPENDS_BEFORE) {
      return;
    }
    long from = Math.max(tail, allocatedTo);
    long to = from + STEP_BYTES;
    if (next > to || to > limit) {
      return;
    }
    allocatedTo = to;
    if (zeros == null) {
      zeros = ByteBuffer.allocateDirect(STEP_BYTES);
      there = ByteBuffer.allocateDirect(STEP_BYTES);
    }
    try {
      if (begunHere || isZero(from)) {
        disk.write(channel, zeros.clear(), from, DiskStep.AHEAD);
        boolean goesOn = zerosTo == from && isFresh();
        zerosFrom = goesOn ? zerosFrom : from;
        zerosTo = to;
        writtenAtNanos = nanos.getAsLong();
      }
    } catch (ClosedChannelException e) {
      throw e;
    } catch (IOException e) {
      // whether there is room for the append itself is for its own write to say
    }
  }

  /**
   * Whether zeros were written here just now: what is stored there through the mapping needs no
   * disk to give anything.
   */
  boolean isReady(long from, long to) {
    return zerosFrom <= from && to <= zerosTo && isFresh();
  }

  private boolean isFresh() {
    return nanos.getAsLong() - writtenAtNanos < READY_NANOS;
  }

  private boolean isZero(long from) throws IOException {
    there.clear();
    while (there.hasRemaining()) {
      if (channel.read(there, from + there.position()) < 0) {
        return false;
      }
    }
    return there.flip().mismatch(zeros.clear()) < 0;
  }
}
