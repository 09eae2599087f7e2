package dev.outboxrelay.relay.park;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.settle.ParkedTopic;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Events of more topics than have an outbox open are safe at once, and get there by and by. */
class StagingTest {
  private static final int TOPICS = 40;
  private static final int EACH = 3;
  private static final int LARGE_OF_EACH = 4;
  private static final int LARGE = 100_000;
  private static final int LARGE_OF_ONE = 50;

  /** So many are opened in the one second that passes in no test here. */
  private static final int OPENED = 4;

  @TempDir private Path directory;
  private MainQueue queue;
  private List<InFlight> events;
  private ParkedOutboxes parked;

  @BeforeEach
  void begin() throws IOException {
    queue = new MainQueue(directory.resolve("outbox"));
    String[] topics =
        IntStream.range(0, TOPICS * EACH).mapToObj(i -> topic(i % TOPICS)).toArray(String[]::new);
    events = queue.append(topics);
    parked = queue.open(0);
  }

  @AfterEach
  void close() throws IOException {
    parked.close();
  }

  private static String topic(int number) {
    return "t" + number;
  }

  private void killAndReopen() throws IOException {
    parked.close();
    parked = queue.open(0);
  }

  private int add() throws IOException {
    int added = 0;
    for (InFlight event : events) {
      added += parked.add(event) ? 1 : 0;
    }
    return added;
  }

  private void bringAll() throws IOException {
    while (parked.hasStaged()) {
      parked.bring();
    }
  }

  private Set<String> inOutboxes() throws IOException {
    Set<String> found = new HashSet<>();
    for (int i = 0; i < TOPICS; i++) {
      if (SafeFiles.attributes(queue.paths.parked(topic(i)).root()) != null) {
        found.add(topic(i));
      }
    }
    return found;
  }

  private void assertEachHasItsOwnOnceAndInOrder() throws IOException {
    for (int i = 0; i < TOPICS; i++) {
      assertThat(queue.sequences(topic(i)))
          .as(topic(i))
          .containsExactly(1L + i, 1L + i + TOPICS, 1L + i + 2 * TOPICS);
    }
  }

  @Test
  void noEventWaitsForTheOutboxesOfOthers() throws IOException {
    assertThat(add()).isEqualTo(TOPICS * EACH);
    assertThat(inOutboxes()).hasSize(OPENED);
    assertThat(parked.hasStaged()).isTrue();
    assertThat(parked.isStaged(topic(0))).isFalse();
    assertThat(parked.isStaged(topic(TOPICS - 1))).isTrue();
    parked.sync();
    assertThat(ParkedFiles.read(queue.paths).events()).isEqualTo(TOPICS * EACH);
    assertThat(ParkedFiles.read(queue.paths).topics()).isEqualTo(TOPICS);
    assertThat(parked.held().topics()).isEqualTo(TOPICS);
    assertThat(parked.held().events()).isEqualTo(TOPICS * EACH);
    assertThat(parked.held().oldestMillis()).isPresent();
    ParkedTopic last = parked.topic(topic(TOPICS - 1));
    assertThat(last.heldEvents()).isEqualTo(EACH);
    assertThat(last.heldBytes()).isPositive();
    assertThat(last.keepsOrder()).isTrue();

    bringAll();
    assertEachHasItsOwnOnceAndInOrder();
    assertThat(parked.held().events()).isEqualTo(TOPICS * EACH);
    assertThat(ParkedFiles.read(queue.paths).events()).isEqualTo(TOPICS * EACH);
    assertThat(parked.isStaged(topic(TOPICS - 1))).isFalse();
  }

  @Test
  void whatIsStagedIsSyncedWithTheNamesThatLeadToIt() throws IOException {
    add();
    queue.syncs.clear();
    parked.sync();
    assertThat(queue.syncs).contains("outbox/", "staged/").contains("PAYLOAD");
    queue.syncs.clear();
    parked.sync();
    assertThat(queue.syncs).isEmpty();
  }

