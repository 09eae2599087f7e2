package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.relay.deliver.ManualClocks;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.park.ParkedArrivals;
import dev.outboxrelay.relay.pipeline.LanesUnderTest;
import dev.outboxrelay.relay.pipeline.Service;
import dev.outboxrelay.relay.settle.Origin;
import dev.outboxrelay.relay.tail.Arrival;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One outbox with writers, relays that follow one another, a disk and a cluster, on time that
 * passes only here. All that happens follows from the seed.
 */
final class Simulation {
  static final List<String> TOPICS = List.of("a", "b", "c");
  private static final int WINDOW = 8;
  private static final int KEYS = 3;
  private static final Duration PARK_AFTER = Duration.ofSeconds(5);

  /** Whether all that happens is printed: for one seed. */
  private static final boolean TRACE = Boolean.getBoolean("simulation.trace");

  final Random random;
  final ManualClocks time = new ManualClocks();
  final SimulatedBrokers brokers = new SimulatedBrokers();
  final SimulatedDisk disk;
  final Map<Long, Written> events = new HashMap<>();
  private final Map<String, Integer> partitionsBefore = new HashMap<>();
  private final Set<Long> damaged = new HashSet<>();
  private final Set<Long> lost = new HashSet<>();

  /** Sequences of what a power cut took: others have them by now. */
  private final Set<Long> givenTwice = new HashSet<>();

  /**
   * How often what happened in all histories so far: a simulation that reaches nothing proves
   * nothing.
   */
  static final Map<String, Integer> REACHED = new ConcurrentHashMap<>();

  private final List<SimulatedPipeline> lanes = new ArrayList<>();
  private final History history;
  private SimulatedPipeline main;
  private LanesUnderTest ofMain;
  private long written;
  private int checkedChanges = -1;
  private int refusals;

  /** An event as it was written. */
  record Written(long number, String topic, int key) {}

  Simulation(long seed, History history) {
    this.random = new Random(seed);
    this.history = history;
    // Half of them go on without a restart when all is well again: nothing may hang.
    this.refusals = seed % 2 == 0 && history.failures ? 3 : 0;
    this.disk = new SimulatedDisk(random);
    TOPICS.forEach(topic -> partitionsBefore.put(topic, 1 + random.nextInt(3)));
    brokers.topics.putAll(partitionsBefore);
    brokers.settled = disk.settledByLanes;
    brokers.spreadMetadata();
    start();
  }

  private void start() {
    disk.forgetOutcomesBehindThePosition();
    lanes.clear();
    SimulatedParking parking = new SimulatedParking(disk);
    ofMain =
        new LanesUnderTest(
            parking, (topic, bar) -> lane(topic, bar, parking), time.clocks().monotonic());
    SimulatedPipeline.Kind kind =
        new SimulatedPipeline.Kind(
            SimulatedDisk.MAIN,
            parking,
            null,
            arrivals -> arrivals,
            client ->
                new Routes(client, ofMain.lanes(), PARK_AFTER.toNanos(), time.clocks().nanos()),
            fact -> told("main", fact),
            WINDOW,
            refusals,
            0);
    main = new SimulatedPipeline(kind, disk, brokers, time, random);
  }

  private Service lane(String topic, Trouble bar, SimulatedParking parking) {
    boolean wasRefused =
        bar != null
            && bar.cause() instanceof Verdict.PauseTopic pause
            && pause.reason() == PauseReason.REFUSED;
    Origin origin =
        new Origin() {
          @Override
          public long savedSequence() {
            return main.savedSequence();
          }

          @Override
          public boolean holdsBack() {
            return parking.holdsLane(topic);
          }

          @Override
          public void settled(List<Range> ranges) throws IOException {
            disk.files(SimulatedDisk.MAIN).appendOutcomes(ranges);
          }

          @Override
          public boolean heldUp(long sequence) {
            return false; // more comes
          }

          @Override
          public void saved(long sequence) {
            parking.settled(topic);
          }
        };
    SimulatedPipeline lane =
        new SimulatedPipeline(
            new SimulatedPipeline.Kind(
                topic,
                null,
                origin,
                arrivals ->
                    new ParkedArrivals(
                        arrivals,
                        new OutboxIdentity(SimulatedPipeline.OUTBOX, 1),
                        (sequence, original) -> parking.isLost(topic, sequence, original)),
                Routes::new,
                fact -> told("lane " + topic, fact),
                WINDOW,
                refusals,
                wasRefused ? refusals : 0),
            disk,
            brokers,
            time,
            random);
    lanes.add(lane);
    return lane;
  }

