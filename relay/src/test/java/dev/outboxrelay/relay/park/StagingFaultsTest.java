package dev.outboxrelay.relay.park;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is staged when something fails, or comes again: once each, in order, and nobody waits. */
class StagingFaultsTest {
  @TempDir private Path directory;
  private MainQueue queue;

  /** Whose outboxes are opened at once; all others' are staged, as no second passes. */
  private List<InFlight> opened;

  private ParkedOutboxes parked;

  @BeforeEach
  void begin() throws IOException {
    queue = new MainQueue(directory.resolve("outbox"));
    opened = queue.append("o0", "o1", "o2", "o3");
    parked = queue.open(0);
    add(opened);
    parked.sync();
  }

  @AfterEach
  void close() throws IOException {
    parked.close();
  }

  private void add(List<InFlight> events) throws IOException {
    for (InFlight event : events) {
      parked.add(event);
    }
  }

  private List<InFlight> append(int count, int topics) throws IOException {
    return queue.append(
        IntStream.range(0, count).mapToObj(i -> "t" + i % topics).toArray(String[]::new));
  }

  private List<InFlight> stage(int count, int topics) throws IOException {
    List<InFlight> events = append(count, topics);
    add(events);
    parked.sync();
    return events;
  }

  private void restart(long settled) throws IOException {
    parked.close();
    parked = queue.open(settled);
  }

  /** As the settling thread does; returns what failed. */
  private List<String> bring(int most) {
    List<String> errors = new ArrayList<>();
    for (int i = 0; i < most && parked.hasStaged(); i++) {
      try {
        parked.bring();
      } catch (IOException | OutboxError e) {
        errors.add(e.toString());
      }
    }
    return errors;
  }

  private Path putLink(String topic) throws IOException {
    return Files.createSymbolicLink(queue.paths.parked(topic).root(), directory);
  }

  private void removeStaged() throws IOException {
    try (Stream<Path> all = Files.walk(queue.paths.staged().root())) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }

  private static List<Long> of(List<InFlight> events, String topic) {
    return events.stream().filter(e -> e.topic().equals(topic)).map(InFlight::sequence).toList();
  }

  private void assertBrought(List<InFlight> events, String... topics) throws IOException {
    for (String topic : topics) {
      assertThat(queue.sequences(topic)).as(topic).isEqualTo(of(events, topic));
    }
  }

  /** In cycles that are not marked failed. */
  private List<Long> sound(OutboxPaths paths) throws IOException {
    List<Long> failed = StateFile.read(paths.state()).orElseThrow().failedCycles();
    List<Long> sequences = new ArrayList<>();
    for (long cycle : paths.cycles()) {
      if (!failed.contains(cycle)) {
        for (var entry : MainQueue.entries(paths, cycle)) {
          sequences.add(Source.of(entry.record()).sequence());
        }
      }
    }
    return sequences;
  }

  @Test
  void whatFailsInOneTurnIsNotOvertakenByWhatIsReadInTheNext() throws IOException {
    List<InFlight> events = stage(5000, 3);
    Path link = putLink("t1");
    assertThat(bring(3)).isEmpty(); // told when all others were brought
    Files.delete(link);
    assertThat(bring(1000)).isNotEmpty();
    assertBrought(events, "t0", "t1", "t2");
  }

  @Test
  void nothingIsBroughtBeforeWhatStandsInACycleThatCannotBeOpened() throws IOException {
    List<InFlight> events = new ArrayList<>(stage(30, 3));
    queue.nextHour();
    events.addAll(stage(30, 3));
    OutboxPaths staged = queue.paths.staged();
    Path cycle = staged.cycle(staged.cycles().get(0));
    Path aside = Files.move(cycle, directory.resolve("aside"));
    Files.createSymbolicLink(cycle, aside);
    assertThat(bring(12)).isNotEmpty();
    Files.delete(cycle);
    Files.move(aside, cycle);
    bring(1000);
    assertBrought(events, "t0", "t1", "t2");
  }

