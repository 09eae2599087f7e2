package dev.outboxrelay.relay.park;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.writing.QueueMaintenance;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.sync.CycleSyncException;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is parked is on stable storage before a position covers it. */
class ParkedSyncTest {
  @TempDir private Path directory;
  private MainQueue queue;
  private OutboxPaths topic;
  private List<InFlight> events;
  private ParkedOutboxes parked;

  @BeforeEach
  void open() throws IOException {
    queue = new MainQueue(directory.resolve("outbox"));
    topic = queue.paths.parked("t");
    events = queue.append("t", "t", "t", "u");
    parked = queue.open(0);
  }

  @AfterEach
  void close() throws IOException {
    parked.close();
  }

  /** What the next sync does. */
  private List<String> sync() throws IOException {
    queue.syncs.clear();
    parked.sync();
    return List.copyOf(queue.syncs);
  }

  private List<String> failedSync() {
    queue.syncs.clear();
    assertThatThrownBy(parked::sync)
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(CycleSyncException.class)
        .hasMessageContaining("topic t");
    return List.copyOf(queue.syncs);
  }

  private void bringAll() throws IOException {
    while (parked.hasStaged()) {
      parked.bring();
    }
  }

  private void markFailed(long cycle) throws IOException {
    try (QueueMaintenance other = new QueueMaintenance(WriterOptions.parked(topic))) {
      other.markFailed(cycle);
    }
  }

  private List<Long> failedCycles() throws IOException {
    return StateFile.read(topic.state()).orElseThrow().failedCycles();
  }

  @Test
  void namesGoFirstWhereTheyAreNewAndThenTheCycle() throws IOException {
    parked.add(events.get(0));
    assertThat(sync())
        .containsExactly("parked/", "outbox/", "queue/", "LISTING", "STATE", "t/", "PAYLOAD");
    assertThat(sync()).isEmpty();

    parked.add(events.get(1));
    assertThat(sync()).containsExactly("PAYLOAD");

    parked.add(events.get(3));
    assertThat(sync()).containsExactly("parked/", "queue/", "LISTING", "STATE", "u/", "PAYLOAD");

    queue.nextHour();
    parked.add(events.get(2));
    assertThat(sync()).containsExactly("queue/", "LISTING", "STATE", "t/", "PAYLOAD", "PAYLOAD");
  }

  @Test
  void aDirectoryOfManyNewNamesIsSyncedOnceAndAFreshOutboxNotByItself() throws IOException {
    queue.syncs.clear();
    parked.add(events.get(0));
    parked.add(events.get(3));
    assertThat(queue.syncs).containsOnly("CREATE");
    assertThat(sync()).containsOnlyOnce("parked/").contains("t/", "u/");
  }

  @Test
  void whatAnEarlierRelayParkedIsSyncedWhenItIsAskedFor() throws IOException {
    parked.add(events.get(0));
    parked.close();
    parked = queue.open(0);
    assertThat(sync()).isEmpty();
    assertThat(parked.add(events.get(0))).isFalse();
    assertThat(sync())
        .containsExactly("parked/", "outbox/", "queue/", "LISTING", "STATE", "t/", "PAYLOAD");
  }

  @Test
  void whatTheDiskDidNotTakeOfAnEarlierRelayIsParkedAgain() throws IOException {
    parked.add(events.get(0));
    parked.add(events.get(1));
    parked.close();
    parked = queue.open(0);
    assertThat(parked.add(events.get(0))).isFalse();
    assertThat(parked.add(events.get(1))).isFalse();
    queue.failingCycles = 1;
    failedSync();
    assertThat(queue.sequences("t")).containsExactly(1L, 2L, 1L, 2L);
    assertThat(sync()).containsOnlyOnce("PAYLOAD");
  }

