package dev.outboxrelay.relay.park;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deliver.InFlight;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** While a topic can't be written, what is staged of it keeps no more files than it needs. */
class RestagingTest {
  private static final int HOURS = 12;

  @TempDir private Path directory;
  private MainQueue queue;
  private OutboxPaths staged;
  private Path place;
  private ParkedOutboxes parked;
  private final List<InFlight> events = new ArrayList<>();

  @BeforeEach
  void begin() throws IOException {
    queue = new MainQueue(directory.resolve("outbox"));
    staged = queue.paths.staged();
    place = queue.paths.parked("bad").root();
    add("o0", "o1", "o2", "o3"); // no more is opened in this second
    parked.sync();
    Files.createSymbolicLink(place, directory);
  }

  @AfterEach
  void close() throws IOException {
    parked.close();
  }

  private void add(String... topics) throws IOException {
    List<InFlight> more = queue.append(topics);
    events.addAll(more);
    if (parked == null) {
      parked = queue.open(0);
    }
    for (InFlight event : more) {
      parked.add(event);
    }
  }

  private List<String> bring(int most) {
    List<String> errors = new ArrayList<>();
    for (int i = 0; i < most && parked.hasStaged(); i++) {
      try {
        parked.bring();
      } catch (IOException | OutboxError e) {
        errors.add(e + Arrays.toString(e.getSuppressed()));
      }
    }
    return errors;
  }

  /** Events of some topics in a new cycle; what is of bad ones can't be brought. */
  private void anHour(String... topics) throws IOException {
    queue.nextHour();
    add("p0", "p1", "p2", "p3");
    add(topics);
    parked.sync();
    assertThat(bring(100)).isNotEmpty();
  }

  private void restart() throws IOException {
    parked.close();
    parked = queue.open(events.get(events.size() - 1).sequence());
  }

  private void heal() throws IOException {
    queue.failing.clear();
    Files.deleteIfExists(place);
    bring(1000);
    assertThat(parked.hasStaged()).isFalse();
  }

  private void assertBrought() throws IOException {
    for (String topic : events.stream().map(InFlight::topic).collect(Collectors.toSet())) {
      assertThat(queue.sequences(topic).stream().distinct())
          .as(topic)
          .containsExactlyElementsOf(
              events.stream()
                  .filter(event -> event.topic().equals(topic))
                  .map(InFlight::sequence)
                  .toList());
    }
  }

  @Test
  void aTopicThatCannotBeWrittenKeepsFewFiles() throws IOException {
    int bad = 0;
    for (int hour = 0; hour < HOURS; hour++) {
      anHour(topicsOf(hour));
      bad += hour % 4 == 0 ? 2 : 0;
      assertThat(parked.topic("bad").heldEvents()).as("hour %s", hour).isEqualTo(bad);
      assertThat(parked.isStaged("bad")).isTrue();
    }
    assertThat(staged.cycles()).hasSizeLessThanOrEqualTo(3);
    assertThat(parked.held().events()).isEqualTo(events.size());
    restart();
    heal();
    assertThat(queue.sequences("bad")).doesNotHaveDuplicates();
    assertBrought();
  }

  /** New ones, more than get an outbox at once. */
  private static String[] topicsOf(int hour) {
    Stream<String> good = IntStream.range(0, 10).mapToObj(i -> "h" + hour + "-" + i);
    Stream<String> bad = hour % 4 == 0 ? Stream.of("bad", "bad") : Stream.of();
    return Stream.concat(good, bad).toArray(String[]::new);
  }

  /** A power cut takes an event from the main queue after it was staged. */
  private InFlight loseOne(String topic) throws IOException {
    List<Long> cycles = queue.paths.cycles();
    Path cycle = queue.paths.cycle(cycles.get(cycles.size() - 1));
    byte[] state = Files.readAllBytes(queue.paths.state());
    Path before = Files.copy(cycle, directory.resolve("before-" + UUID.randomUUID()));
    InFlight lost = queue.append(topic);
    parked.add(lost);
    parked.sync();
    parked.close();
    Files.write(queue.paths.state(), state);
    Files.delete(cycle);
    Files.move(before, cycle);
    Files.setAttribute(cycle, "unix:mode", 0660);
    parked = queue.open(lost.sequence() - 1);
    return lost;
  }

