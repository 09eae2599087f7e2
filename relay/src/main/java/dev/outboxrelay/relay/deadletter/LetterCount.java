package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.UUID;

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

  /**
   * The number of the one that was added last; 0 if there is none, or it can't be told. A power cut
   * may leave letters of which {@code outbox.state} does not know.
   */
  public static long lastNumber(OutboxPaths letters) throws IOException {
    return Math.max(inState(letters), inQueue(letters));
  }

  /** Whether the state is to be mended before somebody goes by it. */
  static boolean isAhead(OutboxPaths letters) throws IOException {
    return inQueue(letters) > inState(letters);
  }

  private static long inState(OutboxPaths letters) throws IOException {
    return Math.max(
        0, StateFile.read(letters.state()).map(OutboxState::nextSequence).orElse(0L) - 1);
  }

  private static long inQueue(OutboxPaths letters) throws IOException {
    List<Long> cycles = letters.cycles();
    UUID outbox = cycles.isEmpty() ? null : OutboxIdentity.outboxOf(letters);
    for (int i = cycles.size() - 1; i >= 0; i--) {
      try {
        long last = CycleFacts.read(letters.cycle(cycles.get(i)), outbox).lastSequence();
        if (last > 0) {
          return last;
        }
      } catch (FileSystemException | UnreadableBlock e) {
        // deleted meanwhile, or it can't be read now: the state tells
      }
    }
    return 0;
  }

  /** How many are left of so many. */
  static long left(long last, Fates fates) {
    long behind = fates.position() == null ? 0 : fates.position().sequence();
    return Math.max(0, last - behind - fates.done(behind, last));
  }
}