  /** All of it was kept in mind until somebody synced it, which a disk that fails never ends. */
  @Test
  void itIsSyncedBeforeTooMuchIsKeptInMind() throws IOException {
    String[] topics = new String[ParkedOutboxes.MOST_UNSYNCED + 1];
    Arrays.fill(topics, "t");
    List<InFlight> many = queue.append(topics);
    for (InFlight event : many.subList(0, ParkedOutboxes.MOST_UNSYNCED)) {
      parked.add(event);
    }
    InFlight next = many.get(ParkedOutboxes.MOST_UNSYNCED);
    assertThat(queue.syncs).doesNotContain("PAYLOAD");
    queue.failing.add(DiskStep.LISTING);
    assertThatThrownBy(() -> parked.add(next)).hasMessageContaining("not safe yet");
    queue.failing.clear();
    queue.syncs.clear();
    assertThat(parked.add(next)).isTrue();
    assertThat(queue.syncs).contains("PAYLOAD");
    assertThat(queue.sequences("t")).hasSize(topics.length);
  }

  @Test
  void whatTheDiskDidNotTakeIsParkedAgainInTheNextCycleAndOnlyThatIsSynced() throws IOException {
    parked.add(events.get(0));
    parked.sync();
    parked.add(events.get(1));
    parked.add(events.get(2));
    queue.failingCycles = 1;
    assertThat(failedSync()).containsExactly("PAYLOAD", "CREATE");

    assertThat(failedCycles()).isEqualTo(topic.cycles().subList(0, 1));
    assertThat(queue.sequences("t")).containsExactly(1L, 2L, 3L, 2L, 3L);
    assertThat(parked.add(events.get(2))).isFalse();
    assertThat(sync()).containsExactly("queue/", "LISTING", "STATE", "t/", "PAYLOAD");
    assertThat(sync()).isEmpty();
  }

  @Test
  void aSecondDiskErrorIsAsGoodAsTheFirst() throws IOException {
    parked.add(events.get(0));
    queue.failingCycles = 2;
    failedSync();
    parked.sync();
    assertThat(failedCycles()).hasSize(2);
    bringAll();
    assertThat(soundSequences()).containsExactly(1L);
    assertThat(sync()).isEmpty();
    assertThat(queue.sequences("t")).containsExactly(1L, 1L, 1L);
  }

  @Test
  void nothingIsAddedToTheFailedCycleBeforeItIsMarkedAndNothingGetsAhead() throws Exception {
    parked.add(events.get(0));
    parked.add(events.get(1));
    queue.failingCycles = 1;
    queue.whileOthersHaveTheLock(topic, this::failedSync);
    assertThat(failedCycles()).isEmpty();
    assertThat(parked.add(events.get(2))).isTrue();
    assertThat(failedCycles()).hasSize(1);
    assertThat(queue.sequences("t")).containsExactly(1L, 2L, 1L, 2L, 3L);
    assertThat(sync()).containsOnlyOnce("PAYLOAD");
  }

  @Test
  void whileAFailedCycleCannotBeMarkedWhatComesOfItsTopicIsStagedBehindWhatWasInIt()
      throws Exception {
    parked.add(events.get(0));
    queue.failingCycles = 1;
    queue.whileOthersHaveTheLock(
        topic,
        () -> {
          failedSync();
          assertThat(parked.add(events.get(1))).isTrue();
          assertThat(parked.isStaged("t")).isTrue();
          assertThat(sync()).doesNotContain("t/").contains("staged/");
          assertThat(parked.add(events.get(3))).isTrue();
          return events;
        });
    assertThat(sync()).contains("PAYLOAD", "u/");
    bringAll();
    assertThat(queue.sequences("t")).containsExactly(1L, 1L, 2L);
  }

  /** So that {@code staged/} is there, and has a name that needs no sync. */
  private void beginStaging() throws IOException {
    for (InFlight each : queue.append("o0", "o1", "o2", "o3", "o4")) {
      parked.add(each);
    }
    assertThat(parked.isStaged("o4")).isTrue();
    parked.sync();
    bringAll();
    queue.pass(Duration.ofSeconds(1));
  }

