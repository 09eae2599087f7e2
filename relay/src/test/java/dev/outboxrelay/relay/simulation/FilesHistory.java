package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.relay.control.Selection;
import dev.outboxrelay.relay.control.Verb;
import dev.outboxrelay.relay.park.OpenSlots;
import dev.outboxrelay.relay.simulation.FilesSimulation.Cut;
import dev.outboxrelay.relay.simulation.LosingDisk.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/** A random history of an outbox on real files, with operators, kills and power cuts. */
final class FilesHistory {
  private static final int STEPS = 120;

  private final FilesSimulation outbox;
  private final Random random;

  private FilesHistory(FilesSimulation outbox) {
    this.outbox = outbox;
    this.random = outbox.world.random;
  }

  /** Runs the one that follows from a seed; throws if anything is not as promised. */
  static void run(long seed) throws IOException {
    Path root = Files.createTempDirectory("outbox-simulation");
    // In every other one there are no power cuts, and so all is in order.
    Cut cut = seed % 2 == 0 ? Cut.NONE : Cut.SOME;
    try (FilesSimulation outbox = new FilesSimulation(root, seed, cut)) {
      FilesHistory history = new FilesHistory(outbox);
      outbox.world.refusals = seed % 3 == 0 ? 3 : 0;
      outbox.world.slots = new OpenSlots(seed % 4 < 2 ? 0 : 32);
      for (int i = 0; i < STEPS; i++) {
        history.step();
      }
      outbox.world.refusals = 0;
      outbox.kill(false);
      outbox.heal();
      if (cut == Cut.NONE) {
        outbox.checkOrder();
      }
    } finally {
      delete(root);
    }
  }

  static void delete(Path root) throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }

  private void step() throws IOException {
    String topic = Simulation.TOPICS.get(random.nextInt(3));
    switch (random.nextInt(30)) {
      case 0, 1, 2, 3, 4, 5 -> outbox.append(topic, random.nextInt(3));
      case 6 -> outbox.appendRefused(topic, random.nextInt(3));
      case 7, 8, 9, 10, 11, 12 -> outbox.rounds(1 + random.nextInt(3));
      case 13, 14, 15, 16, 17, 18 -> outbox.anyTurn();
      case 19 -> outbox.pass(Duration.ofMillis(random.nextInt(60_000)));
      case 20, 21 -> outbox.topic(topic, random.nextBoolean());
      case 22 -> outbox.cure();
      case 23 -> outbox.kill(random.nextBoolean());
      case 24, 25 -> outbox.world.disk.plan(fault(), random.nextInt(40));
      case 26 -> outbox.pass(Duration.ofHours(random.nextInt(2)));
      default -> request(topic);
    }
  }

  private Fault fault() {
    return switch (random.nextInt(3)) {
      case 0 -> Fault.KILLED_BEFORE;
      case 1 -> Fault.KILLED_AFTER;
      default -> Fault.FULL;
    };
  }

  private void request(String topic) throws IOException {
    Selection ofTopic = new Selection(Set.of(topic), Set.of(), Set.of(), Set.of());
    switch (random.nextInt(8)) {
      case 0, 1 -> outbox.request(Verb.REPLAY_LETTERS, Selection.ALL, null);
      case 2 -> outbox.request(Verb.REPLAY_LETTERS, ofTopic, null);
      case 3 -> outbox.request(Verb.DISCARD_LETTERS, ofTopic, null);
      case 4, 5 -> outbox.request(Verb.RETRY_TOPIC, ofTopic, null);
      case 6 -> outbox.request(Verb.DISCARD_REPLAYS, Selection.ALL, topic);
      default -> outbox.request(Verb.DISCARD_PARKED, Selection.ALL, topic);
    }
  }
}
