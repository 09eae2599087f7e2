package dev.outboxrelay.client.writing;

/**
 * Which cycle an append goes to. A cycle is a counter that usually follows the clock's hours: one
 * leap of the clock by more than a day moves one cycle on, a step back by less than a day moves
 * nothing, and no cycle is ever behind the newest.
 */
final class RollRule {
  /** Stands for "there is no cycle yet". */
  static final long NONE = -1;

  /** How far the clock may be off before a cycle begins, hours. */
  private static final long TOLERANCE = 24;

  private static final long MILLIS_PER_HOUR = 3_600_000;

  private RollRule() {}

  /** The hour of a time, since the epoch. */
  static long hour(long millis) {
    return millis / MILLIS_PER_HOUR;
  }

  /**
   * The newest cycle's number if the append stays in it, else that of the cycle to begin.
   *
   * @param hour of the clock, since the epoch
   * @param newest cycle, or {@link #NONE}
   * @param cycleHour hour at which the newest was begun
   * @param open whether it exists, has no EOF and is not failed
   * @param hasRoom whether the record ends below the roll size
   */
  static long cycleFor(long hour, long newest, long cycleHour, boolean open, boolean hasRoom) {
    if (newest == NONE) {
      return hour;
    }
    if (open && hasRoom && cycleHour - TOLERANCE <= hour && hour <= cycleHour) {
      return newest;
    }
    return newest < hour && hour <= newest + TOLERANCE ? hour : newest + 1;
  }
}
