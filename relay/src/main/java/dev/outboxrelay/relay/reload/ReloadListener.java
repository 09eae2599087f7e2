package dev.outboxrelay.relay.reload;

/** Told of each look at the configuration, on the thread that looks. */
public interface ReloadListener {
  /**
   * What came of it.
   *
   * @param asked whether somebody waits for an answer
   */
  void looked(Outcome outcome, boolean asked);

  /** Tells this one first, then another one. */
  default ReloadListener and(ReloadListener next) {
    return (outcome, asked) -> {
      looked(outcome, asked);
      next.looked(outcome, asked);
    };
  }
}
