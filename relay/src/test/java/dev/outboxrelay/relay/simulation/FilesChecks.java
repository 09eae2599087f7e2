package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Fates;
import dev.outboxrelay.relay.deadletter.Letter;
import dev.outboxrelay.relay.simulation.Simulation.Written;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What holds of an outbox while no relay runs, whatever has happened. */
final class FilesChecks {
  private final World world;
  private final Map<Long, Written> events;
  private final Map<Long, Long> sequences;
  private final Set<Long> lost;
  private final Set<String> discarded;
  private final Map<String, OutboxLook> parked;
  private final OutboxLook staged;
  private final List<Letter> letters;
  private final OutboxLook main;
  private final Map<Long, DeliveryOutcome> told;

  /** Sequences of what a power cut took: others have them by now. */
  private final Set<Long> givenTwice = new HashSet<>();

  /**
   * Reads all files.
   *
   * @param sequences of the events, by their numbers
   * @param lost events that a power cut took
   * @param discarded topics of which what was parked may be given up
   */
  FilesChecks(
      World world,
      Map<Long, Written> events,
      Map<Long, Long> sequences,
      Set<Long> lost,
      Set<String> discarded)
      throws IOException {
    this.world = world;
    this.events = events;
    this.sequences = sequences;
    this.lost = lost;
    this.discarded = discarded;
    lost.forEach(number -> givenTwice.add(sequences.get(number)));
    this.main = OutboxLook.at(world.paths);
    this.parked = OutboxLook.parked(world.paths);
    this.staged = OutboxLook.at(world.paths.staged());
    this.letters =
        OutboxLook.at(world.paths.deadLetters()).records().stream().map(Letter::of).toList();
    this.told = OutcomesFile.outcomesOf(new HashSet<>(sequences.values()), world.paths.outcomes());
  }

  /** What is in the main queue. */
  Set<Long> inMain() {
    Set<Long> numbers = new HashSet<>();
    main.records().forEach(record -> numbers.add(OutboxLook.number(record)));
    return numbers;
  }

  long saved() {
    return main.saved();
  }

  private static void check(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }

  private Set<Long> dead() {
    Set<Long> dead = new HashSet<>();
    letters.forEach(letter -> letter.kept().ifPresent(kept -> dead.add(OutboxLook.number(kept))));
    return dead;
  }

  /** At any time. */
  void always() {
    nothingIsParkedTwice();
    nothingDiesTwice();
    Set<Long> dead = dead();
    Set<Long> waiting = new HashSet<>();
    Set<Long> anywhere = new HashSet<>();
    List<OutboxLook> kept = new ArrayList<>(parked.values());
    kept.add(staged);
    for (OutboxLook look : kept) {
      for (OutboxRecord record : look.records()) {
        anywhere.add(OutboxLook.number(record));
        if (record.sequence() > look.saved()) {
          waiting.add(OutboxLook.number(record));
        }
      }
    }
    Set<Long> kafka = world.brokers.everStored();
    for (Written event : events.values()) {
      long number = event.number();
      Long sequence = sequences.get(number);
      if (lost.contains(number) || sequence > main.saved()) {
        continue;
      }
      boolean givenUp = discarded.contains(event.topic());
      boolean somewhere =
          kafka.contains(number) || dead.contains(number) || anywhere.contains(number) || givenUp;
      check(somewhere, event + ", which the position covers, is nowhere");
      boolean so =
          switch (told.get(sequence)) {
            case DELIVERED -> kafka.contains(number);
            case DEAD -> dead.contains(number) || givenUp;
            case PARKED -> waiting.contains(number);
            default -> false;
          };
      check(
          so || givenTwice.contains(sequence),
          "clients are told " + told.get(sequence) + " of " + event);
    }
  }

  private void nothingIsParkedTwice() {
    parked.forEach(
        (topic, look) -> {
          Set<Object> seen = new HashSet<>();
          for (OutboxRecord record : look.records()) {
            Source source = Source.of(record);
            boolean isReplay = source != null && source.isReplay();
            Object what = isReplay ? source.letter().number() : "event " + record.eventId();
            check(
                world.errs || look.twice().contains(record.sequence()) || seen.add(what),
                (isReplay ? "dead letter " : "") + what + " is parked twice in " + topic);
          }
        });
  }

  private void nothingDiesTwice() {
    Set<Object> seen = new HashSet<>();
    for (Letter letter : letters) {
      long number = letter.kept().map(OutboxLook::number).orElseThrow();
      int round = letter.before().map(Letter.Before::round).orElse(0);
      check(seen.add(number + " in round " + round), "event " + number + " is a dead letter twice");
    }
  }

  /** When all is well, and all is over. */
  void atTheEnd() throws IOException {
    always();
    check(
        staged.records().stream().allMatch(record -> record.sequence() <= staged.saved()),
        "events are staged still");
    Set<Long> kafka = world.brokers.everStored();
    Set<Long> dead = dead();
    for (Written event : events.values()) {
      long number = event.number();
      DeliveryOutcome outcome = told.get(sequences.get(number));
      boolean came = kafka.contains(number) || dead.contains(number) || lost.contains(number);
      boolean givenUp = discarded.contains(event.topic()) && outcome == DeliveryOutcome.DEAD;
      check(came || givenUp, event + " never came");
      boolean isKnown = !givenTwice.contains(sequences.get(number));
      check(!isKnown || outcome != DeliveryOutcome.PARKED, event + " is told to be parked");
    }
    Fates fates = Fates.read(world.paths.deadLetters());
    Map<Long, Long> diedAgain = new HashMap<>();
    for (Letter letter : letters) {
      letter.before().ifPresent(before -> diedAgain.put(before.number(), letter.number()));
    }
    for (Letter letter : letters) {
      OutboxRecord kept = letter.kept().orElseThrow();
      if (fates.of(letter.number()).orElse(null) == Fate.REPLAYED) {
        check(
            kafka.contains(OutboxLook.number(kept))
                || diedAgain.containsKey(letter.number())
                || discarded.contains(kept.topic()),
            "dead letter " + letter.number() + " was replayed, and never came");
      }
    }
  }

  /** Of each topic's key, no event came for the first time behind a later one. */
  static void order(World world, Map<Long, Written> events, Set<Long> refused) {
    Map<String, Long> last = new HashMap<>();
    Set<Long> seen = new HashSet<>();
    for (long number : world.brokers.log) {
      Written event = events.get(number);
      if (event.key() >= 0 && !refused.contains(number) && seen.add(number)) {
        Long before = last.put(event.topic() + "/" + event.key(), number);
        check(before == null || before < number, event + " came behind " + before);
      }
    }
  }
}