  @Test
  void anOutboxThatCannotBeSyncedHoldsUpNoPositionOnceItsEventsAreSafeInStaged()
      throws IOException {
    beginStaging();
    parked.add(events.get(0));
    parked.add(events.get(1));
    queue.failing.add(DiskStep.LISTING);
    failedSync();
    assertThat(sync()).contains("PAYLOAD"); // that of staged/
    assertThat(parked.isStaged("t")).isTrue();
    parked.add(events.get(2));
    parked.sync();
    assertThatThrownBy(this::bringAll).hasMessageContaining("topic t");
    assertThat(sync()).isEmpty();
    parked.close();
    queue.failing.clear();
    parked = queue.open(events.get(2).sequence());
    bringAll();
    assertThat(queue.sequences("t")).containsExactly(1L, 2L, 3L);
  }

  /** Each of them fails for the first time, and positions wait no second time in a row. */
  @Test
  void aDirectoryOfNamesThatCannotBeSyncedHoldsUpNoPositionThoughNewTopicsCome()
      throws IOException {
    beginStaging();
    queue.failing.add(DiskStep.LINK);
    boolean failedBefore = false;
    for (int i = 0; i < 8; i++) {
      queue.pass(Duration.ofSeconds(1)); // a few are opened in each
      parked.add(queue.append("new" + i));
      try {
        parked.sync();
        failedBefore = false;
      } catch (IOException e) {
        assertThat(failedBefore).isFalse();
        failedBefore = true;
      }
    }
    queue.failing.clear();
    bringAll();
    parked.sync();
    for (int i = 0; i < 8; i++) {
      assertThat(queue.sequences("new" + i)).hasSize(1);
    }
  }

  @Test
  void whatCouldNotBeSyncedIsBroughtOnceIfItsOutboxIsAllRightAgain() throws IOException {
    beginStaging();
    parked.add(events.get(0));
    queue.failing.add(DiskStep.LISTING);
    failedSync();
    parked.sync();
    assertThatThrownBy(this::bringAll).hasMessageContaining("topic t");
    parked.add(events.get(1));
    queue.failing.clear();
    bringAll();
    parked.add(events.get(2));
    parked.sync();
    assertThat(queue.sequences("t")).containsExactly(1L, 2L, 3L);
  }

  @Test
  void whatTheDiskOfAnOutboxNeverTakesIsSafeInStagedInItsOrder() throws IOException {
    beginStaging();
    parked.add(events.get(0));
    parked.sync();
    parked.add(events.get(1));
    queue.failingCycles = 2;
    failedSync();
    parked.add(events.get(2));
    parked.sync();
    assertThat(parked.isStaged("t")).isTrue();
    parked.close();
    parked = queue.open(events.get(2).sequence());
    bringAll();
    assertThat(queue.sequences("t").stream().distinct()).containsExactly(1L, 2L, 3L);
    assertThat(soundSequences()).containsExactly(2L, 3L);
  }

  /** Of the cycles that are not failed. */
  private List<Long> soundSequences() throws IOException {
    List<Long> all = new ArrayList<>();
    for (long cycle : topic.cycles()) {
      if (!failedCycles().contains(cycle)) {
        MainQueue.entries(topic, cycle)
            .forEach(each -> all.add(Source.of(each.record()).sequence()));
      }
    }
    return all;
  }

  /** The topic's own delivery syncs the same cycles, and may be told of the error instead. */
  @Test
  void whatSomebodyElseMarkedFailedIsParkedAgain() throws IOException {
    parked.add(events.get(0));
    markFailed(topic.cycles().get(0));
    assertThat(sync()).containsOnlyOnce("PAYLOAD");
    assertThat(queue.sequences("t")).containsExactly(1L, 1L);
    parked.add(events.get(1));
    assertThat(sync()).containsExactly("PAYLOAD");
    assertThat(queue.sequences("t")).containsExactly(1L, 1L, 2L);
  }

