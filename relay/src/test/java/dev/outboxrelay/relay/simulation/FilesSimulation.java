package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.relay.control.ControlFiles;
import dev.outboxrelay.relay.control.Request;
import dev.outboxrelay.relay.control.Selection;
import dev.outboxrelay.relay.control.Verb;
import dev.outboxrelay.relay.pipeline.PipelineRefused;
import dev.outboxrelay.relay.pipeline.Service;
import dev.outboxrelay.relay.simulation.Simulation.Written;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;

/**
 * An outbox on real files with writers, operators, and relays that follow one another; time,
 * threads and cluster are simulated.
 */
final class FilesSimulation implements Closeable {
  /** How long a disk is full. */
  private static final int ROUNDS_FULL = 12;

  private static final int ROUNDS_TO_NEWS = 200;
  private static final int MOST_ROUNDS = 1_500;

  final World world;

  /** What a power cut leaves: null = none, the relay is only killed. */
  private final Cut cut;

  private final Map<Long, Written> events = new HashMap<>();
  private final Map<Long, Long> sequences = new HashMap<>();
  private final Deque<Written> unwritten = new ArrayDeque<>();
  private final Set<Long> lost = new HashSet<>();
  private final Set<Long> refused = new HashSet<>();
  private final Set<String> discarded = new HashSet<>();
  private final List<UUID> requests = new ArrayList<>();
  private FilesPipeline relay;
  private int full;
  private long written;
  private int cutsTotal;

  /** What a kill means. */
  enum Cut {
    /** The process is gone, no more. */
    NONE,
    /** All that was not synced is gone, too. */
    LEAST,
    /** Some of it is. */
    SOME
  }

  FilesSimulation(Path root, long seed, Cut cut) throws IOException {
    this.world = new World(root, seed);
    this.cut = cut;
    world.brokers.topics.put("b", 1);
    world.brokers.spreadMetadata();
    try (QueueWriter writer = QueueWriter.open(world.options(world.paths, world.disk.others()))) {
      assert writer != null;
    }
  }

  /** How often its relay was killed. */
  int kills() {
    return cutsTotal;
  }

  int events() {
    return events.size();
  }

  // --- what others do ---

  void append(String topic, int key) {
    unwritten.add(new Written(++written, topic, key));
    write();
  }

  /** An event that Kafka refuses. */
  void appendRefused(String topic, int key) {
    world.brokers.poison.add(written + 1);
    refused.add(written + 1);
    append(topic, key);
  }

  /** Whose outbox is full tries again. */
  private void write() {
    try (QueueWriter writer = QueueWriter.open(world.options(world.paths, world.disk.others()))) {
      for (Written next = unwritten.peek(); next != null; next = unwritten.peek()) {
        OutboxEvent.Builder event =
            OutboxEvent.builder(next.topic())
                .value("value " + next.number())
                .eventId(new UUID(0, next.number()));
        if (next.key() >= 0) {
          event.key(new byte[] {(byte) next.key()});
        }
        Receipt receipt = writer.append(event.build());
        unwritten.remove();
        events.put(next.number(), next);
        sequences.put(next.number(), receipt.sequence());
      }
    } catch (OutboxFull e) {
      world.trace("full: " + e.getMessage());
      Simulation.REACHED.merge("files full", 1, Integer::sum);
    }
  }

  void request(Verb verb, Selection select, String topic) throws IOException {
    Request request =
        new Request(
            new UUID(world.random.nextLong(), world.random.nextLong()), verb, select, topic);
    if (verb == Verb.DISCARD_PARKED || verb == Verb.DISCARD_REPLAYS) {
      discarded.add(topic);
    }
    new ControlFiles(world.paths, world.disk.others()).submit(request);
    requests.add(request.id());
  }

  void topic(String topic, boolean there) {
    if (there) {
      world.brokers.topics.putIfAbsent(topic, 1);
    } else {
      world.brokers.topics.remove(topic);
    }
    world.brokers.spreadMetadata();
  }

  void cure() {
    world.brokers.poison.clear();
  }

  // --- the relay ---

