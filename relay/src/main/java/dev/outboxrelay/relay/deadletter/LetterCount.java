package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import java.io.IOException;

/**
 * How many dead letters there are of which nothing was done. It looks at files with each question,
 * but reads what was done of them only once. For one thread.
 */
public final class LetterCount {
  private final OutboxPaths letters;
  private Fates fates; // null if it was not looked yet

  /**
   * Looks at nothing yet.
   *
   * @param letters the outbox {@code dead-letters/}, which need not exist
   */
  public LetterCount(OutboxPaths letters) {
    this.letters = letters;
  }

  /** How many there are now. */
  public long now() throws IOException {
    long last = lastNumber(letters);
    if (last == 0) {
      return 0;
    }
    if (fates == null) {
      fates = Fates.read(letters);
    } else {
      fates.readOn();
    }
    return left(last, fates);
  }

  /** The number of the one that was added last; 0 if there is none, or it can't be told. */
  public static long lastNumber(OutboxPaths letters) throws IOException {
    long next = StateFile.read(letters.state()).map(OutboxState::nextSequence).orElse(0L);
    return Math.max(0, next - 1);
  }

  /** How many are left of so many. */
  static long left(long last, Fates fates) {
    long behind = fates.position() == null ? 0 : fates.position().sequence();
    return Math.max(0, last - behind - fates.doneBehind(behind));
  }
}
