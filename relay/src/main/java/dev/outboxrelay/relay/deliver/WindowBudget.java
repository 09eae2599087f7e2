package dev.outboxrelay.relay.deliver;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that the windows of one process share, so that many outboxes fit where one does. A
 * window may grow as long as as much is left for the others as it would hold itself: one that is
 * stuck takes half at most, two a third each, and there is always some left. A small window needs
 * no permission, and few large records may go beyond, so that each outbox gets on, however many
 * there are. Thread-safe.
 */
public final class WindowBudget {
  /** What each window has for itself. */
  static final long FLOOR = 64 << 10;

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

  /** A part for one window, which begins with the {@link #FLOOR}. */
  public Lease lease() {
    return new Part();
  }

  /** Bytes that may still be leased. */
  long left() {
    return total - leased.get();
  }

  private final class Part implements Lease {
    private long held = FLOOR;
    private boolean isBeyond;

    @Override
    public boolean covers(int records, long bytes) {
      long wanted = bytes + records * RECORD_OVERHEAD;
      return wanted <= held || grow(wanted) || (records == 1 && goBeyond());
    }

    private boolean grow(long wanted) {
      long next = (wanted + STEP - 1) / STEP * STEP;
      long more = next - held;
      while (true) {
        long before = leased.get();
        if (next > total - before - more) {
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
      leased.addAndGet(FLOOR - held);
      held = FLOOR;
    }
  }
}
