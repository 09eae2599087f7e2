package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;

/**
 * Keeps the next piece of a cycle file allocated, by writing zeros ahead of the tail in large
 * steps: an append then neither allocates blocks nor faults in pages, which is a good part of its
 * time. Only for writers that append much, and only over a hole or zeros: what a power cut may have
 * left there is not touched (FORMAT I5).
 */
final class SpaceAhead {
  /** Fewer than one append of a kilobyte in a hundred pays for a step. */
  private static final int STEP_BYTES = 256 << 10;

  /** What is there is read in pieces: a process may have hundreds of writers. */
  private static final int READ_BYTES = 8 << 10;

  private static final int APPENDS_BEFORE = 64;

  /** Of all writers of the process; made when the first one appends much. */
  private static final class Zeros {
    private static final ByteBuffer ALL = ByteBuffer.allocateDirect(STEP_BYTES).asReadOnlyBuffer();
  }

  private final FileChannel channel;
  private final Disk disk;
  private ByteBuffer there;
  private long allocatedTo;
  private int appends;
  private boolean begunHere;

  SpaceAhead(FileChannel channel, Disk disk) {
    this.channel = channel;
    this.disk = disk;
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
    try {
      if (begunHere || isZero(from)) {
        disk.write(channel, Zeros.ALL.duplicate(), from, DiskStep.AHEAD);
      }
    } catch (ClosedChannelException e) {
      throw e;
    } catch (IOException e) {
      // whether there is room for the append itself is for its own write to say
    }
  }

  private boolean isZero(long from) throws IOException {
    if (there == null) {
      there = ByteBuffer.allocateDirect(READ_BYTES);
    }
    ByteBuffer zeros = Zeros.ALL.slice(0, READ_BYTES);
    for (long at = from; at < from + STEP_BYTES; at += READ_BYTES) {
      there.clear();
      while (there.hasRemaining()) {
        if (channel.read(there, at + there.position()) < 0) {
          return false;
        }
      }
      if (there.flip().mismatch(zeros) >= 0) {
        return false;
      }
    }
    return true;
  }
}