  private void told(String whom, Fact fact) {
    REACHED.merge(whom.substring(0, 4) + " " + fact.getClass().getSimpleName(), 1, Integer::sum);
    if (TRACE) {
      trace(whom + " " + fact);
    }
  }

  private void trace(String what) {
    if (TRACE) {
      System.out.println(what);
    }
  }

  /** Something happens. */
  void step() {
    try {
      act();
    } catch (SimulatedDisk.Killed e) {
      REACHED.merge("killed at a change", 1, Integer::sum);
      restart(history.powerCuts && random.nextInt(3) == 0);
    }
    if (TRACE) {
      trace(
          "log "
              + brokers.log
              + " positions "
              + disk.savedSequence("")
              + disk.positions.keySet()
              + " outcomes "
              + disk.outcomes
              + " dead "
              + disk.deadLetters);
    }
    checkEveryStep();
  }

  private void act() {
    switch (random.nextInt(40)) {
      case 0, 1, 2, 3, 4 -> append();
      case 5, 6, 7, 8, 9, 10, 11, 12 -> main.deliver();
      case 13, 14, 15 -> main.settle();
      case 16, 17, 18, 19, 20, 21 -> anyLane();
      case 22, 23, 24, 25, 26 -> anyClient().answer();
      case 27 -> anyClient().storeWithoutAck();
      case 28 -> time.advance(Duration.ofMillis(random.nextInt(400)));
      case 29 -> time.advance(Duration.ofMillis(random.nextInt(6_000)));
      case 30 -> disk.queue.sync(Long.MAX_VALUE); // the sync tick
      case 31, 32 -> brokers.spreadMetadata();
      case 33 -> topicsComeAndGo();
      default -> fail();
    }
  }

  private void fail() {
    if (!history.failures) {
      main.deliver();
      return;
    }
    switch (random.nextInt(18)) {
      case 0 -> restart(false);
      case 1 -> restart(history.powerCuts);
      case 2, 3 -> disk.killAtAChange(1 + random.nextInt(12));
      case 4 -> anyClient().failOldest(verdict(), random.nextBoolean());
      case 5 -> anyClient().swap();
      case 6 -> anyClient().die();
      case 7 -> brokers.reachable = random.nextInt(3) > 0;
      case 8 -> toggle(brokers.silent);
      case 9 -> toggle(brokers.forbidden);
      case 10 -> refuse();
      case 11 -> disk.full = random.nextInt(3) == 0;
      case 12 -> disk.failing = random.nextInt(4) == 0;
      case 13 -> stopAndStart();
      case 14 -> main.client().changeSettings();
      case 15 -> replaceCluster();
      case 16 -> disk.queue.roll();
      default -> damage();
    }
  }

  private void append() {
    String topic = TOPICS.get(random.nextInt(TOPICS.size()));
    int key = random.nextInt(KEYS + 1) - 1;
    long number = ++written;
    events.put(number, new Written(number, topic, key));
    Arrival.Event event = disk.queue.append(number, topic, key, null);
    if (TRACE) {
      trace("append " + number + " " + topic + " sequence " + event.record().sequence());
    }
    if (history.failures && random.nextInt(20) == 0) {
      brokers.poison.add(number);
    }
  }

  private void damage() {
    if (random.nextBoolean()) {
      disk.queue.skipSequence(); // an append was killed
      return;
    }
    damaged.add(disk.queue.appendDamaged());
  }

  private void anyLane() {
    if (!lanes.isEmpty()) {
      SimulatedPipeline lane = lanes.get(random.nextInt(lanes.size()));
      if (random.nextInt(3) == 0) {
        lane.settle();
      } else {
        lane.deliver();
      }
    }
  }

  private SimulatedClient anyClient() {
    int which = random.nextInt(lanes.size() + 1);
    return which == lanes.size() ? main.client() : lanes.get(which).client();
  }

  private Verdict verdict() {
    return switch (random.nextInt(4)) {
      case 0 -> new Verdict.PauseAll(PauseReason.AUTHENTICATION, "password");
      default -> new Verdict.RebuildAndRewind("out of order");
    };
  }

  private void toggle(Set<String> set) {
    String topic = TOPICS.get(random.nextInt(2)); // one is always well
    if (!set.remove(topic)) {
      set.add(topic);
    }
  }

  /** What was refused once may be taken after a crash, behind what came later. */
  private void refuse() {
    if (history.anyOrder) {
      toggle(brokers.refusing);
    }
  }

