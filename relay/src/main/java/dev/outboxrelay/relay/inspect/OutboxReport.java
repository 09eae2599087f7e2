package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.OtherFormatFound;
import dev.outboxrelay.relay.copy.CopiedLetters;
import dev.outboxrelay.relay.deadletter.LetterCount;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.TroublesFile;
import dev.outboxrelay.relay.park.ParkedFiles;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * Where an outbox stands by its files alone, which writers and relay keep up to date.
 *
 * @param paths the outbox
 * @param state identity and next sequence; empty if there is none or it is invalid
 * @param position what the relay has saved
 * @param backlogBytes bytes appended and not settled; empty without a valid state
 * @param oldestUnsettledMillis append time of the first event behind the position; empty if there
 *     is none or it can't be read
 * @param otherFormat what another version wrote, if that is what waits first
 * @param troubles what the relay that runs, or ran last, told to be wrong; empty if none ever told
 * @param parked what is settled in its queue and waits in the outboxes of its topics
 * @param cycles cycle files
 * @param queueBytes what is used of them; they are larger, and sparse
 * @param deadLetters dead letters that were neither replayed nor discarded
 * @param uncopiedLetters dead letters that their topic lacks; empty if none is to be copied
 * @param quarantined files in the quarantine
 */
public record OutboxReport(
    OutboxPaths paths,
    Optional<OutboxState> state,
    PositionFile.Reading position,
    OptionalLong backlogBytes,
    OptionalLong oldestUnsettledMillis,
    Optional<String> otherFormat,
    Optional<TroublesFile.Told> troubles,
    Held parked,
    int cycles,
    long queueBytes,
    long deadLetters,
    OptionalLong uncopiedLetters,
    long quarantined) {

  /** Reads it; changes nothing. */
  public static OutboxReport read(OutboxPaths paths) throws IOException {
    // The position first: what is appended and settled meanwhile must not make the lag negative.
    PositionFile.Reading reading = PositionFile.read(paths.position());
    Optional<OutboxState> state = StateFile.read(paths.state());
    List<Long> cycles = paths.cycles();
    OptionalLong backlogBytes = OptionalLong.empty();
    OptionalLong oldestMillis = OptionalLong.empty();
    Optional<String> otherFormat = Optional.empty();
    try {
      oldestMillis = Backlog.oldestAppendMillis(paths);
      if (state.isPresent()) {
        backlogBytes = OptionalLong.of(new OutboxReader(paths).status().lagBytes());
      }
    } catch (OutboxUnavailable e) {
      if (OtherFormatFound.labelOf(e) == null) {
        throw e;
      }
      otherFormat = Optional.of(e.getMessage());
    }
    return new OutboxReport(
        paths,
        state,
        reading,
        backlogBytes,
        oldestMillis,
        otherFormat,
        TroublesFile.read(paths.troubles()),
        ParkedFiles.read(paths),
        cycles.size(),
        usedBytes(paths, cycles),
        new LetterCount(paths.deadLetters()).now(),
        CopiedLetters.leftIfCopied(paths.deadLetters()),
        files(paths.quarantine()));
  }

  /** The position, if one is saved and valid. */
  public Optional<Position> savedPosition() {
    return position instanceof PositionFile.Reading.Saved saved
        ? Optional.of(saved.position())
        : Optional.empty();
  }

  /** The last sequence given; 0 = none, or not known. */
  public long appendedSequence() {
    return state.map(OutboxState::nextSequence).filter(next -> next > 0).orElse(1L) - 1;
  }

  /** Everything up to it is settled; 0 = nothing yet. */
  public long settledSequence() {
    return savedPosition().map(Position::sequence).orElse(0L);
  }

  /** Events appended and not settled. */
  public long lagEvents() {
    return Math.max(0, appendedSequence() - settledSequence());
  }

  private static long usedBytes(OutboxPaths paths, List<Long> cycles) throws IOException {
    long total = 0;
    UUID outbox = cycles.isEmpty() ? null : OutboxIdentity.outboxOf(paths);
    for (long cycle : cycles) {
      try (CycleScanner scanner = CycleScanner.open(paths.cycle(cycle), outbox)) {
        total += scanner.writtenEnd();
      } catch (NoSuchFileException | UnreadableBlock e) {
        // Settled and deleted since the listing, or not to be told.
      }
    }
    return total;
  }

  private static long files(Path directory) throws IOException {
    long count = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        count += Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) ? 1 : 0;
      }
    } catch (NoSuchFileException e) {
      return 0;
    }
    return count;
  }
}
