package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The events of a queue that have dead letters of earlier runs and may come again, as no saved
 * position covers them.
 *
 * @param all of them
 * @param undone those whose letters were neither replayed nor discarded, and why they died
 */
record DiedBefore(Set<Event> all, Map<Event, DeadLetterReason> undone) {
  private static final Logger LOG = LoggerFactory.getLogger(DiedBefore.class);

  /** A sequence alone does not tell: dead letters outlive an outbox that is begun anew. */
  record Event(long sequence, UUID eventId) {}

  /**
   * Reads them; what can't be read is told, and left out.
   *
   * @param home the outbox beside whose queue the letters are
   * @param outbox whose events: that one, or a lane of it
   * @param settled the position: what is at or below it never comes again
   */
  static DiedBefore read(OutboxPaths home, OutboxIdentity outbox, long settled) throws IOException {
    DiedBefore found = new DiedBefore(new HashSet<>(), new HashMap<>());
    try (HeldDirectories held = HeldDirectories.find(home.deadLetters()).orElse(null)) {
      if (held != null) {
        found.read(held.paths(), settled, outbox);
      }
    } catch (IOException e) {
      throw Folder.named(e);
    }
    return found;
  }

  private void read(OutboxPaths letters, long settled, OutboxIdentity outbox) throws IOException {
    List<Long> cycles = letters.cycles();
    if (cycles.isEmpty()) {
      return;
    }
    UUID id = OutboxIdentity.outboxOf(letters);
    Fates fates = fates(letters);
    long newest = cycles.get(cycles.size() - 1);
    for (long cycle : cycles) {
      try (CycleReader reader = CycleReader.open(letters.cycle(cycle), id)) {
        boolean ended = false;
        while (!ended) {
          CycleStep step = reader.next(cycle == newest);
          if (step instanceof CycleStep.Event event) {
            add(event.found().record(), outbox, settled, fates);
          } else if (step instanceof CycleStep.Stopped stopped) {
            throw stopped.other().refusal();
          }
          ended = !(step instanceof CycleStep.Event || step instanceof CycleStep.Damage);
        }
      } catch (NoSuchFileException e) {
        // deleted meanwhile
      } catch (FileSystemException | UnreadableBlock e) {
        LOG.atWarn()
            .addKeyValue("error", Folder.named(e).getMessage())
            .log("dead letters can't be read: an event of theirs may become one once more");
      }
    }
  }

  private static Fates fates(OutboxPaths letters) {
    try {
      return Fates.read(letters);
    } catch (IOException e) {
      LOG.atWarn()
          .addKeyValue("error", Folder.named(e).getMessage())
          .log(
              "what was done of dead letters can't be read: an event of theirs is tried once more");
      return null;
    }
  }

  private void add(OutboxRecord letter, OutboxIdentity outbox, long settled, Fates fates) {
    long sequence = sequenceIn(outbox, letter);
    if (sequence <= settled) {
      return;
    }
    Event event = new Event(sequence, letter.eventId());
    all.add(event);
    if (fates != null && fates.of(letter.sequence()).isEmpty()) {
      undone.put(event, reason(letter));
    }
  }

  /**
   * Which of a queue's events a letter is of; 0 if of none. One that a lane has given up may come
   * again before it, if a power cut has taken what was parked.
   */
  private static long sequenceIn(OutboxIdentity outbox, OutboxRecord letter) {
    OutboxRecord original = DeadLetters.original(letter);
    if (original == null || isOf(outbox, letter)) {
      return original == null ? 0 : original.sequence();
    }
    Source source = Source.of(original);
    return source != null && !source.isReplay() && source.isOf(outbox) ? source.sequence() : 0;
  }

  private static boolean isOf(OutboxIdentity outbox, OutboxRecord letter) {
    return hasHeader(letter, DeadLetters.OUTBOX, outbox.outbox().toString())
        && hasHeader(letter, DeadLetters.GENERATION, Integer.toString(outbox.generation()));
  }

  private static boolean hasHeader(OutboxRecord letter, String name, String value) {
    return letter.headers().stream()
        .anyMatch(
            header ->
                header.name().equals(name)
                    && header.value() != null
                    && new String(header.value(), StandardCharsets.UTF_8).equals(value));
  }

  private static DeadLetterReason reason(OutboxRecord letter) {
    DeadLetterReason reason = DeadLetterReason.of(Letter.of(letter).reason());
    return reason == null ? DeadLetterReason.INVALID_RECORD : reason; // of a later version
  }
}
