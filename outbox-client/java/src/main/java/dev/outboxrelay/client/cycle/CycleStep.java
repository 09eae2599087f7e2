package dev.outboxrelay.client.cycle;

/** What a {@link CycleReader} meets next. */
public sealed interface CycleStep {

  /** Why something is no record of this cycle. */
  enum Problem {
    UNREADABLE_HEADER("unreadable-header"),
    CHAIN_ENDS_BEFORE_WORD1("chain-ends-before-word1"),
    HOSTILE_LENGTH("hostile-length"),
    MISSING_EOF("missing-eof"),
    CRC("crc"),
    ORDER("order"),
    NOT_A_RECORD("not-a-record"),
    UNREADABLE_BLOCK("unreadable-block"),
    INCOMPLETE_BATCH("incomplete-batch");

    private final String label;

    Problem(String label) {
      this.label = label;
    }

    /** Its name in FORMAT.md. */
    public String label() {
      return label;
    }
  }

  /** A record to deliver. */
  record Event(CycleEntry.Valid found) implements CycleStep {}

  /**
   * Bytes that are none, from {@code offset} to where the walk goes on.
   *
   * @param entry the number of the one record that they were; −1 if they are not just one
   * @param detail for people
   */
  record Damage(Problem problem, long offset, long next, long entry, String detail)
      implements CycleStep {}

  /** The same, and nothing that can be read is behind it by now. */
  record Lost(Problem problem, long offset, String detail) implements CycleStep {}

  /**
   * What another version wrote: a reader stops here, and sets nothing aside (FORMAT I11).
   *
   * @param offset of the batch that it breaks off, else its own
   */
  record Stopped(long offset, CycleEntry.OtherFormat other) implements CycleStep {}

  /** A search behind damage at this offset is under way: the next step goes on with it. */
  record Searching(long offset) implements CycleStep {}

  /** The end for now: something may be appended at this offset. */
  record Waiting(long offset) implements CycleStep {}

  /** The end for good. */
  record Ended(long offset) implements CycleStep {}
}