  @Test
  void aTopicWhoseOutboxIsOpenGetsItsEventsAtOnceWhenNothingOfItIsStaged() throws IOException {
    add();
    bringAll();
    InFlight next = queue.append(topic(OPENED + 1));
    assertThat(parked.add(next)).isTrue();
    assertThat(parked.hasStaged()).isFalse();
    assertThat(queue.sequences(topic(OPENED + 1))).endsWith(next.sequence());
  }

  @Test
  void whileAnyOfATopicIsStagedAllThatComesOfItIs() throws IOException {
    add();
    String staged = topic(TOPICS - 1);
    parked.bring();
    InFlight next = queue.append(staged);
    parked.add(next);
    bringAll();
    assertThat(queue.sequences(staged))
        .containsExactly((long) TOPICS, 2L * TOPICS, 3L * TOPICS, next.sequence());
  }

  @Test
  void aRewindStagesNothingTwice() throws IOException {
    add();
    assertThat(add()).isZero();
    parked.bring();
    assertThat(add()).isZero();
    bringAll();
    assertThat(add()).isZero();
    assertEachHasItsOwnOnceAndInOrder();
  }

  @Test
  void afterAKillAtAnyTimeEachIsThereOnceAndInOrder() throws IOException {
    add();
    parked.sync();
    int steps = 0;
    while (parked.hasStaged()) {
      killAndReopen();
      if (steps % 3 == 0) {
        assertThat(add()).as("after %s steps", steps).isZero();
      }
      assertThat(parked.held().events()).isGreaterThanOrEqualTo(TOPICS * EACH);
      for (int i = 0; i <= steps % 5 && parked.hasStaged(); i++) {
        parked.bring();
      }
      steps++;
      assertThat(steps).isLessThan(10_000);
      if (steps % 7 == 0) {
        bringAll();
      }
    }
    killAndReopen();
    assertThat(add()).isZero();
    assertThat(parked.hasStaged()).isFalse();
    assertEachHasItsOwnOnceAndInOrder();
    assertThat(parked.held().events()).isEqualTo(TOPICS * EACH);
  }

  @Test
  void whatAnEarlierGenerationStagedGetsThereOnce() throws IOException {
    add();
    parked.sync();
    parked.bring(); // and its position is not saved
    parked.close();
    OutboxIdentity now = queue.identity();
    OutboxIdentity next = new OutboxIdentity(now.outbox(), now.generation() + 1);
    parked =
        ParkedOutboxes.open(
            queue.paths, next, 0, queue.options(), new OpenSlots(OpenOutboxes.MOST));
    bringAll();
    assertEachHasItsOwnOnceAndInOrder();
  }

  @Test
  void oneTopicThatCannotBeMadeHoldsUpNoOther() throws IOException {
    String hostile = topic(OPENED + 3);
    Path link = queue.paths.parked(hostile).root();
    Files.createDirectories(link.getParent());
    add();
    Files.createSymbolicLink(link, directory);

    List<String> errors = new ArrayList<>();
    for (int i = 0; i < 2 * TOPICS; i++) {
      try {
        parked.bring();
      } catch (IOException | OutboxUnavailable e) {
        errors.add(e.getMessage());
      }
    }
    assertThat(errors).isNotEmpty().allMatch(error -> error.contains(hostile));
    assertThat(parked.isStaged(hostile)).isTrue();
    assertThat(parked.held().events()).isEqualTo(TOPICS * EACH);
    for (int i = 0; i < TOPICS; i++) {
      if (!topic(i).equals(hostile)) {
        assertThat(parked.isStaged(topic(i))).as(topic(i)).isFalse();
      }
    }

    Files.delete(link);
    for (int i = 0; i < 100 * TOPICS && parked.hasStaged(); i++) { // it is tried now and then
      try {
        parked.bring();
      } catch (IOException e) {
        assertThat(e).hasMessageContaining(hostile);
      }
    }
    assertEachHasItsOwnOnceAndInOrder();
  }

