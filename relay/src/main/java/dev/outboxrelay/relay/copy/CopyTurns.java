package dev.outboxrelay.relay.copy;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * How many outboxes of one process copy dead letters at once: each has a producer, and letters in
 * memory, which may be large, for as long as their topic is missing. Who waits longest is next.
 * Thread-safe.
 */
public final class CopyTurns {
  private static final long HEAP_BYTES = 32 << 20;
  private static final int LEAST = 2;

  /** Nobody waits for who has not asked for so long. */
  private static final long FORGET_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final int most;
  private final Set<LetterCopier> copying = new HashSet<>();

  /** Who waits, and when it asked last. */
  private final Map<LetterCopier, Long> waiting = new LinkedHashMap<>();

  /**
   * All are free.
   *
   * @param most one or more
   */
  public CopyTurns(int most) {
    this.most = most;
  }

  /** By the limit of this process ({@code -Xmx}). */
  public static CopyTurns ofProcess() {
    long most = Math.max(LEAST, Runtime.getRuntime().maxMemory() / HEAP_BYTES);
    return new CopyTurns((int) Math.min(Integer.MAX_VALUE, most));
  }

  /** Whether it is this one's turn, until it gives that back; if not, it waits for it. */
  synchronized boolean take(LetterCopier who, long now) {
    waiting.values().removeIf(asked -> now - asked >= FORGET_NANOS);
    waiting.put(who, now);
    if (copying.size() >= most || waiting.keySet().iterator().next() != who) {
      return false;
    }
    waiting.remove(who);
    copying.add(who);
    return true;
  }

  /** Whether another one waits for a turn. */
  synchronized boolean areWanted(long now) {
    return waiting.values().stream().anyMatch(asked -> now - asked < FORGET_NANOS);
  }

  /** It copies no more, and does not wait for it. */
  synchronized void giveBack(LetterCopier who) {
    waiting.remove(who);
    copying.remove(who);
  }
}
