package dev.outboxrelay.client.files;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.record.Prologue;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Who an outbox is, whatever became of its state: without that no record can be checked. Changes
 * nothing.
 *
 * @param outbox identity of the outbox
 * @param generation of the outbox
 */
public record OutboxIdentity(UUID outbox, int generation) {
  private static final UUID NOBODY = new UUID(0, 0);

  /** What the files tell; empty if none of them does. */
  public static Optional<OutboxIdentity> find(OutboxPaths paths) throws IOException {
    Optional<OutboxState> state = StateFile.read(paths.state());
    if (state.isPresent()) {
      return state.map(known -> new OutboxIdentity(known.outboxId(), known.generation()));
    }
    return withoutState(paths, paths.cycles());
  }

  /** The same for a reader, which reads on: an outbox of nobody holds no valid record. */
  public static UUID outboxOf(OutboxPaths paths) throws IOException {
    Optional<OutboxState> state = StateFile.read(paths.state());
    if (state.isPresent()) {
      return state.get().outboxId();
    }
    try {
      return withoutState(paths, paths.cycles()).map(OutboxIdentity::outbox).orElse(NOBODY);
    } catch (OutboxUnavailable e) {
      return NOBODY; // the reader comes to what another version wrote itself
    }
  }

  /** What cycles and position tell. */
  public static Optional<OutboxIdentity> withoutState(OutboxPaths paths, List<Long> cycles)
      throws IOException {
    List<Long> newestFirst = new ArrayList<>(cycles);
    Collections.reverse(newestFirst);
    for (long cycle : newestFirst) {
      try {
        Prologue prologue = CycleFacts.claimedPrologue(paths.cycle(cycle)).orElse(null);
        if (prologue != null) {
          return Optional.of(new OutboxIdentity(prologue.outboxId(), prologue.generation()));
        }
      } catch (NoSuchFileException e) {
        // Settled and deleted since the listing.
      }
    }
    return cycles.isEmpty()
        ? Optional.empty()
        : PositionFile.find(paths.position())
            .map(position -> new OutboxIdentity(position.outboxId(), 1));
  }
}