  @Test
  void whatALaneWaitsForIsBroughtBeforeAllOther() throws IOException {
    add();
    String last = topic(TOPICS - 1);
    parked.hurry(last);
    parked.bring();
    assertThat(parked.isStaged(last)).isFalse();
    assertThat(queue.sequences(last)).hasSize(EACH);
    assertThat(parked.isStaged(topic(TOPICS - 2))).isTrue();
    bringAll();
    assertEachHasItsOwnOnceAndInOrder();
  }

  /** Read at a time they are few of each topic, and each time its outbox is synced. */
  @Test
  void ofWhatIsMoreThanIsKeptInMemoryEachTopicIsSyncedOnce() throws IOException {
    OutboxEvent[] large = new OutboxEvent[TOPICS * LARGE_OF_EACH];
    Arrays.setAll(
        large, i -> OutboxEvent.builder(topic(i % TOPICS)).value(new byte[20_000]).build());
    events = queue.append(large);
    add();
    parked.sync();
    queue.syncs.clear();
    parked.hurry(topic(TOPICS - 1));
    parked.bring();
    assertThat(parked.isStaged(topic(TOPICS - 1))).isFalse();
    bringAll();
    int ofStaging = 1;
    assertThat(queue.syncs.stream().filter("PAYLOAD"::equals))
        .hasSizeLessThanOrEqualTo(TOPICS - OPENED + ofStaging);
    for (int i = 0; i < TOPICS; i++) {
      assertThat(queue.sequences(topic(i))).as(topic(i)).hasSize(LARGE_OF_EACH).isSorted();
    }
  }

  /** Positions wait meanwhile. */
  @Test
  void ofATopicThatHasMuchSomeIsBroughtAtATime() throws IOException {
    OutboxEvent[] large = new OutboxEvent[LARGE_OF_ONE];
    String topic = topic(TOPICS - 1);
    Arrays.setAll(large, i -> OutboxEvent.builder(topic).value(new byte[LARGE]).build());
    add();
    events = queue.append(large);
    add();
    parked.sync();
    long before = 0;
    while (parked.hasStaged()) {
      parked.bring();
      long brought = brought(topic);
      assertThat(brought - before).isLessThanOrEqualTo((1 << 20) / LARGE + 1 + EACH);
      before = brought;
    }
    assertThat(queue.sequences(topic)).hasSize(EACH + LARGE_OF_ONE).isSorted();
  }

  private long brought(String topic) throws IOException {
    boolean isThere = SafeFiles.attributes(queue.paths.parked(topic).root()) != null;
    return isThere ? queue.sequences(topic).size() : 0;
  }

  @Test
  void whatIsDamagedAfterItWasReadHoldsUpNoOther() throws IOException {
    add();
    parked.bring(); // all of them are read
    String damaged = topic(TOPICS - 1);
    queue.zero(queue.paths.staged(), TOPICS - OPENED - 1);
    int failures = 0;
    while (parked.hasStaged()) {
      try {
        parked.bring();
      } catch (IOException e) {
        assertThat(e).hasMessageContaining(damaged).hasMessageContaining("verify");
        failures++;
      }
    }
    assertThat(failures).isBetween(1, 3);
    assertThat(queue.sequences(damaged)).containsExactly(2L * TOPICS, 3L * TOPICS);
    for (int i = 0; i < TOPICS - 1; i++) {
      assertThat(queue.sequences(topic(i))).as(topic(i)).hasSize(EACH);
    }
  }

  @Test
  void whatTheDiskDidNotTakeIsStagedAgainAndGetsThereOnce() throws IOException {
    add();
    queue.failingCycles = 1;
    assertThatThrownBy(parked::sync).isInstanceOf(IOException.class).hasMessageContaining("staged");
    parked.sync();
    bringAll();
    assertEachHasItsOwnOnceAndInOrder();
  }