  private List<UUID> ids(String topic) throws IOException {
    return queue.parked(topic).stream().map(OutboxRecord::eventId).toList();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void norDoesOneThatHasAnEventThatAPowerCutTookFromItsQueue(boolean restarts) throws IOException {
    add("bad");
    InFlight lost = loseOne("bad");
    add("bad"); // which gets its sequence
    assertThat(events.get(events.size() - 1).sequence()).isEqualTo(lost.sequence());
    for (int hour = 0; hour < HOURS; hour++) {
      anHour(topicsOf(hour));
      if (restarts && hour == HOURS / 2) {
        restart();
      }
    }
    assertThat(staged.cycles()).hasSizeLessThanOrEqualTo(3);
    heal();
    List<UUID> expected =
        new ArrayList<>(
            events.stream()
                .filter(event -> event.topic().equals("bad"))
                .map(InFlight::eventId)
                .toList());
    expected.add(lost.eventId());
    assertThat(ids("bad")).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void nothingIsWrittenAgainWhileThatFreesNothing() throws IOException {
    for (int hour = 0; hour < HOURS; hour++) {
      anHour("bad", "bad", "bad", "bad", "bad", "t0");
    }
    long before = Files.size(staged.cycle(staged.cycles().get(0)));
    assertThat(staged.cycles()).hasSize(HOURS);
    queue.syncs.clear();
    bring(200);
    assertThat(queue.syncs).doesNotContain("PAYLOAD");
    assertThat(Files.size(staged.cycle(staged.cycles().get(0)))).isEqualTo(before);
    heal();
    assertBrought();
  }

  /** Of a cycle that can't be synced all is added again, there and behind it. */
  @ParameterizedTest
  @EnumSource(
      value = DiskStep.class,
      names = {"POSITION", "PAYLOAD", "LINK", "STATE"})
  void whatFailsAfterSomeWasAddedAgainLosesNothingAndNothingIsParkedTwice(DiskStep step)
      throws IOException {
    for (int round = 0; round < 3; round++) {
      anHour("bad", "t0", "t1", "bad");
      anHour("bad", "t0", "t1", "t2", "t3", "t4");
      queue.nextHour();
      add("p0", "p1", "p2", "p3", "t0", "t1", "t2", "bad", "t3");
      parked.sync();
      queue.failing.add(step);
      bring(100);
      if (round != 1) {
        restart();
      }
      bring(50);
      queue.failing.clear();
      bring(50);
    }
    heal();
    restart();
    assertThat(parked.hasStaged()).isFalse();
    assertBrought();
    if (step != DiskStep.PAYLOAD) {
      assertThat(queue.sequences("bad")).doesNotHaveDuplicates();
      assertThat(queue.sequences("t0")).doesNotHaveDuplicates();
    }
  }

  /** The position and its files are as they were before, as if it had come no further. */
  private void bringAndDieBeforeThePosition() throws IOException {
    byte[] position =
        Files.exists(staged.position()) ? Files.readAllBytes(staged.position()) : null;
    Path kept = Files.createDirectory(directory.resolve("kept-" + UUID.randomUUID()));
    List<Path> cycles = staged.cycles().stream().map(staged::cycle).toList();
    for (Path each : cycles) {
      Files.copy(each, kept.resolve(each.getFileName().toString()));
    }
    bring(60);
    if (position == null) {
      Files.deleteIfExists(staged.position());
    } else {
      Files.write(staged.position(), position);
    }
    for (Path each : cycles) {
      if (!Files.exists(each)) {
        Files.copy(kept.resolve(each.getFileName().toString()), each);
        Files.setAttribute(each, "unix:mode", 0660);
      }
    }
    restart();
  }

  @Test
  void whatAKillOnTheWayHasLeftTwiceIsNotStagedTwiceForEver() throws IOException {
    for (int hour = 0; hour < 4; hour++) {
      queue.nextHour();
      add("p0", "p1", "p2", "p3");
      add(topicsOf(hour));
      parked.sync();
      bringAndDieBeforeThePosition();
    }
    assertThat(parked.topic("bad").heldEvents()).isGreaterThan(4);
    for (int hour = 1; hour < 4; hour++) {
      anHour(topicsOf(hour));
    }
    // Its own outbox can't be read, and counts as one.
    assertThat(parked.topic("bad").heldEvents()).isEqualTo(2 + 1);
    heal();
    assertThat(queue.sequences("bad")).doesNotHaveDuplicates();
    assertBrought();
  }
}
