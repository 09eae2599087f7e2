package dev.outboxrelay.client.files;

/**
 * Which records of a cycle are known to be on stable storage, whoever brought them there: those
 * whose header words stand at {@code from} to {@code to} (FORMAT I13). In {@link StateFile}.
 *
 * @param cycle its number
 * @param from offset of the first one's header word
 * @param to offset of the last one's
 */
public record SyncedRange(long cycle, long from, long to) {
  private static final long LOW = 0xFFFF_FFFFL;

  /** What the two words of the state say; null if they say nothing, or do not belong together. */
  static SyncedRange of(long word, long check) {
    long cycle = word >>> 32;
    long to = word & LOW;
    long from = check & LOW; // 0 where who clears it came between another's two stores
    boolean says = from != 0 && check >>> 32 == (to ^ cycle);
    return says ? new SyncedRange(cycle, from, to) : null;
  }

  long word() {
    return cycle << 32 | to;
  }

  long check() {
    return (to ^ (cycle & LOW)) << 32 | from;
  }

  /** Whether all records from the first to the last are on stable storage. */
  public boolean covers(long ofCycle, long first, long last) {
    return cycle == ofCycle && from <= first && last <= to;
  }

  /**
   * What is known behind a sync.
   *
   * @param before what was known, or null
   * @param vouched where the chain ended when the descriptor was opened that was synced
   * @param previous the last record's header word at that moment, 0 if there was none
   * @param to the last one's that the sync has brought to stable storage
   */
  public static SyncedRange extended(
      SyncedRange before, long cycle, long vouched, long previous, long to) {
    boolean goesOn =
        before != null && before.cycle == cycle && before.to >= previous && before.to <= to;
    return new SyncedRange(cycle, goesOn ? Math.min(before.from, vouched) : vouched, to);
  }
}
