package dev.outboxrelay.relay.pipeline;

import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How many lanes one process may have, whatever the number of its outboxes: each has a producer and
 * four threads, and memory is the process's. The outbox that waits longest is the next to have one;
 * while one waits, a lane that has delivered for a while leaves its turn. What an outbox has that
 * hangs does not count: no other waits for it. Thread-safe.
 */
public final class LaneSlots {
  /** What lanes may need of the heap, each with what its producer and its reader hold. */
  private static final long HEAP_BYTES = 8 << 20;

  /** Nobody waits behind an outbox that has not asked for so long: its topics may be gone. */
  static final long FORGET_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** An outbox whose delivery has not turned for so long hangs. */
  static final long HANGS_NANOS = TimeUnit.SECONDS.toNanos(15);

  private final int most;
  private final LongSupplier nanos;

  /** Those that wait, the one that has waited longest first. */
  private final Set<Share> line = new LinkedHashSet<>();

  private final Set<Share> holders = new HashSet<>();

  /**
   * All are free.
   *
   * @param most one or more
   * @param nanos the monotonic clock, from any thread
   */
  public LaneSlots(int most, LongSupplier nanos) {
    this.most = most;
    this.nanos = nanos;
  }

  /** By the limit of this process ({@code -Xmx}), and as many as one outbox may have at least. */
  public static LaneSlots ofProcess() {
    long most = Math.max(ParkedLanes.MOST_OPEN, Runtime.getRuntime().maxMemory() / HEAP_BYTES);
    return new LaneSlots((int) Math.min(Integer.MAX_VALUE, most), System::nanoTime);
  }

  /** What one outbox has of them: none yet. */
  Share share() {
    return new Share();
  }

  /** How many are free now, and will be as soon as those end that leave their turn. */
  private int free(boolean soon) {
    int free = most;
    for (Share each : holders) {
      if (nanos.getAsLong() - each.turnedNanos < HANGS_NANOS) {
        free -= each.held - (soon ? each.leaving : 0);
      }
    }
    return free;
  }

  /** Of one outbox. For one thread. */
  final class Share implements AutoCloseable {
    private int held;
    private int leaving; // of these, lanes that leave their turn
    private long askedNanos;
    private long turnedNanos;

    private Share() {}

    /** The outbox does not hang. */
    void turned() {
      synchronized (LaneSlots.this) {
        turnedNanos = nanos.getAsLong();
      }
    }

    /** Whether there is one for this outbox; if not, it waits for one. */
    boolean take() {
      synchronized (LaneSlots.this) {
        askedNanos = nanos.getAsLong();
        turnedNanos = askedNanos;
        line.add(this);
        if (free(false) <= 0 || !isNext()) {
          return false;
        }
        line.remove(this);
        holders.add(this);
        held++;
        return true;
      }
    }

    private boolean isNext() {
      for (Share first : line) {
        if (first == this || first.waits()) {
          return first == this;
        }
      }
      return false;
    }

    private boolean waits() {
      return nanos.getAsLong() - askedNanos < FORGET_NANOS;
    }

    /** Whether a lane that has had its turn is to leave it, as another outbox waits. */
    boolean isToLeave() {
      synchronized (LaneSlots.this) {
        long others = line.stream().filter(each -> each != this && each.waits()).count();
        if (free(true) >= others) {
          return false;
        }
        leaving++;
        return true;
      }
    }

    /** A lane has come to its end. */
    void give() {
      synchronized (LaneSlots.this) {
        held--;
        leaving = Math.max(0, leaving - 1);
        if (held == 0) {
          holders.remove(this);
        }
      }
    }

    /** Gives back all, and waits for none. */
    @Override
    public void close() {
      synchronized (LaneSlots.this) {
        line.remove(this);
        holders.remove(this);
        held = 0;
        leaving = 0;
      }
    }
  }
}