  private void topicsComeAndGo() {
    String topic = TOPICS.get(random.nextInt(2));
    if (brokers.topics.remove(topic) == null) {
      // Another number takes keys elsewhere, where nothing is in order with what went before.
      int partitions = history.anyOrder ? 1 + random.nextInt(3) : partitionsBefore.get(topic);
      brokers.topics.put(topic, partitions);
    }
  }

  private void replaceCluster() {
    if (history.anyOrder && random.nextInt(4) == 0) {
      brokers.replace("cluster " + random.nextInt());
    }
  }

  /** The relay's process ends and another one begins, after a power cut perhaps. */
  private void restart(boolean powerCut) {
    checkedChanges = -1;
    trace(powerCut ? "power cut" : "crash");
    REACHED.merge(powerCut ? "power cut" : "crash", 1, Integer::sum);
    if (powerCut) {
      for (Arrival arrival : disk.queue.losePower(random)) {
        if (arrival instanceof Arrival.Event event) {
          lost.add(event.record().eventId().getLeastSignificantBits());
          givenTwice.add(event.record().sequence());
        } else {
          damaged.remove(SimulatedQueue.sequenceOf(arrival));
        }
      }
      disk.parked.values().forEach(queue -> queue.losePower(random));
    }
    start();
  }

  private void stopAndStart() {
    main.stop();
    ofMain.stop();
    for (int i = 0; i < 40 && !(main.stage() instanceof Service.Stage.Ended); i++) {
      main.deliver();
      main.client().answer();
      main.settle();
      for (SimulatedPipeline lane : lanes) {
        lane.deliver();
        lane.settle();
      }
      time.advance(Duration.ofMillis(500));
    }
    check(main.stage() instanceof Service.Stage.Ended, "a stop does not come to its end");
    start();
  }

  /** Everything is well again, and all is delivered. */
  void heal() {
    brokers.reachable = true;
    brokers.silent.clear();
    brokers.forbidden.clear();
    brokers.refusing.clear();
    TOPICS.forEach(topic -> brokers.topics.putIfAbsent(topic, partitionsBefore.get(topic)));
    brokers.spreadMetadata();
    disk.full = false;
    disk.failing = false;
    disk.killAtAChange(Integer.MAX_VALUE);
    if (refusals > 0) {
      refusals = 0; // what is barred for its events' sake is not by itself well again
      restart(false);
    }
    for (int i = 0; i < 3_000 && !(isSettled() && isWell()); i++) {
      main.deliver();
      main.settle();
      while (main.client().answer()) {
        // until none is left
      }
      for (SimulatedPipeline lane : List.copyOf(lanes)) {
        lane.deliver();
        lane.settle();
        while (lane.client().answer()) {
          // until none is left
        }
      }
      time.advance(Duration.ofMillis(i % 100 == 99 ? 130_000 : 700));
      checkEveryStep();
    }
  }

  private boolean isSettled() {
    boolean parked =
        disk.parked.entrySet().stream()
            .allMatch(each -> disk.savedSequence(each.getKey()) >= each.getValue().lastSequence());
    return parked && disk.savedSequence(SimulatedDisk.MAIN) >= disk.queue.lastSequence();
  }

  /** What of each queue is settled. */
  private String standing() {
    StringBuilder text = new StringBuilder();
    disk.parked.forEach(
        (topic, queue) ->
            text.append(", of ")
                .append(queue.lastSequence())
                .append(" parked of ")
                .append(topic)
                .append(" are settled ")
                .append(disk.savedSequence(topic)));
    return text
        + ", of "
        + disk.queue.lastSequence()
        + " are settled "
        + disk.savedSequence(SimulatedDisk.MAIN);
  }

  private boolean isWell() {
    Position position = disk.positions.get(SimulatedDisk.MAIN);
    return (position == null || position.heldBytes() == 0)
        && main.troubles().now().isEmpty()
        && main.troubles().bars().count() == 0;
  }

  /** What holds at each moment, whatever happens next, a power cut included. */
  void checkEveryStep() {
    if (disk.changes() == checkedChanges) {
      return; // what Kafka has, it keeps
    }
    checkedChanges = disk.changes();
    long saved = disk.savedSequence(SimulatedDisk.MAIN);
    check(saved <= disk.queue.lastSequence(), "the position is beyond the data");
    Map<String, Set<Long>> durable = new HashMap<>();
    disk.parked.forEach((topic, queue) -> durable.put(topic, numbers(queue.durable())));
    Set<Long> kafka = brokers.everStored();
    int durableOnes = disk.queue.durable().size();
    int index = 0;
    for (Arrival arrival : disk.queue.all()) {
      long sequence = SimulatedQueue.sequenceOf(arrival);
      if (sequence > saved) {
        break;
      }
      if (++index > durableOnes) {
        throw new AssertionError("the position covers " + sequence + ", which is not durable");
      }
      if (arrival instanceof Arrival.Event event) {
        checkCovered(event, durable, kafka);
      } else {
        check(disk.quarantined.contains(sequence), "damage is covered, and nowhere");
      }
    }
    disk.parked.forEach((topic, queue) -> checkLane(topic, queue, kafka));
  }

