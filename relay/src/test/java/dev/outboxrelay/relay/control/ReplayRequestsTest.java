package dev.outboxrelay.relay.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deadletter.Fates;
import dev.outboxrelay.relay.deadletter.LetterCount;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ReplayRequestsTest extends DeskFixture {
  @Test
  void aReplayedEventIsItsOriginalAndKnowsItsLetter() throws IOException {
    JsonNode answer = apply(replay(Selection.ALL, null));

    isOnceReplayed(paths, answer);
    OutboxRecord first = parked(paths, "a").get(0);
    assertThat(first.key()).asString().isEqualTo("k0");
    assertThat(first.value()).asString().isEqualTo("v0");
    assertThat(first.headers()).hasSize(2).startsWith(EventHeader.of("h", "1"));
    Source source = Source.of(first);
    assertThat(source.isReplay()).isTrue();
    assertThat(source.letter().number()).isEqualTo(1);
    assertThat(source.isOf(given.identity())).isTrue();
  }

  @Test
  void onlyWhatWasChosenIsTouched() throws IOException {
    Selection invalid =
        new Selection(
            Set.of("a"), Set.of(DeadLetterReason.INVALID_RECORD.label()), Set.of(), Set.of());
    assertThat(apply(replay(invalid, null)).path("replayed").asLong()).isEqualTo(1);
    assertThat(left()).containsExactly(1L, 2L, 4L);
    assertThat(apply(discard(numbers(3L, 4L))).path("discarded").asLong()).isEqualTo(1);
    assertThat(left()).containsExactly(1L, 2L);
    assertThat(apply(discard(topics("b"))).path("discarded").asLong()).isEqualTo(1);
    assertThat(left()).containsExactly(1L);
    assertThat(Fates.read(paths.deadLetters()).position().sequence()).isZero();
    assertThat(apply(discard(Selection.ALL)).path("discarded").asLong()).isEqualTo(1);
    assertThat(Fates.read(paths.deadLetters()).position().sequence()).isEqualTo(4);
    assertThat(sources(paths, "a")).containsExactly(3L);
    assertThat(OutcomesFile.read(paths.outcomes())).hasSize(1);
  }

  @Test
  void whatWasAskedForOnceIsNotDoneAgainWithWhatCameLater() throws IOException {
    Request request = replay(topics("b"), null);
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    files.submit(request);
    KillingDisk counting = KillingDisk.never();
    OutboxPaths copy = copy("counted");
    run(copy, request.id(), counting.disk());
    int answered = counting.steps.lastIndexOf("rename CONTROL");
    try {
      run(paths, request.id(), KillingDisk.at(answered, true).disk());
    } catch (KillingDisk.Killed e) {
      // All is done, and nobody was told.
    }
    given.add(OutboxEvent.of("b", "later"), DeadLetterReason.TOO_LARGE);

    JsonNode answer = run(paths, request.id(), Disk.REAL).orElseThrow();

    assertThat(answer.path("replayed").asLong()).isEqualTo(1);
    assertThat(sources(paths, "b")).containsExactly(2L);
    assertThat(Fates.read(paths.deadLetters()).of(5)).isEmpty();
  }

  @Test
  void anotherTopicTakesThemWithoutTheirPartition() throws IOException {
    given.add(OutboxEvent.builder("a").value("5").partition(7).build(), DeadLetterReason.TOO_LARGE);
    apply(replay(numbers(5L), "other"));
    OutboxRecord there = parked(paths, "other").get(0);
    assertThat(there.topic()).isEqualTo("other");
    assertThat(there.partition()).isNull();
    given.add(OutboxEvent.builder("a").value("6").partition(7).build(), DeadLetterReason.TOO_LARGE);
    apply(replay(numbers(6L), null));
    assertThat(parked(paths, "a").get(0).partition()).isEqualTo(7);
  }

  private static List<String> texts(OutboxRecord record, String name) {
    return record.headers().stream()
        .filter(header -> header.name().equals(name))
        .map(header -> new String(header.value(), java.nio.charset.StandardCharsets.UTF_8))
        .toList();
  }

  @Test
  void anotherTopicIsToldWhereTheyWereMeantToGoAtFirst() throws IOException {
    given.add(OutboxEvent.builder("a").value("5").partition(7).build(), DeadLetterReason.TOO_LARGE);
    apply(replay(numbers(5L), "other"));
    OutboxRecord first = parked(paths, "other").get(0);
    assertThat(texts(first, "outbox-original-topic")).containsExactly("a");
    assertThat(texts(first, "outbox-original-partition")).containsExactly("7");
    assertThat(Source.of(first).letter().round()).isEqualTo(1);
    OutboxPaths lane = paths.parked("other");
    given.add(lane, OutboxIdentity.find(lane).orElseThrow(), DeadLetterReason.TOO_LARGE);
    lanePosition(lane, 1);
    apply(replay(numbers(6L), "third"));
    OutboxRecord second = parked(paths, "third").get(0);
    assertThat(texts(second, "outbox-original-topic")).containsExactly("a");
    assertThat(texts(second, "outbox-original-partition")).containsExactly("7");
    assertThat(Source.of(second).letter().number()).isEqualTo(6);
    assertThat(Source.of(second).letter().round()).isEqualTo(2);
    assertThat(texts(parked(paths, "other").get(0), "outbox-original-topic")).hasSize(1);
  }

  @Test
  void ifThatIsAskedForTheyGetTheTimeOfTheReplay() throws IOException {
    long before = System.currentTimeMillis();
    given.add(
        OutboxEvent.builder("a").value("5").timestamp(1_000).build(),
        DeadLetterReason.INVALID_TIMESTAMP);
    Request request =
        new Request(
            UUID.randomUUID(), Verb.REPLAY_LETTERS, numbers(5L), null, Long.MAX_VALUE, true);
    assertThat(request.json().path("version").asInt()).isEqualTo(2); // an older relay refuses it
    assertThat(apply(request).path("replayed").asLong()).isEqualTo(1);
    OutboxRecord record = parked(paths, "a").get(0);
    assertThat(record.timestamp()).isBetween(before, System.currentTimeMillis());
    assertThat(texts(record, "outbox-timestamp")).containsExactly("1000");
    Request plain = replay(numbers(1L), null);
    assertThat(plain.json().path("version").asInt()).isEqualTo(1);
    apply(plain);
    assertThat(texts(parked(paths, "a").get(1), "outbox-timestamp")).isEmpty();
  }

  @Test
  void aTopicThatTakesNothingKeepsBackItsOwnLettersAlone() throws IOException {
    takesNothing("b");
    JsonNode answer = apply(replay(Selection.ALL, null));
    assertThat(answer.path("replayed").asLong()).isEqualTo(3);
    assertThat(answer.path("failed").asLong()).isEqualTo(1);
    assertThat(answer.path("failed_because").asText()).contains("topic b").contains("directory");
    assertThat(left()).containsExactly(2L);
    assertThat(sources(paths, "a")).containsExactly(1L, 3L, 4L);
    assertThat(OutcomesFile.outcomeOf(1, paths.outcomes())).isEqualTo(DeliveryOutcome.PARKED);
    Files.delete(paths.parked().resolve("b"));
    assertThat(apply(replay(Selection.ALL, null)).path("replayed").asLong()).isEqualTo(1);
    assertThat(left()).isEmpty();
    assertThat(sources(paths, "a")).containsExactly(1L, 3L, 4L);
  }

  @Test
  void whatNoSavedPositionCoversIsLeftForLater() throws IOException {
    saved = 2;
    JsonNode answer = apply(replay(Selection.ALL, null));
    assertThat(answer.path("replayed").asLong()).isEqualTo(2);
    assertThat(answer.path("not_settled").asLong()).isEqualTo(2);
    assertThat(left()).containsExactly(3L, 4L);
    saved = 4;
    assertThat(apply(replay(Selection.ALL, null)).path("replayed").asLong()).isEqualTo(2);
    assertThat(left()).isEmpty();
  }

  @Test
  void whatCantBeSentIsLeftWithItsReason() throws IOException {
    WriterOptions any = given.options().withLimits(WriterOptions.parked(paths).limits());
    try (QueueWriter writer = QueueWriter.open(any)) {
      writer.append(OutboxEvent.of("__consumer_offsets", "v"));
    }
    given.add(paths, given.identity(), DeadLetterReason.INTERNAL_TOPIC);
    JsonNode answer = apply(replay(numbers(5L), null));
    assertThat(answer.path("refused").asLong()).isEqualTo(1);
    assertThat(answer.path("refused_because").asText()).contains("__consumer_offsets");
    assertThat(apply(replay(numbers(5L), "other")).path("replayed").asLong()).isEqualTo(1);
  }

  @Test
  void whatALaneGaveUpIsReplayedAsTheEventThatItWas() throws IOException {
    apply(replay(numbers(2L), null));
    OutboxPaths lane = paths.parked("b");
    given.add(lane, OutboxIdentity.find(lane).orElseThrow(), DeadLetterReason.TOO_LARGE);
    Request again = replay(numbers(5L), null);
    assertThat(apply(again).path("not_settled").asLong()).isEqualTo(1);
    lanePosition(lane, 1);

    assertThat(apply(replay(numbers(5L), null)).path("replayed").asLong()).isEqualTo(1);

    List<OutboxRecord> there = parked(paths, "b");
    assertThat(there).hasSize(2);
    assertThat(there.get(1).headers()).hasSize(2);
    Source source = Source.of(there.get(1));
    assertThat(source.sequence()).isEqualTo(2);
    assertThat(source.letter().number()).isEqualTo(5);
  }

  @Test
  void lettersOfAnEarlierLifeAreReplayedAndNobodyIsTold() throws IOException {
    try (var files = Files.newDirectoryStream(paths.queue())) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    Files.delete(paths.state());
    QueueWriter.open(given.options()).close();
    saved = 1;
    assertThat(apply(replay(Selection.ALL, null)).path("replayed").asLong()).isEqualTo(4);
    assertThat(OutcomesFile.read(paths.outcomes())).isEmpty();
    assertThat(Source.of(parked(paths, "b").get(0)).isOf(given.identity())).isFalse();
  }

  @Test
  void withoutDeadLettersThereIsNothingToDo() throws IOException {
    GivenUp empty = new GivenUp(directory.resolve("empty"));
    QueueWriter.open(empty.options()).close();
    paths = empty.paths;
    assertThat(apply(discard(Selection.ALL)).path("discarded").asLong()).isZero();
  }

  @Test
  void aDeadLetterOfWhatTheMainQueueHasLostIsReplayedAndNobodyIsTold() throws IOException {
    saved = 50;
    OutboxPaths lane = parkLost("lost", 99);
    given.add(lane, OutboxIdentity.find(lane).orElseThrow(), DeadLetterReason.TOO_LARGE);
    lanePosition(lane, 1);
    assertThat(apply(replay(numbers(5L), null)).path("replayed").asLong()).isEqualTo(1);
    Source source = Source.of(parked(paths, "lost").get(1));
    assertThat(source.isReplay()).isTrue();
    assertThat(source.isOf(given.identity())).isFalse();
    assertThat(OutcomesFile.read(paths.outcomes())).isEmpty();
  }

  private void damage(Path position) throws IOException {
    byte[] bytes = Files.readAllBytes(position);
    bytes[40] ^= 1;
    bytes[4096 + 40] ^= 1;
    Files.write(position, bytes);
  }

  @Test
  void aPositionOfTheLettersThatIsDamagedOrForeignForgetsNothing() throws IOException {
    apply(replay(numbers(1L, 3L), null));
    Path position = paths.deadLetters().position();
    byte[] good = Files.readAllBytes(position);
    damage(position);
    assertThat(left()).containsExactly(2L, 4L);
    assertThat(apply(replay(Selection.ALL, null)).path("error").asText())
        .contains("relay.position", "remove it");
    GivenUp other = new GivenUp(directory.resolve("other"));
    other.four();
    OutboxPaths mine = paths;
    paths = other.paths;
    apply(discard(topics("a")));
    paths = mine;
    Files.copy(other.paths.deadLetters().position(), position, StandardCopyOption.REPLACE_EXISTING);
    Files.setAttribute(position, "unix:mode", 0660);
    assertThat(apply(replay(Selection.ALL, null)).path("error").asText()).contains("of outbox");
    assertThat(sources(paths, "a")).containsExactly(1L, 3L);
    Files.write(position, good);
    assertThat(apply(replay(Selection.ALL, null)).path("replayed").asLong()).isEqualTo(2);
    assertThat(sources(paths, "a")).containsExactly(1L, 3L, 4L);
  }

  /** A power cut keeps the synced queue, and an older state. */
  @Test
  void lettersOfWhichTheStateDoesNotKnowAreThere() throws IOException {
    GivenUp other = new GivenUp(directory.resolve("other"));
    paths = other.paths;
    other.add(OutboxEvent.of("a", "1"), DeadLetterReason.TOO_LARGE);
    Path state = paths.deadLetters().state();
    byte[] before = Files.readAllBytes(state);
    other.add(OutboxEvent.of("a", "2"), DeadLetterReason.TOO_LARGE);
    other.add(OutboxEvent.of("a", "3"), DeadLetterReason.TOO_LARGE);
    Files.write(state, before);

    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(3);
    assertThat(apply(replay(Selection.ALL, null)).path("replayed").asLong()).isEqualTo(3);
    assertThat(new OutboxReader(paths.deadLetters()).status().lagEvents()).isZero();
    assertThat(StateFile.read(state).orElseThrow().nextSequence()).isEqualTo(4);
  }

  @Test
  void lettersThatCameSinceTheRequestAreNotMeant() throws IOException {
    UUID id = UUID.randomUUID();
    JsonNode answer = apply(new Request(id, Verb.DISCARD_LETTERS, Selection.ALL, null, 3));
    assertThat(answer.path("discarded").asLong()).isEqualTo(3);
    assertThat(answer.path("up_to").asLong()).isEqualTo(3);
    assertThat(left()).containsExactly(4L);
  }
}
