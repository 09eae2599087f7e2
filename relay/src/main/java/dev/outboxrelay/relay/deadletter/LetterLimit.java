package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.StateFile;
import java.io.IOException;
import java.util.OptionalLong;

/**
 * How many dead letters of which nothing was done an outbox may have, before one more waits. Lanes
 * look side by side, so there may be a few more. Looks at files with each question.
 *
 * @param outbox whose dead letters they are
 * @param most so many; empty = any number
 */
public record LetterLimit(OutboxPaths outbox, OptionalLong most) {
  /** How many there are. */
  static long count(OutboxPaths letters, Fates fates) throws IOException {
    long last = StateFile.read(letters.state()).map(state -> state.nextSequence() - 1).orElse(0L);
    long behind = fates.position() == null ? 0 : fates.position().sequence();
    return last - behind - fates.doneBehind(behind);
  }

  /**
   * Lets one more in.
   *
   * @throws IOException if there is no room
   */
  void check() throws IOException {
    if (most.isEmpty()) {
      return;
    }
    OutboxPaths letters = outbox.deadLetters();
    long count = count(letters, Fates.read(letters));
    if (count >= most.getAsLong()) {
      throw new IOException(
          "there are "
              + count
              + " dead letters, and OUTBOX_DEAD_LETTER_LIMIT="
              + most.getAsLong()
              + ": replay or discard some, raise it, or have the oldest go "
              + "(OUTBOX_DEAD_LETTER_POLICY=discard-oldest)");
    }
  }
}
