package dev.outboxrelay.relay.deliver;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that the windows of one process share, so that many outboxes fit where one does. A
 * window may grow as long as {@value #LEFT_FOR_OTHERS} times as much is left for the others as it
 * would hold itself: those that fail one after another take little less each than the one before,
 * and there is always some left. A small window needs no permission, and few large records may go
 * beyond, so that each outbox gets on, however many there are. Thread-safe.
 */
public final class WindowBudget {
  /** What each window has for itself. */
  static final long FLOOR = 64 << 10;

  /** What is counted for a window in use: its floor, and what its producer takes beside it. */
  static final long OWN = 2 * FLOOR;

  /** What a window leaves, as a multiple of itself. */
  static final int LEFT_FOR_OTHERS = 8;

  /** Windows that hold a single record for which nothing is left. */
  static final int MOST_BEYOND = 4;

  /** What a record costs beside its bytes, roughly. */
  static final long RECORD_OVERHEAD = 1024;

  private static final long STEP = 64 << 10;

  private final long total;
  private final AtomicLong leased = new AtomicLong();
  private final AtomicInteger beyond = new AtomicInteger();

  /**
   * Nothing is leased yet.
   *
   * @param total bytes
   */
  public WindowBudget(long total) {
    this.total = total;
  }

  /** A part for one window, which has the {@link #FLOOR} from its first record on. */
  public Lease lease() {
    return new Part();
  }

  /** Bytes that may still be leased. */
  long left() {
    return total - leased.get();
  }

  private final class Part implements Lease {
    private long held;
    private boolean isBeyond;

    @Override
    public boolean covers(int records, long bytes) {
      if (held == 0) {
        held = FLOOR;
        leased.addAndGet(OWN);
      }
      long wanted = bytes + records * RECORD_OVERHEAD;
      return wanted <= held || grow(wanted) || (records == 1 && goBeyond());
    }

    private boolean grow(long wanted) {
      long next = (wanted + STEP - 1) / STEP * STEP;
      long more = next - held;
      while (true) {
        long before = leased.get();
        if (next * LEFT_FOR_OTHERS > total - before - more) {
          return false;
        }
        if (leased.compareAndSet(before, before + more)) {
          held = next;
          return true;
        }
      }
    }

    private boolean goBeyond() {
      if (!isBeyond) {
        isBeyond = beyond.incrementAndGet() <= MOST_BEYOND;
        if (!isBeyond) {
          beyond.decrementAndGet();
        }
      }
      return isBeyond;
    }

    @Override
    public void emptied() {
      if (isBeyond) {
        isBeyond = false;
        beyond.decrementAndGet();
      }
    }

    @Override
    public void close() {
      emptied();
      if (held > 0) {
        leased.addAndGet(FLOOR - held - OWN);
        held = 0;
      }
    }
  }
}
