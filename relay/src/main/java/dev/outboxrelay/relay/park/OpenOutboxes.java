package dev.outboxrelay.relay.park;

import java.io.Closeable;
import java.io.IOException;
import java.time.InstantSource;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Those parked topics' outboxes that are open: few, as each has about eight descriptors and half a
 * megabyte of buffers. For one thread.
 */
final class OpenOutboxes implements Closeable {
  static final int MOST = 32;

  /** To open one takes tens of milliseconds, where the disk has other work; positions wait. */
  private static final int MOST_A_SECOND = 4;

  private static final long IDLE_MILLIS = TimeUnit.SECONDS.toMillis(10);

  private final OpenSlots slots;
  private final InstantSource clock;

  /** The one that was used last is last. */
  private final Map<String, Open> open = new LinkedHashMap<>(2 * MOST, 0.75f, true);

  private long second;
  private int opened; // in that second

  private static final class Open {
    private final ParkedOutbox outbox;
    private final boolean hasSlot;
    private long usedMillis;

    private Open(ParkedOutbox outbox, boolean hasSlot, long usedMillis) {
      this.outbox = outbox;
      this.hasSlot = hasSlot;
      this.usedMillis = usedMillis;
    }
  }

  /**
   * None is open.
   *
   * @param slots of the process
   */
  OpenOutboxes(OpenSlots slots, InstantSource clock) {
    this.slots = slots;
    this.clock = clock;
  }

  boolean contains(ParkedOutbox outbox) {
    return open.containsKey(outbox.topic());
  }

  /** Whether an outbox may be written without delay: then it is open from now on. */
  boolean use(ParkedOutbox outbox) throws IOException {
    long now = clock.millis();
    Open found = open.get(outbox.topic());
    if (found != null) {
      found.usedMillis = now;
      return true;
    }
    if (now / 1000 != second) {
      second = now / 1000;
      opened = 0;
    }
    if (opened >= MOST_A_SECOND || !keep(outbox)) {
      return false;
    }
    opened++;
    return true;
  }

  /** Whether there is room for it, perhaps in the place of one that is not used. */
  boolean keep(ParkedOutbox outbox) throws IOException {
    long now = clock.millis();
    Open found = open.get(outbox.topic());
    if (found != null) {
      found.usedMillis = now;
      return true;
    }
    boolean isFirst = open.isEmpty();
    boolean hasSlot = open.size() < MOST && slots.take();
    if (!hasSlot && !isFirst) {
      Open eldest = open.values().iterator().next();
      if (now - eldest.usedMillis < IDLE_MILLIS) {
        return false;
      }
      hasSlot = closeEldest();
    }
    open.put(outbox.topic(), new Open(outbox, hasSlot, now));
    return true;
  }

  /** Makes room for it in any case. */
  void make(ParkedOutbox outbox) throws IOException {
    if (!keep(outbox)) {
      boolean hasSlot = closeEldest();
      open.put(outbox.topic(), new Open(outbox, hasSlot, clock.millis()));
    }
  }

  /** Returns whether it had a slot, which is the caller's now. */
  private boolean closeEldest() throws IOException {
    Iterator<Open> all = open.values().iterator();
    Open eldest = all.next();
    all.remove();
    try {
      eldest.outbox.letGo();
    } catch (IOException | RuntimeException | Error e) {
      giveBack(eldest);
      throw e;
    }
    return eldest.hasSlot;
  }

  private void giveBack(Open closed) {
    if (closed.hasSlot) {
      slots.give();
    }
  }

  /** Closes all: the process may have no descriptor left. */
  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (Iterator<Open> all = open.values().iterator(); all.hasNext(); ) {
      Open next = all.next();
      all.remove();
      giveBack(next);
      try {
        next.outbox.letGo();
      } catch (IOException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
