package dev.outboxrelay.relay.inspect;

import java.util.List;

/**
 * What a verification found.
 *
 * @param cycles cycle files read
 * @param records valid records
 * @param bytes their size, padding included
 * @param firstSequence of the first valid record, 0 if there is none
 * @param lastSequence of the last one
 * @param stopped what another version wrote, where reading ended; null if nothing did
 * @param problems the first of them
 * @param problemCount all of them
 */
public record VerifyReport(
    int cycles,
    long records,
    long bytes,
    long firstSequence,
    long lastSequence,
    Problem stopped,
    List<Problem> problems,
    long problemCount) {

  /** Whether nothing is wrong. */
  public boolean isClean() {
    return problemCount == 0 && stopped == null;
  }
}