  /** Where its lane could not save what it has settled, and nothing more comes. */
  @Test
  void theLastRecordOfAFailedCycleStandsOnceMoreBehindIt() throws IOException {
    parked.add(events.get(0));
    parked.add(events.get(1));
    parked.sync();
    assertThat(parked.repeatLast("t")).isFalse();
    markFailed(topic.cycles().get(0));
    assertThat(parked.repeatLast("t")).isTrue();
    assertThat(parked.topic("t").appendedSequence()).isEqualTo(3);
    assertThat(parked.repeatLast("t")).isFalse();
    assertThat(queue.sequences("t")).containsExactly(1L, 2L, 2L);
    assertThat(soundSequences()).containsExactly(2L);
    assertThat(MainQueue.records(topic).get(2).eventId())
        .isEqualTo(MainQueue.records(topic).get(1).eventId());
    parked.add(events.get(2));
    parked.close();
    parked = queue.open(0);
    assertThat(parked.add(events.get(2))).isFalse();
  }

  /** It would be delivered behind what was parked later. */
  @Test
  void noEarlierRecordStandsOnceMoreWhereTheLastCannotBeRead() throws IOException {
    parked.add(events.get(0));
    parked.add(events.get(1));
    parked.sync();
    markFailed(topic.cycles().get(0));
    queue.zero(topic, 1);
    assertThatThrownBy(() -> parked.repeatLast("t")).hasMessageContaining("can't be read");
    assertThat(queue.sequences("t")).containsExactly(1L);
  }

  @Test
  void theLastRecordStandsOnceMoreAlsoWhereThatFailedBefore() throws IOException {
    parked.add(events.get(0));
    parked.sync();
    markFailed(topic.cycles().get(0));
    queue.failingWrites.add(DiskStep.PAYLOAD);
    assertThatThrownBy(() -> parked.repeatLast("t")).isInstanceOf(OutboxError.class);
    assertThat(topic.cycles()).hasSize(2);
    queue.failingWrites.clear();
    assertThat(parked.repeatLast("t")).isTrue();
    assertThat(queue.sequences("t")).containsExactly(1L, 1L);
  }

  /** A lane has it repeated on its own thread. */
  @Test
  void theLastRecordDoesNotStandOnceMoreBehindOneThatIsParkedMeanwhile() throws Exception {
    parked.add(events.get(0));
    parked.sync();
    markFailed(topic.cycles().get(0));
    FutureTask<Boolean> meanwhile = new FutureTask<>(() -> parked.add(events.get(1)));
    Thread settling = new Thread(meanwhile);
    queue.beforeNextLock =
        () -> {
          settling.start();
          while (settling.getState() != Thread.State.BLOCKED && !meanwhile.isDone()) {
            Thread.onSpinWait();
          }
        };
    assertThat(parked.repeatLast("t")).isTrue();
    assertThat(meanwhile.get(60, TimeUnit.SECONDS)).isTrue();
    assertThat(queue.sequences("t")).containsExactly(1L, 1L, 2L);
  }

  @Test
  void whatAnEarlierRelayHasStagedIsNotBroughtBeforeWhatItsOutboxDidNotTake() throws Exception {
    parked.add(events.get(0));
    parked.add(events.get(1));
    parked.sync();
    queue.whileOthersHaveTheLock(topic, () -> parked.add(events.get(2)));
    parked.sync();
    assertThat(parked.isStaged("t")).isTrue();
    parked.close();
    parked = queue.open(0);
    for (InFlight event : events.subList(0, 3)) {
      assertThat(parked.add(event)).isFalse();
    }
    queue.soundCycles = 1; // that of staged/
    queue.failingCycles = 1;
    queue.failing.add(DiskStep.CREATE);
    failedSync();
    parked.sync();
    queue.failing.clear();
    bringAll();
    assertThat(soundSequences()).containsExactly(1L, 2L, 3L);
  }

