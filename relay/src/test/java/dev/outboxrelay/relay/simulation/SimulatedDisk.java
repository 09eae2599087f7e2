package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.settle.SimulatedFiles;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Place;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/** All that outlives a relay. Each change is a place where it can be killed. */
final class SimulatedDisk {
  final SimulatedQueue queue = new SimulatedQueue();

  /** What is parked of each topic. */
  final Map<String, SimulatedQueue> parked = new TreeMap<>();

  /** The main queue's under its own name, those of parked topics under theirs. */
  final Map<String, Position> positions = new HashMap<>();

  /** Of the main queue. */
  final List<Range> outcomes = new ArrayList<>();

  /** By which queues each event was put among the dead letters. */
  final Map<Long, List<String>> deadLetters = new HashMap<>();

  /** Events that the position of a lane covers. */
  final Set<Long> settledByLanes = new HashSet<>();

  /** Sequences of the main queue. */
  final Set<Long> quarantined = new HashSet<>();

  String cluster;

  /** Whether nothing more can be appended. */
  boolean full;

  /** Whether writes fail. */
  boolean failing;

  static final String MAIN = "";

  private final Random random;
  private int changesToTheKill = Integer.MAX_VALUE;
  private int changes;

  SimulatedDisk(Random random) {
    this.random = random;
  }

  /** The relay was killed. */
  static final class Killed extends Error {
    private static final long serialVersionUID = 1L;
  }

  /** Kills the relay at one of its next changes. */
  void killAtAChange(int in) {
    changesToTheKill = in;
  }

  /** A change, before or behind which a kill may come. */
  void change(Runnable change) throws IOException {
    if (failing) {
      throw new IOException("input/output error");
    }
    boolean killed = --changesToTheKill <= 0;
    if (killed) {
      changesToTheKill = Integer.MAX_VALUE;
    }
    boolean before = killed && random.nextBoolean();
    if (!before) {
      change.run();
      changes++;
    }
    if (killed) {
      throw new Killed();
    }
  }

  /** How many changes there were. */
  int changes() {
    return changes;
  }

  /** An append that no space is left for fails. */
  void needSpace() {
    if (full) {
      throw new OutboxFull("the disk is full");
    }
  }

  SimulatedQueue parked(String topic) {
    return parked.computeIfAbsent(topic, any -> new SimulatedQueue());
  }

  SimulatedQueue of(String name) {
    return name.equals(MAIN) ? queue : parked(name);
  }

  /** Where a relay goes on that begins now; null at the beginning. */
  Settled start(String name) {
    Position position = positions.get(name);
    return position == null
        ? null
        : new Settled(
            position.sequence(),
            position.eventId(),
            new Place(position.cycle(), position.offset(), 0),
            position.settledBytes());
  }

  long savedSequence(String name) {
    Position position = positions.get(name);
    return position == null ? 0 : position.sequence();
  }

  /** What a client is told of an event that the position covers. */
  DeliveryOutcome outcome(long sequence) {
    for (int i = outcomes.size() - 1; i >= 0; i--) {
      Range range = outcomes.get(i);
      if (range.first() <= sequence && sequence <= range.last()) {
        return range.outcome();
      }
    }
    return DeliveryOutcome.DELIVERED;
  }

  /** As at the start of a relay: what no position covers was of another life. */
  void forgetOutcomesBehindThePosition() {
    long saved = savedSequence(MAIN);
    List<Range> kept = new ArrayList<>();
    for (Range range : outcomes) {
      if (range.first() <= saved) {
        kept.add(new Range(range.first(), Math.min(range.last(), saved), range.outcome()));
      }
    }
    outcomes.clear();
    outcomes.addAll(kept);
  }

  /** Puts an event of one of its queues among the dead letters. */
  void deadLetter(InFlight record, String by) throws IOException {
    long number = record.eventId().getLeastSignificantBits();
    change(() -> deadLetters.computeIfAbsent(number, any -> new ArrayList<>()).add(by));
  }

  /** The files of the main outbox, or of a parked topic's. */
  SimulatedFiles files(String name) {
    return new Files(name);
  }

  private final class Files extends SimulatedFiles {
    private final String name;

    private Files(String name) {
      this.name = name;
    }

    @Override
    public void syncCycles(long upTo) throws IOException {
      change(() -> of(name).sync(upTo));
    }

    @Override
    public void appendOutcomes(List<Range> ranges) throws IOException {
      List<Range> copy = List.copyOf(ranges);
      if (!copy.isEmpty() && name.equals(MAIN)) {
        change(() -> outcomes.addAll(copy));
      }
    }

    @Override
    public void savePosition(Position position) throws IOException {
      change(
          () -> {
            Position before = positions.put(name, position);
            if (before != null && before.sequence() > position.sequence()) {
              throw new AssertionError("the position of '" + name + "' goes back");
            }
            if (!name.equals(MAIN)) {
              parked(name).all().stream()
                  .filter(each -> SimulatedQueue.sequenceOf(each) <= position.sequence())
                  .map(each -> ((Arrival.Event) each).record().eventId())
                  .forEach(id -> settledByLanes.add(id.getLeastSignificantBits()));
            }
          });
    }

    @Override
    public boolean quarantine(long cycle, long from, long to) throws IOException {
      boolean isNew = false;
      for (var arrival : of(name).all()) {
        if (arrival.cycle() == cycle && arrival.offset() == from) {
          long sequence = SimulatedQueue.sequenceOf(arrival);
          isNew = !quarantined.contains(sequence);
          change(() -> quarantined.add(sequence));
        }
      }
      return isNew;
    }

    @Override
    public void saveCluster(String id) throws IOException {
      change(() -> cluster = id);
    }

    @Override
    public void markFailed(long cycle) {
      of(name).roll();
    }
  }
}