  @Test
  void ofALimitWhoAddsBringsTheOldestOn() throws IOException {
    List<String> topics = new ArrayList<>();
    for (int i = 0; i < Staging.MOST_EVENTS + 10; i++) {
      topics.add(topic(OPENED + i % 2));
    }
    List<InFlight> many = queue.append(topics.toArray(String[]::new));
    for (int i = 0; i < OPENED; i++) {
      parked.add(events.get(i));
    }
    for (InFlight event : many) {
      assertThat(parked.add(event)).isTrue();
    }
    bringAll();
    assertThat(queue.parked(topic(OPENED))).hasSize((int) Staging.MOST_EVENTS / 2 + 5);
  }

  @Test
  void aLinkInItsPlaceIsRefused() throws IOException {
    parked.close();
    Files.createSymbolicLink(queue.paths.staged().root(), directory);
    assertThatThrownBy(() -> queue.open(0))
        .isInstanceOf(OutboxUnavailable.class)
        .hasMessageContaining("staged")
        .hasMessageContaining("remove it");
    Files.delete(queue.paths.staged().root());
    parked = queue.open(0);
  }

  @Test
  void whatIsDamagedIsGivenUpAloneAndOnlyWhenTheOthersWereBrought() throws IOException {
    add();
    parked.close();
    queue.zero(queue.paths.staged(), 0); // the first of the first that is staged
    parked = queue.open(0);
    bringAll();
    assertThat(queue.sequences(topic(OPENED)))
        .containsExactly(1L + OPENED + TOPICS, 1L + OPENED + 2 * TOPICS);
    assertThat(queue.sequences(topic(TOPICS - 1))).hasSize(EACH);
  }

  @Test
  void whileACycleCannotBeOpenedNothingOfItIsGivenUp() throws IOException {
    add();
    Path cycle = queue.paths.staged().cycle(queue.paths.staged().cycles().get(0));
    Path aside = Files.move(cycle, directory.resolve("aside"));
    Files.createSymbolicLink(cycle, aside);
    for (int i = 0; i < 5; i++) {
      try {
        parked.bring();
      } catch (IOException | OutboxUnavailable e) {
        assertThat(e).hasMessageContaining(cycle.getFileName().toString());
      }
    }
    assertThat(parked.isStaged(topic(TOPICS - 1))).isTrue();
    Files.delete(cycle);
    Files.move(aside, cycle);
    try {
      bringAll();
    } catch (IOException | OutboxUnavailable e) {
      bringAll(); // of the attempt before
    }
    assertEachHasItsOwnOnceAndInOrder();
  }

  @Test
  void whatSomebodyRemovedIsNotWaitedForAndAllThatComesIsBrought() throws IOException {
    add();
    try (Stream<Path> all = Files.walk(queue.paths.staged().root())) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
    bringAll(); // nobody waits for them
    InFlight next = queue.append("another");
    try {
      parked.add(next);
    } catch (OutboxUnavailable e) {
      assertThat(parked.add(next)).isTrue();
    }
    bringAll();
    assertThat(queue.sequences("another")).containsExactly(next.sequence());
  }

  @Test
  void withoutSlotsEachOutboxHasOneOpen() throws IOException {
    parked.close();
    parked =
        ParkedOutboxes.open(queue.paths, queue.identity(), 0, queue.options(), new OpenSlots(0));
    add();
    assertThat(inOutboxes()).containsExactly(topic(0));
    bringAll();
    assertEachHasItsOwnOnceAndInOrder();
  }

  @Test
  void slotsAreOfTheProcessAndComeBack() throws IOException {
    parked.close();
    OpenSlots slots = new OpenSlots(2);
    parked = ParkedOutboxes.open(queue.paths, queue.identity(), 0, queue.options(), slots);
    add();
    MainQueue other = new MainQueue(directory.resolve("other"));
    List<InFlight> others = other.append("a", "b", "c");
    try (ParkedOutboxes more =
        ParkedOutboxes.open(other.paths, other.identity(), 0, other.options(), slots)) {
      for (InFlight event : others) {
        more.add(event);
      }
      assertThat(more.isStaged("a")).isFalse();
      assertThat(more.isStaged("b")).isTrue();
    }
    parked.close();
    assertThat(List.of(slots.take(), slots.take(), slots.take()))
        .containsExactly(true, true, false);
    parked = queue.open(0);
  }
}
