package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.relay.control.ControlFiles;
import dev.outboxrelay.relay.copy.CopiedLetters;
import dev.outboxrelay.relay.deadletter.LetterSpace;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.deliver.Standing;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.Troubles;
import dev.outboxrelay.relay.park.ParkedFiles;
import dev.outboxrelay.relay.sync.OutboxSync.Unsynced;
import dev.outboxrelay.relay.tail.Place;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/** An outbox that no pipeline serves, by its files, which are read only. Thread-safe. */
public final class OutboxAtRest {
  private final StatusBoard board;
  private final Settled saved;

  private OutboxAtRest(StatusBoard board, Settled saved) {
    this.board = board;
    this.saved = saved;
  }

  /**
   * Whether all of it is settled, what is parked included, and nothing is asked for, without any
   * doubt that a pipeline would have to clear up.
   *
   * @throws IOException if a file can't be read
   */
  public static boolean isSettled(Path outbox) throws IOException {
    OutboxPaths paths = new OutboxPaths(outbox);
    // The position first: it only follows what is appended.
    PositionFile.Reading position = PositionFile.read(paths.position());
    Optional<OutboxState> state = StateFile.read(paths.state());
    if (state.isEmpty()) {
      return false;
    }
    if (new ControlFiles(paths, Disk.REAL).hasOpen()) {
      return false;
    }
    long appended = state.get().nextSequence() - 1;
    if (position instanceof PositionFile.Reading.Saved at) {
      return at.position().sequence() == appended
          && holdsNothingToSend(paths, at.position())
          && at.position().outboxId().equals(state.get().outboxId());
    }
    return position instanceof PositionFile.Reading.None && appended == 0;
  }

  /**
   * The same where dead letters are copied to a topic: whether that has all of them.
   *
   * @throws IOException if a file can't be read
   */
  public static boolean isCopied(Path outbox) throws IOException {
    return CopiedLetters.left(new OutboxPaths(outbox).deadLetters()) == 0;
  }

  /** What dead letters hold waits for nobody here. */
  private static boolean holdsNothingToSend(OutboxPaths paths, Position position) {
    return position.heldBytes() == 0 || position.heldBytes() == LetterSpace.of(paths);
  }

  /**
   * Looks at an outbox.
   *
   * @param counts of what its pipelines did
   * @param unsynced what is not on stable storage
   * @param nowMillis milliseconds since the epoch
   * @return empty if it has no valid {@code outbox.state}
   * @throws IOException if a file can't be read
   */
  public static Optional<OutboxAtRest> look(
      Path outbox, Counts counts, Supplier<Unsynced> unsynced, long nowMillis) throws IOException {
    OutboxPaths paths = new OutboxPaths(outbox);
    PositionFile.Reading reading = PositionFile.read(paths.position());
    Settled saved =
        reading instanceof PositionFile.Reading.Saved at ? settled(at.position()) : null;
    Held parked = ParkedFiles.read(paths);
    return StateFile.read(paths.state())
        .map(
            state ->
                new OutboxAtRest(
                    new StatusBoard(
                        paths,
                        state,
                        counts,
                        new Troubles(() -> Instant.ofEpochMilli(nowMillis)),
                        unsynced,
                        () -> parked,
                        OptionalLong::empty,
                        note(nowMillis, saved)),
                    saved));
  }

  private static Settled settled(Position position) {
    Place next =
        new Place(position.cycle(), position.offset(), (position.index() & 0xFFFFFFFFL) + 1);
    return new Settled(position.sequence(), position.eventId(), next, position.settledBytes());
  }

  private static StatusBoard.Note note(long nowMillis, Settled saved) {
    Standing idle = new Standing(new DeliveryState.Stopped().idle(), null);
    return new StatusBoard.Note(idle, nowMillis, 0, saved, 0, 0, OptionalLong.empty());
  }

  /**
   * Looks at its files again, for the next {@link #status}.
   *
   * @param oldest finds what waits
   */
  public void lookAgain(OldestWaiting oldest, long nowNanos) {
    board.look(saved, oldest, nowNanos);
  }

  /**
   * Where it stands, from memory.
   *
   * @param tickNanos when somebody last looked whether a pipeline is needed
   */
  public PipelineStatus status(long tickNanos) {
    return board.read(saved).tickedAt(tickNanos);
  }
}
