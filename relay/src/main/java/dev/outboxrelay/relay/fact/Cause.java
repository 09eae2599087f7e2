package dev.outboxrelay.relay.fact;

/** What is wrong while a {@link Trouble} lasts. */
public sealed interface Cause permits Verdict, Cause.PartFailed {
  /** The error as it may be shown: its class and message, never a payload. */
  String error();

  /** A stable name of its kind, for metrics, status and logs. */
  String label();

  /** A stable name of the reason, where the kind has several; null if it has none. */
  default String reasonLabel() {
    return null;
  }

  /** What somebody has to do, for a person; null if it heals by itself. */
  String wayOut();

  /** A part of the relay's own work does not succeed. */
  record PartFailed(Part part, String error, String wayOut) implements Cause {
    /** For which there is no other way out than for most of its kind. */
    public PartFailed(Part part, String error) {
      this(part, error, part.wayOut());
    }

    @Override
    public String label() {
      return part.label();
    }
  }
}
