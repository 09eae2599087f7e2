package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.util.OptionalLong;

/**
 * How many dead letters of which nothing was done an outbox may have, before one more waits. Lanes
 * look side by side, so there may be a few more. For one thread.
 */
final class LetterLimit {
  private final LetterCount count;
  private final OptionalLong most;

  /**
   * Looks at nothing yet.
   *
   * @param outbox whose dead letters they are
   * @param most so many; empty = any number
   */
  LetterLimit(OutboxPaths outbox, OptionalLong most) {
    this.count = new LetterCount(outbox.deadLetters());
    this.most = most;
  }

  /**
   * Lets one more in.
   *
   * @throws LetterLimitReached if there is no room
   */
  void check() throws IOException {
    if (most.isEmpty()) {
      return;
    }
    long there = count.now();
    if (there >= most.getAsLong()) {
      throw new LetterLimitReached(there, most.getAsLong());
    }
  }
}