  @Test
  void afterARestartACycleThatFailedBeforeFailsNothing() throws IOException {
    List<InFlight> events = append(3000, 2);
    add(events);
    queue.failingCycles = 1;
    assertThatCode(parked::sync).isInstanceOf(IOException.class);
    parked.sync();
    restart(0);
    add(opened);
    add(events);
    assertThatCode(parked::sync).doesNotThrowAnyException();
    assertThat(bring(1000)).isEmpty();
    assertBrought(events, "t0", "t1");
  }

  @Test
  void whatIsHurriedOrGivenUpFirstIsBroughtOnce() throws IOException {
    List<InFlight> events = stage(30, 3);
    parked.hurry("t1");
    parked.bring();
    restart(0);
    parked.bringAll("t0");
    bring(1000);
    assertBrought(events, "t0", "t1", "t2");
  }

  @Test
  void whileNamesOrStateCannotBeSyncedNothingIsAddedTwiceAndFewFilesAreOpen() throws IOException {
    List<InFlight> events = stage(300, 300);
    for (DiskStep step : List.of(DiskStep.LINK, DiskStep.STATE)) {
      queue.failing.add(step);
      long before = descriptors();
      assertThat(bring(150)).isNotNull();
      assertThat(descriptors() - before).isLessThan(10L * OpenOutboxes.MOST);
      queue.failing.clear();
    }
    bring(2000);
    assertBrought(events, events.stream().map(InFlight::topic).toArray(String[]::new));
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    }
  }

  @Test
  void whatATopicsDiskHasNotTakenIsAddedAgainOnce() throws IOException {
    List<InFlight> events = stage(30, 3);
    queue.failingCycles = 1;
    bring(1000);
    assertThat(parked.hasStaged()).isFalse();
    assertThat(sound(queue.paths.parked("t0"))).isEqualTo(of(events, "t0"));
  }

  @Test
  void whatIsAskedForInTheMidstAfterARestartHasTheRestLookedForToo() throws IOException {
    List<InFlight> events = stage(6, 2);
    parked.bring(); // of one topic; the position is not saved
    restart(events.get(2).sequence());
    add(events.subList(3, 6));
    bring(1000);
    assertBrought(events, "t0", "t1");
  }

  @Test
  void whatStandsInItsOutboxComesAgainBeforeWhatWasStagedBehindIt() throws IOException {
    restart(0);
    add(queue.append("p0", "p1", "p2", "p3")); // no more is opened in this second
    List<InFlight> events = new ArrayList<>(List.of(opened.get(0)));
    events.addAll(queue.append("o0", "o0"));
    add(events.subList(1, 3));
    assertThat(parked.isStaged("o0")).isTrue();
    parked.sync();
    restart(0);
    queue.pass(Duration.ofSeconds(5));
    bring(1000);
    add(events);
    bring(1000);
    assertBrought(events, "o0");
  }

  @Test
  void whatAnEarlierRunStagedInACycleThatFailsNowIsStagedAgain() throws IOException {
    List<InFlight> events = append(2, 1);
    add(events);
    restart(0);
    add(opened);
    parked.add(events.get(0));
    queue.failingCycles = 1;
    assertThatCode(parked::sync).isInstanceOf(IOException.class);
    parked.add(events.get(1));
    parked.sync();
    assertThat(sound(queue.paths.staged())).isEqualTo(of(events, "t0"));
    bring(1000);
    assertThat(queue.sequences("t0")).isEqualTo(of(events, "t0"));
  }

  @Test
  void whatAnEarlierGenerationStagedIsBroughtOnceThoughOthersStandBehindIt() throws IOException {
    stage(6, 2);
    parked.close();
    OutboxIdentity now = queue.identity();
    OutboxIdentity next = new OutboxIdentity(now.outbox(), now.generation() + 1);
    OpenSlots slots = new OpenSlots(OpenOutboxes.MOST);
    parked = ParkedOutboxes.open(queue.paths, next, 0, queue.options(), slots);
    add(append(2, 2));
    parked.sync();
    parked.bring(); // of one topic; the position is not saved
    List<Long> brought = queue.sequences("t0");
    assertThat(brought).hasSize(4);
    parked.close();
    parked = ParkedOutboxes.open(queue.paths, next, 0, queue.options(), slots);
    bring(1000);
    assertThat(queue.sequences("t0")).isEqualTo(brought);
  }

  @Test
  void whatIsGivenUpAsDamagedOrGoneIsParkedIfItComesAgain() throws IOException {
    List<InFlight> events = append(30, 3);
    add(events); // and not synced: the main position is before all of them
    restart(0);
    queue.zero(queue.paths.staged(), 1);
    bring(1000);
    add(opened);
    add(events);
    bring(1000);
    assertThat(queue.sequences("t1")).containsAll(of(events, "t1"));

    List<InFlight> more = append(30, 3);
    add(more);
    restart(0);
    removeStaged();
    bring(1000);
    add(more);
    parked.sync();
    bring(1000);
    assertThat(queue.sequences("t1")).containsAll(of(more, "t1"));
  }

  @Test
  void aTopicThatCannotBeMadeHoldsUpNoOtherHoweverOftenItsLaneWaits() throws IOException {
    stage(30, 3);
    putLink("t1");
    for (int i = 0; i < 100; i++) {
      parked.hurry("t1");
      bring(1);
    }
    assertThat(parked.isStaged("t0")).isFalse();
    assertThat(parked.isStaged("t2")).isFalse();
  }

  @Test
  void whatIsInATopicsPlaceHoldsUpNoSyncAndNoOtherEvent() throws IOException {
    stage(30, 3);
    Files.createFile(queue.paths.parked("t1").root());
    assertThat(bring(10)).isNotEmpty();
    parked.add(queue.append("o0"));
    assertThatCode(parked::sync).doesNotThrowAnyException();
    restart(0);
    add(queue.append("p0", "p1", "p2", "p3")); // no more is opened in this second
    add(queue.append("t1", "good"));
    assertThatCode(parked::sync).doesNotThrowAnyException();
  }

  @Test
  void beyondTheLimitIsStagedWhatCannotBeBrought() throws IOException {
    Path link = putLink("bad");
    String[] bad = new String[(int) Staging.MOST_EVENTS];
    Arrays.fill(bad, "bad");
    List<InFlight> events = new ArrayList<>(queue.append(bad));
    add(events);
    events.add(queue.append("good"));
    events.add(queue.append("bad"));
    add(events.subList(bad.length, bad.length + 2));
    Files.delete(link);
    bring(1000);
    assertBrought(events, "bad", "good");
  }

  @Test
  void whatWasHurriedToTheEndIsSettledAndCountedOnce() throws IOException {
    List<InFlight> events = stage(9, 3);
    for (int i = 0; i < 3; i++) {
      parked.hurry("t" + i);
    }
    bring(1000);
    long held = parked.held().bytes();
    parked.settled("o0"); // counts anew
    assertThat(parked.held().bytes()).isEqualTo(held);
    assertThat(ParkedFiles.read(queue.paths).events()).isEqualTo(9 + 4);
    restart(events.get(8).sequence());
    assertThat(parked.hasStaged()).isFalse();
    InFlight next = queue.append("t0");
    parked.add(next);
    bring(1000);
    long own = queue.parked("t0").get(3).sequence();
    assertThat(parked.isLost("t0", own, next.sequence())).isFalse();
  }

  @Test
  void fromOutsideTheAgeOfWhatIsStagedIsSeenThoughItsOutboxIsEmpty() throws IOException {
    queue.savePosition("o0", 1); // all was delivered
    restart(0);
    add(queue.append("p0", "p1", "p2", "p3")); // no more is opened in this second
    parked.add(queue.append("o0"));
    AtomicReference<OptionalLong> age = new AtomicReference<>();
    ParkedFiles.each(
        queue.paths,
        (topic, oldest) -> {
          if (topic.name().equals("o0")) {
            age.set(oldest);
          }
        });
    assertThat(age.get()).isPresent();
  }

  @Test
  void whileThePositionCannotBeSavedNothingIsBroughtTwice() throws IOException {
    List<InFlight> events = stage(30, 3);
    queue.failing.add(DiskStep.POSITION);
    assertThat(bring(20)).isNotEmpty();
    restart(0); // where it may be there all the same
    bring(20);
    queue.failing.clear();
    bring(1000);
    assertThat(parked.hasStaged()).isFalse();
    assertBrought(events, "t0", "t1", "t2");
  }
}