  private void checkCovered(Arrival.Event event, Map<String, Set<Long>> durable, Set<Long> kafka) {
    long number = event.record().eventId().getLeastSignificantBits();
    boolean parked = durable.getOrDefault(event.record().topic(), Set.of()).contains(number);
    boolean dead = disk.deadLetters.containsKey(number);
    boolean isSafe = kafka.contains(number) || dead || parked;
    if (!isSafe) {
      throw new AssertionError("event " + number + ", which the position covers, is nowhere");
    }
    DeliveryOutcome told = disk.outcome(event.record().sequence());
    if (givenTwice.contains(event.record().sequence())) {
      return; // RATIONALE: outcomes go by sequences
    }
    boolean holds =
        switch (told) {
          case DELIVERED -> kafka.contains(number);
          case PARKED -> parked;
          case DEAD -> dead;
          default -> false;
        };
    if (!holds) {
      throw new AssertionError("clients are told " + told + " of event " + number);
    }
  }

  private void checkLane(String topic, SimulatedQueue queue, Set<Long> kafka) {
    long saved = disk.savedSequence(topic);
    Set<Long> seen = new HashSet<>();
    for (Arrival arrival : queue.all()) {
      Arrival.Event event = (Arrival.Event) arrival;
      long number = event.record().eventId().getLeastSignificantBits();
      if (!seen.add(number)) {
        throw new AssertionError("event " + number + " is parked twice");
      }
      if (event.record().sequence() <= saved) {
        if (!kafka.contains(number) && !disk.deadLetters.containsKey(number)) {
          throw new AssertionError("event " + number + ", which a lane's position covers");
        }
      }
    }
  }

  private static Set<Long> numbers(List<Arrival> arrivals) {
    Set<Long> numbers = new HashSet<>();
    for (Arrival arrival : arrivals) {
      if (arrival instanceof Arrival.Event event) {
        numbers.add(event.record().eventId().getLeastSignificantBits());
      }
    }
    return numbers;
  }

  private static void check(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }

  /** What holds when all is well, and all is over. */
  void checkTheEnd() {
    check(isSettled(), "it never comes to an end" + standing());
    Set<Long> kafka = brokers.everStored();
    for (Written event : events.values()) {
      boolean dead = disk.deadLetters.containsKey(event.number());
      if (!kafka.contains(event.number()) && !dead && !lost.contains(event.number())) {
        throw new AssertionError(event + " never came");
      }
      if (brokers.poison.contains(event.number())) {
        check(!kafka.contains(event.number()), event + " was to be refused");
      }
    }
    if (!history.anyOrder) {
      check(
          brokers.poison.containsAll(disk.deadLetters.keySet()),
          "events are dead letters that nobody refused");
    }
    check(
        disk.deadLetters.values().stream().allMatch(by -> by.size() == 1),
        "an event is a dead letter twice: " + disk.deadLetters);
    check(disk.quarantined.containsAll(damaged), "damage is not in the quarantine");
    for (Arrival arrival : disk.queue.all()) {
      DeliveryOutcome told = disk.outcome(SimulatedQueue.sequenceOf(arrival));
      check(told != DeliveryOutcome.PARKED, "what is no longer parked is told to be");
    }
    check(main.troubles().now().isEmpty(), "troubles stay: " + main.troubles().now());
    check(main.troubles().bars().count() == 0, "topics stay barred");
    check(isWell(), "bytes are held for ever");
  }

  /** Of each topic's key, no event came for the first time behind a later one. */
  void checkOrder() {
    Map<String, Long> last = new HashMap<>();
    Set<Long> seen = new HashSet<>();
    for (long number : brokers.log) {
      Written event = events.get(number);
      if (event.key() >= 0 && seen.add(number)) {
        Long before = last.put(event.topic() + "/" + event.key(), number);
        if (before != null && before > number) {
          throw new AssertionError(event + " came behind " + before);
        }
      }
    }
  }

  /** Where nobody refuses anything. */
  void checkThatNothingWasRefused() {
    check(disk.deadLetters.isEmpty(), "events are dead letters that nobody refused");
  }
}
