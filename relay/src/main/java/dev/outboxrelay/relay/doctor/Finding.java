package dev.outboxrelay.relay.doctor;

/**
 * The result of one check.
 *
 * @param check a stable name
 * @param grade how it came out
 * @param detail what was found, with the values
 * @param advice what to do; empty if there is nothing to be done
 */
public record Finding(String check, Grade grade, String detail, String advice) {

  /** How a check came out, from good to bad. */
  public enum Grade {
    OK,
    /** It could not be made. */
    SKIPPED,
    /** Delivery works, but somebody should look. */
    WARNING,
    /** Events are or will be held up. */
    PROBLEM
  }

  static Finding ok(String check, String detail) {
    return new Finding(check, Grade.OK, detail, "");
  }

  static Finding skipped(String check, String detail) {
    return new Finding(check, Grade.SKIPPED, detail, "");
  }

  static Finding warning(String check, String detail, String advice) {
    return new Finding(check, Grade.WARNING, detail, advice);
  }

  static Finding problem(String check, String detail, String advice) {
    return new Finding(check, Grade.PROBLEM, detail, advice);
  }
}