  @Test
  void whatIsInACycleThatFailedBeforeARestartIsParkedAgainOnce() throws IOException {
    parked.add(events.get(0));
    parked.close();
    markFailed(topic.cycles().get(0));
    parked = queue.open(0);
    assertThat(parked.add(events.get(0))).isTrue();
    parked.sync();
    assertThat(queue.sequences("t")).containsExactly(1L, 1L);
    parked.close();
    parked = queue.open(0);
    assertThat(parked.add(events.get(0))).isFalse();
  }

  @Test
  void aCycleThatWasDamagedBeforeCostsNoDuplicates() throws IOException {
    parked.add(events.get(0));
    parked.close();
    queue.breakEnd(topic);
    parked = queue.open(1);
    assertThat(parked.add(events.get(1))).isTrue();
    parked.sync();
    assertThat(failedCycles()).hasSize(1);
    assertThat(queue.sequences("t")).containsExactly(1L, 2L);
  }

  @Test
  void whatIsInACycleThatTurnsOutToBeDamagedIsParkedAgain() throws IOException {
    parked.add(events.get(0));
    parked.close();
    queue.breakEnd(topic);
    parked = queue.open(0);
    assertThat(parked.add(events.get(0))).isFalse();
    assertThat(parked.add(events.get(1))).isTrue();
    parked.sync();
    assertThat(queue.sequences("t")).containsExactly(1L, 2L, 1L, 2L);
  }

  @Test
  void oneTopicsDiskErrorLeavesTheOthersAlone() throws IOException {
    parked.add(events.get(0));
    parked.add(events.get(3));
    queue.failingCycles = 1;
    failedSync();
    assertThat(sync()).doesNotContain("u/").containsOnlyOnce("PAYLOAD");
    assertThat(queue.sequences("u")).containsExactly(4L);
  }

  @Test
  void aNameThatCannotBeSyncedIsTriedAgainAndNoDataIsGivenUp() throws IOException {
    parked.add(events.get(0));
    queue.failing.add(DiskStep.LINK);
    assertThat(failedSync()).doesNotContain("PAYLOAD");
    queue.failing.clear();
    assertThat(sync())
        .containsExactly("parked/", "outbox/", "queue/", "LISTING", "STATE", "t/", "PAYLOAD");
    assertThat(queue.sequences("t")).containsExactly(1L);
  }

  @Test
  void allOfManyTopicsAreSynced() throws IOException {
    int many = 2 * OpenOutboxes.MOST;
    List<InFlight> one = new ArrayList<>();
    for (int i = 0; i < many; i++) {
      one.add(queue.append("many" + i));
      queue.pass(Duration.ofSeconds(1)); // a few are opened in each
      parked.add(one.get(i));
    }
    List<String> syncs = sync();
    assertThat(Collections.frequency(syncs, "PAYLOAD")).isEqualTo(many);
    for (int i = 0; i < many; i++) {
      assertThat(syncs).contains("many" + i + "/");
    }
  }

  @Test
  void anOutboxThatSomebodyRemovedIsMadeAnewAndSynced() throws IOException {
    parked.add(events.get(0));
    parked.sync();
    try (Stream<Path> all = Files.walk(topic.root())) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
    queue.pass(Duration.ofHours(-3)); // its cycles may have been ahead of the clock
    assertThat(parked.add(events.get(1))).isTrue();
    assertThat(parked.isStaged("t")).isTrue();
    parked.sync();
    queue.syncs.clear();
    bringAll();
    assertThat(queue.syncs).contains("queue/", "t/", "parked/", "PAYLOAD");
    assertThat(parked.topics().get("t").appendedSequence()).isEqualTo(1);
    assertThat(queue.sequences("t")).containsExactly(2L);
  }
}