  void rounds(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      round(Duration.ofMillis(700));
    }
  }

  /** All threads take their turns, and some time passes. */
  private void round(Duration time) throws IOException {
    if (world.disk.isFull() && ++full > ROUNDS_FULL) {
      full = 0;
      world.disk.clear();
    }
    try {
      if (relay == null) {
        open();
      }
      if (relay != null) {
        turns();
      }
    } catch (LosingDisk.Killed e) {
      killed(cut);
    }
    if (!unwritten.isEmpty()) {
      write();
    }
    world.time.advance(time);
  }

  private void open() throws IOException {
    try {
      relay = FilesPipeline.open(world);
    } catch (IOException | OutboxError | PipelineRefused.Unusable e) {
      if (!world.disk.happened() && !world.disk.isFull()) {
        throw e;
      }
      world.trace("does not start: " + e); // what keeps it alive tries again
    }
  }

  private void turns() {
    turn(relay);
    for (FilesPipeline lane : relay.lanes()) {
      turn(lane);
    }
  }

  private static void turn(FilesPipeline pipeline) {
    pipeline.deliver();
    pipeline.settle();
    while (!(pipeline.stage() instanceof Service.Stage.Ended) && pipeline.client().answer()) {
      // Until none is left.
    }
    pipeline.deliver();
    pipeline.settle();
  }

  /** Some thread of some pipeline takes its turn. */
  void anyTurn() throws IOException {
    try {
      if (relay == null) {
        open();
        return;
      }
      List<FilesPipeline> all = new ArrayList<>(relay.lanes());
      all.add(relay);
      FilesPipeline any = all.get(world.random.nextInt(all.size()));
      switch (world.random.nextInt(3)) {
        case 0 -> any.deliver();
        case 1 -> any.settle();
        default -> {
          if (!(any.stage() instanceof Service.Stage.Ended)) {
            any.client().answer();
          }
        }
      }
    } catch (LosingDisk.Killed e) {
      killed(cut);
    }
  }

  void pass(Duration time) {
    world.time.advance(time);
  }

  /** The relay is killed here and now. */
  void kill(boolean power) throws IOException {
    killed(power ? cut : Cut.NONE);
  }

  /** Whatever is wrong with a parked topic's directory, the outbox's position comes to its end. */
  void checkNotHeldUp() throws IOException {
    for (int i = 0; i < 4; i++) {
      rounds(10);
      pass(Duration.ofSeconds(30));
    }
    rounds(10);
    long last =
        OutboxLook.at(world.paths).records().stream()
            .mapToLong(OutboxRecord::sequence)
            .max()
            .orElse(0);
    if (relay == null || relay.savedSequence() < last) {
      throw new AssertionError("the position is held up before " + last + ": " + standing());
    }
  }

  private void killed(Cut how) throws IOException {
    cutsTotal++;
    world.trace("killed, " + how);
    if (relay != null) {
      relay.close();
      relay = null;
    }
    world.disk.revive();
    if (how != Cut.NONE) {
      world.disk.losePower(how == Cut.LEAST ? null : new Random(world.random.nextLong()));
      noteLost();
    }
    look().always();
  }

  private void noteLost() throws IOException {
    FilesChecks look = look();
    Set<Long> left = look.inMain();
    for (long number : events.keySet()) {
      if (sequences.get(number) > look.saved() && !left.contains(number)) {
        lost.add(number);
      }
    }
    world.trace("lost " + lost);
  }

  private FilesChecks look() throws IOException {
    return new FilesChecks(world, events, sequences, lost, discarded);
  }

  /** All is well again, and comes to its end. */
  void heal() throws IOException {
    world.disk.plan(LosingDisk.Fault.NONE, Integer.MAX_VALUE / 2);
    world.disk.clear();
    world.brokers.reachable = true;
    world.brokers.silent.clear();
    world.brokers.forbidden.clear();
    for (String topic : Simulation.TOPICS) {
      topic(topic, true);
    }
    boolean settled = false;
    for (int i = 0; i < MOST_ROUNDS && !settled; i++) {
      round(Duration.ofMillis(i % 50 == 49 ? 130_000 : 700));
      if (i == ROUNDS_TO_NEWS) {
        for (String topic : Simulation.TOPICS) {
          append(topic, 0); // behind a failed cycle, positions wait for the next one
        }
      }
      settled = isSettled();
    }
    if (!settled) {
      throw new AssertionError("it never comes to an end: " + standing());
    }
    relay.close();
    relay = null;
    look().atTheEnd();
    for (UUID each : requests) {
      if (new ControlFiles(world.paths, world.disk.others()).answer(each).isEmpty()) {
        throw new AssertionError("request " + each + " was not answered");
      }
    }
  }

  private boolean isSettled() {
    try {
      return relay != null
          && unwritten.isEmpty()
          && relay.isUpToDate()
          && relay.troubles().now().isEmpty()
          && relay.troubles().bars().count() == 0
          && !new ControlFiles(world.paths, world.disk.others()).hasOpen()
          && OutboxLook.at(world.paths).records().stream()
              .allMatch(record -> record.sequence() <= relay.savedSequence())
          && !relay.hasStaged()
          && OutboxLook.parked(world.paths).values().stream()
              .allMatch(
                  look ->
                      look.records().stream()
                          .allMatch(record -> record.sequence() <= look.saved()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String standing() throws IOException {
    return relay == null
        ? "no relay"
        : "troubles "
            + relay.troubles().now()
            + " saved "
            + relay.savedSequence()
            + " requests "
            + new ControlFiles(world.paths, world.disk.others()).hasOpen()
            + " unwritten "
            + unwritten.size();
  }

  void checkOrder() {
    FilesChecks.order(world, events, refused);
  }

  @Override
  public void close() throws IOException {
    if (relay != null) {
      relay.close();
    }
    world.disk.close();
  }
}
