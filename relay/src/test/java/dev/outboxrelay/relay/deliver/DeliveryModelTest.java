package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.tail.Bookmark;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random histories of appends, acks, failures, outages, crashes and restarts, each from its own
 * seed; after every one of them each event is where it belongs.
 */
class DeliveryModelTest {
  private static final int STEPS = 600;
  private static final int WINDOW = 8;
  private static final List<String> TOPICS = List.of("a", "b", "c");
  private static final Duration PARK_AFTER = Duration.ofSeconds(5);
  private static final Duration LONG = Duration.ofSeconds(20);

  /** After which brokers may have forgotten a sender. */
  private static final Duration SILENCE = Duration.ofSeconds(1);

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Long.getLong("model.seeds", 400));
  }

  /** One relay, which can be killed, with what outlives it. */
  private static final class World {
    final Random random;
    final ManualClocks time = new ManualClocks();
    final FakeQueue queue = new FakeQueue();
    final FakeKafka kafka = new FakeKafka();
    final FakeDisk disk = new FakeDisk();
    final FakeLanes lanes = new FakeLanes(kafka, disk);
    final Map<Long, String> events = new HashMap<>();
    final Set<Long> damaged = new HashSet<>();
    final Set<Long> skipped = new HashSet<>();
    final Set<String> states = new HashSet<>();
    int rewinds;
    int crashes;
    int clusters;
    int refusals = 3;
    Delivery delivery;

    World(long seed) {
      random = new Random(seed);
      kafka.partitions = 1 + random.nextInt(2);
      kafka.topics.addAll(TOPICS);
      disk.lanes = lanes;
      start();
    }

    void start() {
      Settled from = disk.saved;
      queue.rewind(from == null ? Bookmark.START : from.bookmark());
      FactListener counting =
          fact -> {
            if (fact instanceof Fact.Rewound) {
              rewinds++;
            } else if (fact instanceof Fact.StateChanged changed) {
              states.add(changed.to());
            }
          };
      delivery =
          new Delivery(
              queue,
              new Routes(kafka, lanes, PARK_AFTER.toNanos(), time.clocks().nanos()),
              kafka,
              disk,
              counting,
              new Limits(
                  WINDOW,
                  1 << 20,
                  Lease.WHOLE,
                  new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5)),
                  Duration.ofSeconds(5),
                  Duration.ofMinutes(2),
                  refusals),
              new SplittableRandom(random.nextLong()),
              time.clocks(),
              from,
              disk.cluster);
    }

    void crash() {
      crashes++;
      disk.crash();
      lanes.crash();
      kafka.relayDied();
      start();
    }

    /** In time, whatever Kafka does. */
    void stopAndStart() {
      delivery.drain(time.clocks().nanos() + Duration.ofSeconds(3).toNanos());
      for (int i = 0; i < 4 && !(delivery.state() instanceof DeliveryState.Stopped); i++) {
        delivery.doWork();
        kafka.answerOldest();
        disk.work();
        time.advance(Duration.ofSeconds(1));
      }
      delivery.doWork();
      assertThat(delivery.state()).isInstanceOf(DeliveryState.Stopped.class);
      disk.save();
      crash();
    }

    void append() {
      int kind = random.nextInt(40);
      if (kind == 0) {
        long takenFor = queue.appendDamaged();
        damaged.add(takenFor);
        if (skipped.remove(takenFor)) {
          skipped.add(queue.lastSequence());
        }
      } else if (kind == 1) {
        skipped.add(queue.skipSequence());
      } else {
        String topic = TOPICS.get(random.nextInt(TOPICS.size()));
        long sequence = queue.append(topic);
        events.put(sequence, topic);
        if (kind == 2) {
          kafka.poison.add(sequence);
        }
      }
    }

    Verdict randomVerdict() {
      return switch (random.nextInt(4)) {
        case 0 -> new Verdict.PauseTopic("a", PauseReason.TOPIC_FORBIDDEN, "forbidden");
        case 1 -> new Verdict.PauseAll(PauseReason.AUTHENTICATION, "password");
        default -> new Verdict.RebuildAndRewind("out of order");
      };
    }

    /** Topics come and go, and the relay is killed; whatever is sent is taken or not. */
    void stepWithTopics(boolean withCrashes) {
      if (random.nextInt(3) == 0) {
        workLanes();
      }
      switch (random.nextInt(25)) {
        case 0, 1, 2, 3 -> append();
        case 4, 5, 6 -> kafka.answerOldest();
        case 7 -> kafka.answerAll();
        case 8, 9 -> disk.work();
        case 10 -> disk.save();
        case 11 -> time.advance(Duration.ofMillis(random.nextInt(300)));
        case 12 -> time.advance(Duration.ofSeconds(random.nextInt(8)));
        case 13 -> crashOrLoseSender(withCrashes);
        case 14, 15 -> toggleTopic();
        case 16 -> kafka.reachable = random.nextInt(4) > 0;
        case 17 -> toggleSilence();
        default -> delivery.doWork();
      }
      kafka.poison.clear();
      checkSaved();
    }

    /**
     * Of each topic, no event came for the last time before an earlier one: who keeps the latest
     * has the right one. A crash forgets what was acked and not settled, so this is for histories
     * without.
     */
    void checkOrderOfTheLast() {
      List<Long> fromTheEnd = new ArrayList<>(kafka.log);
      Collections.reverse(fromTheEnd);
      for (String topic : TOPICS) {
        assertThat(fromTheEnd.stream().distinct())
            .filteredOn(sequence -> topic.equals(events.get(sequence)))
            .as(topic)
            .isSortedAccordingTo(Comparator.reverseOrder());
      }
    }

    /** Of each topic, no event came for the first time behind a later one. */
    void checkOrder() {
      for (String topic : TOPICS) {
        assertThat(kafka.log.stream().distinct())
            .filteredOn(sequence -> topic.equals(events.get(sequence)))
            .as(topic)
            .isSorted();
        assertThat(lanes.parked(topic)).doesNotHaveDuplicates();
      }
    }

    void step(boolean withFailures) {
      if (random.nextInt(3) == 0) {
        workLanes();
      }
      switch (random.nextInt(withFailures ? 29 : 18)) {
        case 0, 1, 2 -> append();
        case 3, 4, 5, 6 -> kafka.answerOldest();
        case 7 -> kafka.answerAll();
        case 8, 9 -> disk.work();
        case 10 -> disk.save();
        case 11 -> time.advance(Duration.ofMillis(random.nextInt(300)));
        case 17 -> changeSettings();
        case 18 -> kafka.failOldest(randomVerdict(), random.nextBoolean());
        case 19 -> crash();
        case 20 -> kafka.reachable = !kafka.reachable;
        case 21 -> toggleTopic();
        case 22 -> time.advance(Duration.ofSeconds(random.nextInt(10)));
        case 23 -> stopAndStart();
        case 24 -> replaceCluster();
        case 25 -> refuse();
        case 26 -> time.advance(SILENCE);
        case 27 -> loseSender();
        default -> delivery.doWork();
      }
      checkSaved();
    }

    private void crashOrLoseSender(boolean withCrashes) {
      if (withCrashes) {
        crash();
      } else {
        kafka.loseSender("died");
      }
    }

    private void workLanes() {
      lanes.work();
      if (random.nextInt(4) == 0) {
        lanes.save();
      }
    }

    private void changeSettings() {
      if (random.nextInt(4) == 0) {
        kafka.settings++;
      }
    }

    private void replaceCluster() {
      if (random.nextInt(4) == 0) {
        clusters++;
        kafka.replaceCluster("cluster " + clusters);
      }
    }

    /** A topic is set up by mistake so that it refuses everything, or mended. */
    private void refuse() {
      if (!kafka.refusing.remove("b")) {
        kafka.refusing.add("b");
      }
    }

    private void loseSender() {
      if (random.nextInt(4) == 0) {
        kafka.loseSender("died");
      }
    }

    private void toggleSilence() {
      if (!kafka.silent.remove("a")) {
        kafka.silent.add("a");
      }
    }

    private void toggleTopic() {
      if (!kafka.topics.remove("c")) {
        kafka.topics.add("c");
      }
    }

    /** Everything is well again, and delivery comes to its end. */
    void heal() {
      kafka.reachable = true;
      kafka.topics.addAll(TOPICS);
      kafka.refusing.clear();
      kafka.silent.clear();
      if (disk.deadLetters.size() > 0) {
        // What is barred for what it is, not for how its topic is: somebody says so.
        refusals = 0;
        disk.save();
        crash();
      }
      for (int i = 0; i < 10_000 && !isSettled(); i++) {
        delivery.doWork();
        kafka.answerAll();
        disk.work();
        disk.save();
        lanes.work();
        lanes.save();
        time.advance(LONG);
        checkSaved();
      }
    }

    private boolean isSettled() {
      return disk.saved != null && disk.saved.sequence() >= lastReal() && lanes.areEmpty();
    }

    private long lastReal() {
      return LongStream.concat(
              events.keySet().stream().mapToLong(Long::longValue),
              damaged.stream().mapToLong(Long::longValue))
          .max()
          .orElse(0);
    }

    /** No position passes an event that is not where it belongs. */
    void checkSaved() {
      long saved = disk.saved == null ? 0 : disk.saved.sequence();
      Set<Long> inKafka = new HashSet<>(kafka.log);
      inKafka.addAll(kafka.former);
      for (long sequence = 1; sequence <= saved; sequence++) {
        boolean isSafe =
            inKafka.contains(sequence)
                || disk.deadLetters.containsKey(sequence)
                || disk.quarantined.contains(sequence)
                || skipped.contains(sequence)
                || lanes.hasSafely(events.get(sequence), sequence);
        assertThat(isSafe).as("sequence %d below the position %d", sequence, saved).isTrue();
      }
    }

    void checkEverything() {
      Set<Long> inKafka = new HashSet<>(kafka.log);
      inKafka.addAll(kafka.former);
      Set<Long> dead = new HashSet<>(disk.deadLetters.keySet());
      assertThat(dead).containsAll(kafka.poison);
      Set<Long> somewhere = new HashSet<>(inKafka);
      somewhere.addAll(dead);
      assertThat(somewhere).isEqualTo(events.keySet());
      assertThat(kafka.poison).noneMatch(inKafka::contains);
      assertThat(disk.quarantined).isEqualTo(damaged);
      // Refused, and taken before that was settled, once its topic was mended: kept twice.
      Set<Long> undelivered = new HashSet<>(dead);
      undelivered.removeAll(inKafka);
      undelivered.addAll(damaged);
      skipped.stream().filter(sequence -> sequence < lastReal()).forEach(undelivered::add);
      TOPICS.forEach(topic -> undelivered.removeAll(lanes.parked(topic)));
      assertThat(disk.undelivered).containsAll(undelivered);
      TOPICS.forEach(topic -> undelivered.addAll(lanes.parked(topic)));
      undelivered.addAll(skipped);
      undelivered.addAll(dead);
      assertThat(undelivered).containsAll(disk.undelivered);
    }

    void checkDuplicates() {
      assertThat(kafka.needless).as("sent again though it was acked").isEmpty();
      Map<Long, Integer> copies = new HashMap<>();
      kafka.log.forEach(sequence -> copies.merge(sequence, 1, Integer::sum));
      int interruptions = rewinds + crashes;
      copies.forEach(
          (sequence, count) ->
              assertThat(count)
                  .as("copies of %d", sequence)
                  .isLessThanOrEqualTo(1 + interruptions));
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void everyEventEndsWhereItBelongs(long seed) {
    World world = new World(seed);
    for (int i = 0; i < STEPS; i++) {
      world.step(true);
    }
    world.heal();
    world.checkEverything();
    world.checkDuplicates();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void withoutFailuresEveryEventComesOnceAndInOrder(long seed) {
    World world = new World(seed);
    for (int i = 0; i < STEPS; i++) {
      world.step(false);
      world.kafka.poison.clear();
    }
    world.heal();
    world.checkEverything();
    assertThat(world.kafka.log).doesNotHaveDuplicates();
    world.checkOrder();
    assertThat(world.kafka.connects).isBetween(1, 1 + world.kafka.settings);
    for (int i = 0; i < 5; i++) {
      world.delivery.doWork();
    }
    assertThat(world.kafka.isOutdated()).isFalse();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whereTopicsComeAndGoTheFirstDeliveriesOfEachStayInOrder(long seed) {
    World world = new World(seed);
    for (int i = 0; i < STEPS; i++) {
      world.stepWithTopics(true);
    }
    world.heal();
    world.checkEverything();
    world.checkDuplicates();
    world.checkOrder();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whereTheRelayLivesOnTheLastDeliveriesOfEachTopicAreInOrderToo(long seed) {
    World world = new World(seed);
    for (int i = 0; i < STEPS; i++) {
      world.stepWithTopics(false);
    }
    world.heal();
    world.checkEverything();
    world.checkDuplicates();
    world.checkOrder();
    world.checkOrderOfTheLast();
  }

  @Test
  void theHistoriesPassThroughEveryState() {
    Set<String> states = new HashSet<>();
    seeds()
        .limit(50)
        .forEach(
            seed -> {
              World world = new World(seed);
              for (int i = 0; i < STEPS; i++) {
                world.step(true);
              }
              states.addAll(world.states);
            });
    assertThat(states)
        .containsExactlyInAnyOrder(
            "connecting",
            "probing",
            "delivering",
            "renewing",
            "stalled",
            "backing-off",
            "paused-topic",
            "paused-all",
            "draining",
            "stopped");
  }

  @Test
  void theCheckFailsIfAnAckIsTakenForWhatKafkaDoesNotHave() {
    World world = new World(1);
    for (int i = 0; i < 20; i++) {
      world.append();
    }
    world.kafka.poison.clear();
    world.heal();
    world.kafka.log.remove(3);
    assertThatThrownBy(world::checkSaved).isInstanceOf(AssertionError.class);
    assertThatThrownBy(world::checkEverything).isInstanceOf(AssertionError.class);
  }
}
