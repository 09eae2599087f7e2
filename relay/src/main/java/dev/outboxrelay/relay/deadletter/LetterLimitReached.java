package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.relay.fact.WaysOut;
import java.io.IOException;

/** There are as many dead letters as there may be. */
final class LetterLimitReached extends IOException implements WaysOut.Told {
  private static final long serialVersionUID = 1L;

  LetterLimitReached(long there, long most) {
    super("there are " + there + " dead letters, and OUTBOX_DEAD_LETTER_LIMIT=" + most);
  }

  @Override
  public String wayOut() {
    return "replay or discard some dead letters, raise OUTBOX_DEAD_LETTER_LIMIT, or have the oldest"
        + " go (OUTBOX_DEAD_LETTER_POLICY=discard-oldest)";
  }
}
