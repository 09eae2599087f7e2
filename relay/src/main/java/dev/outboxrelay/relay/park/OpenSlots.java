package dev.outboxrelay.relay.park;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many outboxes of parked topics one process may hold open, whatever the number of its
 * outboxes: descriptors and memory are the process's. Thread-safe.
 */
public final class OpenSlots {
  /** Descriptors that an open one has. */
  private static final int DESCRIPTORS = 8;

  /** What it takes outside of the heap, of which there may be as much as there may be heap. */
  static final int BUFFER_BYTES = 96 << 10;

  /** One part in so many of all descriptors and of the memory. */
  private static final int SHARE = 4;

  private final AtomicInteger left;

  /** So many, and one for each outbox besides. */
  public OpenSlots(int most) {
    left = new AtomicInteger(most);
  }

  /** By the limits of this process ({@code ulimit -n}, {@code LimitNOFILE=}, {@code -Xmx}). */
  public static OpenSlots ofProcess() {
    boolean isKnown =
        ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean;
    long limit =
        isKnown
            ? ((UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getMaxFileDescriptorCount()
            : 1024;
    return of(limit, Runtime.getRuntime().maxMemory());
  }

  static OpenSlots of(long descriptors, long memory) {
    long most = Math.min(descriptors / DESCRIPTORS, memory / BUFFER_BYTES) / SHARE;
    return new OpenSlots((int) Math.min(Integer.MAX_VALUE, most));
  }

  /** Whether there was one. */
  boolean take() {
    int before = left.get();
    while (before > 0 && !left.compareAndSet(before, before - 1)) {
      before = left.get();
    }
    return before > 0;
  }

  void give() {
    left.incrementAndGet();
  }
}
