package dev.outboxrelay.relay.cli;

/** What a command's exit status means; part of the interface. */
final class ExitCode {
  static final int OK = 0;

  /** An error that no other code names. */
  static final int FAILED = 1;

  /** The command line or the configuration is wrong. */
  static final int USAGE = 2;

  /** Another relay holds the outbox. */
  static final int HELD_BY_ANOTHER = 3;

  /** The outbox can't be used: it is not there, refused, or not readable. */
  static final int OUTBOX_UNUSABLE = 4;

  /** Position and outbox don't belong together, or another version wrote what comes next. */
  static final int NEEDS_OPERATOR = 5;

  /** Another producer took over at the broker. */
  static final int FENCED = 6;

  /** A check found problems, or something could not be done of what was asked for. */
  static final int PROBLEMS_FOUND = 7;

  /** All was done, but not all could be printed; that of the client's command, too. */
  static final int NOT_PRINTED = 9;

  /**
   * Stopped, but the position could not be saved: what was settled last is sent again. Or a request
   * was applied, but the disk did not take all of it.
   */
  static final int NOT_SAVED = 10;

  /** Out of memory; one that runs with ExitOnOutOfMemoryError is ended by the JVM, with 3. */
  static final int OUT_OF_MEMORY = 11;

  /** What was asked for stands in control/ and has no answer yet. */
  static final int NO_ANSWER = 12;

  private ExitCode() {}
}
