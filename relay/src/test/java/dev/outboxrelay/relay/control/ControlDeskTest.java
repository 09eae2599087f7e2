package dev.outboxrelay.relay.control;

import static java.nio.file.StandardCopyOption.COPY_ATTRIBUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Fates;
import dev.outboxrelay.relay.deadletter.LetterCount;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Discard;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.park.OpenSlots;
import dev.outboxrelay.relay.park.ParkedOutboxes;
import dev.outboxrelay.relay.settle.Chores;
import dev.outboxrelay.relay.settle.Outcomes;
import dev.outboxrelay.relay.tail.Source;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlDeskTest {
  private static final long SECOND = 1_000_000_000L;

  @TempDir private Path directory;
  private GivenUp given;
  private OutboxPaths paths;
  private long saved = 100;
  private Exception failure;
  private int laneRuns;
  private OptionalLong mostLetters = OptionalLong.empty();
  private final List<Fact> facts = new ArrayList<>();
  private int unlocked;
  private boolean othersGoOn;

  @BeforeEach
  void begin() throws IOException {
    given = new GivenUp(directory.resolve("outbox"));
    paths = given.paths;
    given.four();
  }

  private static Request replay(Selection selection, String topic) {
    return new Request(UUID.randomUUID(), Verb.REPLAY_LETTERS, selection, topic);
  }

  private static Request discard(Selection selection) {
    return new Request(UUID.randomUUID(), Verb.DISCARD_LETTERS, selection, null);
  }

  private static Selection topics(String... topics) {
    return new Selection(Set.of(topics), Set.of(), Set.of(), Set.of());
  }

  private static Selection numbers(Long... numbers) {
    return new Selection(Set.of(), Set.of(), Set.of(), Set.of(numbers));
  }

  /** What applies requests. */
  private final class Desk implements Closeable {
    private final Outcomes outcomes;
    private final ParkedOutboxes parked;
    private final Workplace place;
    private final ControlDesk desk;

    Desk(OutboxPaths outbox, Disk disk) throws IOException {
      WriterOptions options = WriterOptions.of(outbox).withTrustParent(true).withDisk(disk);
      OutboxIdentity identity = OutboxIdentity.find(outbox).orElseThrow();
      outcomes = Outcomes.open(outbox, saved, disk);
      parked = ParkedOutboxes.open(outbox, identity, saved, options, new OpenSlots(32));
      place =
          new Workplace(
              outbox,
              identity,
              options,
              () -> saved,
              outcomes,
              parked,
              ControlDeskTest.this::lock,
              mostLetters);
      desk = new ControlDesk(place, new Told(), 0);
      desk.begin();
    }

    @Override
    public void close() throws IOException {
      try (outcomes;
          parked;
          desk) {
        // The desk first.
      }
    }
  }

  private final class Told implements Chores.Report {
    @Override
    public void failed(Exception error) {
      failure = error;
    }

    @Override
    public void done() {
      failure = null;
    }

    @Override
    public void tell(Fact fact) {
      facts.add(fact);
    }
  }

  /** A relay that runs until the request is answered, is killed, or gets no further. */
  private Optional<JsonNode> run(OutboxPaths outbox, UUID id, Disk disk) throws IOException {
    try (Desk opened = new Desk(outbox, disk)) {
      ControlDesk desk = opened.desk;
      long nanos = 0;
      for (int turns = 0; turns < 60; turns++) {
        nanos += SECOND;
        while (desk.work(nanos) > 0) {
          // Until nothing is left.
        }
        Optional<JsonNode> answer = new ControlFiles(outbox, Disk.REAL).answer(id);
        if (answer.isPresent() && (othersGoOn || desk.work(nanos + SECOND) == 0)) {
          assertThat(opened.parked.holdsLane("a")).isFalse();
          return answer;
        }
      }
      return Optional.empty();
    }
  }

  private Closeable lock(OutboxPaths lane) {
    return laneRuns-- > 0 ? null : () -> unlocked++;
  }

  private JsonNode apply(Request request) throws IOException {
    new ControlFiles(paths, Disk.REAL).submit(request);
    return run(paths, request.id(), Disk.REAL).orElseThrow();
  }

  private static List<OutboxRecord> parked(OutboxPaths outbox, String topic) throws IOException {
    OutboxPaths parked = outbox.parked(topic);
    List<OutboxRecord> records = new ArrayList<>();
    for (long cycle : parked.cycles()) {
      try (CycleReader reader =
          CycleReader.open(parked.cycle(cycle), OutboxIdentity.outboxOf(parked))) {
        for (CycleStep step = reader.next(true);
            step instanceof CycleStep.Event event;
            step = reader.next(true)) {
          records.add(event.found().record());
        }
      }
    }
    return records;
  }

  private static List<Long> sources(OutboxPaths outbox, String topic) throws IOException {
    return parked(outbox, topic).stream().map(record -> Source.of(record).sequence()).toList();
  }

  private List<Long> left() throws IOException {
    Fates fates = Fates.read(paths.deadLetters());
    return List.of(1L, 2L, 3L, 4L).stream().filter(n -> fates.of(n).isEmpty()).toList();
  }

  private static void isOnceReplayed(OutboxPaths outbox, JsonNode answer) throws IOException {
    assertThat(answer.path("replayed").asLong()).isEqualTo(4);
    assertThat(answer.path("discarded").asLong()).isZero();
    assertThat(sources(outbox, "a")).containsExactly(1L, 3L, 4L);
    assertThat(sources(outbox, "b")).containsExactly(2L);
    Fates fates = Fates.read(outbox.deadLetters());
    for (long number = 1; number <= 4; number++) {
      assertThat(fates.of(number)).contains(Fate.REPLAYED);
      assertThat(OutcomesFile.outcomeOf(number, outbox.outcomes()))
          .isEqualTo(DeliveryOutcome.PARKED);
    }
    assertThat(fates.of(5)).isEmpty();
    ControlFiles files = new ControlFiles(outbox, Disk.REAL);
    assertThat(files.hasOpen()).isFalse();
    assertThat(PositionFile.find(outbox.deadLetters().position()).orElseThrow().sequence())
        .isEqualTo(4);
  }

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
  void whateverIsKilledWhenNothingIsDoneTwiceAndNothingIsMissing() throws IOException {
    Request request = replay(Selection.ALL, null);
    new ControlFiles(paths, Disk.REAL).submit(request);
    int changes = changesOf(request, "counted");
    assertThat(changes).isGreaterThan(40);
    for (int at = 0; at < changes; at++) {
      for (boolean before : new boolean[] {true, false}) {
        OutboxPaths copy = copy("killed");
        try {
          run(copy, request.id(), KillingDisk.at(at, before).disk());
        } catch (KillingDisk.Killed e) {
          // as it should be
        }
        isOnceReplayed(copy, run(copy, request.id(), Disk.REAL).orElseThrow());
        delete(copy.root());
      }
    }
  }

  @Test
  void inMemoryAKillAsALetterWasWrittenHoldsUpNoRequest() throws IOException {
    Path memory = Path.of("/dev/shm");
    assumeThat(Files.isWritable(memory) && Files.getFileStore(memory).type().equals("tmpfs"))
        .isTrue();
    Path root = Files.createTempDirectory(memory, "outbox");
    try {
      given = new GivenUp(root.resolve("outbox"));
      paths = given.paths;
      given.four();
      byte[] before = Files.readAllBytes(paths.deadLetters().state());
      given.add(OutboxEvent.of("a", "v"), DeadLetterReason.TOO_LARGE);
      Files.write(paths.deadLetters().state(), before);

      assertThat(apply(discard(Selection.ALL)).path("discarded").asLong()).isEqualTo(5);
    } finally {
      delete(root);
    }
  }

  @Test
  void twoKillsAreNoWorse() throws IOException {
    Request request = replay(Selection.ALL, null);
    new ControlFiles(paths, Disk.REAL).submit(request);
    int changes = changesOf(request, "counted");
    for (int at = 0; at < changes; at += 3) {
      OutboxPaths copy = copy("killed");
      for (int second : new int[] {at, at / 2}) {
        try {
          run(copy, request.id(), KillingDisk.at(second, false).disk());
        } catch (KillingDisk.Killed e) {
          // as it should be
        }
      }
      isOnceReplayed(copy, run(copy, request.id(), Disk.REAL).orElseThrow());
      delete(copy.root());
    }
  }

  @Test
  void whateverFailsIsTriedAgain() throws IOException {
    Request request = discard(topics("a"));
    new ControlFiles(paths, Disk.REAL).submit(request);
    int changes = changesOf(request, "counted");
    for (int at = 0; at < changes; at++) {
      OutboxPaths copy = copy("failing");
      JsonNode answer = run(copy, request.id(), KillingDisk.failingAt(at).disk()).orElseThrow();
      assertThat(answer.path("discarded").asLong()).isEqualTo(3);
      assertThat(failure).isNull();
      delete(copy.root());
    }
  }

  /** The second one took the same letters up while the first one waited to be tried again. */
  @Test
  void whatOneRequestHasHalfDoneNoOtherTouches() throws IOException {
    Request first = new Request(new UUID(0, 1), Verb.REPLAY_LETTERS, Selection.ALL, null);
    new ControlFiles(paths, Disk.REAL).submit(first);
    int changes = changesOf(first, "counted");
    othersGoOn = true;
    for (Verb verb : List.of(Verb.REPLAY_LETTERS, Verb.DISCARD_LETTERS, Verb.DISCARD_PARKED)) {
      String topic = verb == Verb.DISCARD_PARKED ? "a" : null;
      Request second = new Request(new UUID(0, 2), verb, Selection.ALL, topic);
      for (int at = 0; at < changes; at++) {
        OutboxPaths copy = copy("failing");
        new ControlFiles(copy, Disk.REAL).submit(second);
        String where = verb + ", change " + at;
        assertThat(run(copy, second.id(), KillingDisk.failingAt(at).disk()))
            .describedAs("%s: %s", where, failure)
            .isPresent();
        Optional<JsonNode> done = run(copy, first.id(), Disk.REAL);
        assertThat(done).describedAs("%s: %s", where, failure).isPresent();
        if (hasNoFailedCycle(copy.parked("a"))) { // what was there is written once more
          assertThat(sources(copy, "a")).describedAs(where).doesNotHaveDuplicates();
        }
        Fates fates = Fates.read(copy.deadLetters());
        boolean moved = done.get().path("replayed").asLong() > 0 || verb == Verb.REPLAY_LETTERS;
        assertThat(fates.of(1)).contains(moved ? Fate.REPLAYED : Fate.DISCARDED);
        assertThat(OutcomesFile.outcomeOf(1, copy.outcomes()) == DeliveryOutcome.PARKED)
            .describedAs(where)
            .isEqualTo(moved && PositionFile.find(copy.parked("a").position()).isEmpty());
        delete(copy.root());
      }
    }
  }

  /** As an earlier version might leave them, which took up one while another one failed. */
  @Test
  void twoThatWereTakenUpAtOnceAreBothAnswered() throws IOException {
    Path fresh = copy("fresh").root();
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    for (long number = 1; number <= 2; number++) {
      Request request = new Request(new UUID(0, number), Verb.REPLAY_LETTERS, Selection.ALL, null);
      GivenUp.copy(fresh, directory.resolve("taken" + number));
      OutboxPaths copy = new OutboxPaths(directory.resolve("taken" + number));
      new ControlFiles(copy, Disk.REAL).submit(request);
      Path taken = copy.control().resolve(request.id() + ControlFiles.TAKEN);
      for (int at = 0; at < 200 && Files.notExists(taken); at++) {
        try {
          run(copy, request.id(), KillingDisk.at(at, false).disk());
        } catch (KillingDisk.Killed e) {
          // as it should be
        }
      }
      files.submit(request);
      Files.copy(taken, paths.control().resolve(taken.getFileName()), COPY_ATTRIBUTES);
      Files.setAttribute(
          paths.control().resolve(taken.getFileName()),
          "unix:mode",
          Files.getAttribute(taken, "unix:mode"));
    }
    othersGoOn = true;
    for (long number = 1; number <= 2; number++) {
      assertThat(run(paths, new UUID(0, number), Disk.REAL)).isPresent();
    }
    assertThat(sources(paths, "a")).containsExactly(1L, 3L, 4L);
    assertThat(files.hasOpen()).isFalse();
  }

  private static boolean hasNoFailedCycle(OutboxPaths lane) throws IOException {
    return StateFile.read(lane.state()).map(state -> state.failedCycles().isEmpty()).orElse(true);
  }

  @Test
  void aRequestThatIsWithdrawnBeforeItIsTakenUpIsNotApplied() throws IOException {
    apply(replay(Selection.ALL, null));
    Request discard = discardParked("a");
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    files.submit(discard);
    laneRuns = 10;
    try (Desk opened = new Desk(paths, Disk.REAL)) {
      opened.desk.work(SECOND);
      opened.desk.work(SECOND);
      assertThat(opened.parked.isDiscarded("a")).isTrue();
      files.remove(discard.id(), ControlFiles.REQUEST);
      laneRuns = 0;
      for (long nanos = 2 * SECOND; nanos < 20 * SECOND; nanos += SECOND / 10) {
        opened.desk.work(nanos);
      }
      assertThat(opened.parked.isDiscarded("a")).isFalse();
    }
    assertThat(new OutboxReader(paths.parked("a")).status().lagEvents()).isEqualTo(3);
  }

  @Test
  void whoWaitsForALaneHoldsUpNoOther() throws IOException {
    apply(replay(Selection.ALL, null));
    laneRuns = Integer.MAX_VALUE;
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    files.submit(new Request(new UUID(0, 1), Verb.DISCARD_PARKED, Selection.ALL, "a"));
    Request other = new Request(new UUID(0, 2), Verb.RETRY_TOPIC, topics("b"), null);
    files.submit(other);
    othersGoOn = true;
    assertThat(run(paths, other.id(), Disk.REAL)).isPresent();
  }

  @Test
  void anOldAnswerStaysWhileItsRequestDoes() throws IOException {
    Request request = discard(topics("b"));
    apply(request);
    new ControlFiles(paths, Disk.REAL).submit(request);
    Path answer = paths.control().resolve(request.id() + ".answer");
    Files.setLastModifiedTime(answer, FileTime.fromMillis(0));
    Path planted = Files.createDirectory(paths.control().resolve(UUID.randomUUID() + ".answer"));
    Files.createDirectory(planted.resolve("x"));
    Files.setLastModifiedTime(planted, FileTime.fromMillis(0));
    new ControlFiles(paths, Disk.REAL).tidy(Long.MAX_VALUE);
    assertThat(answer).exists();
    Files.delete(request(request.id()));
    new ControlFiles(paths, Disk.REAL).tidy(Long.MAX_VALUE);
    assertThat(answer).doesNotExist();
  }

  @Test
  void aBadRequestWhoseAnswerCantBeWrittenHoldsUpNoOther() throws IOException {
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    Request good = discard(topics("b"));
    files.submit(good);
    UUID bad = UUID.randomUUID();
    Files.writeString(request(bad), "{}");
    Files.setAttribute(request(bad), "unix:mode", 0660);
    Files.setLastModifiedTime(request(bad), FileTime.fromMillis(0));
    Files.createDirectories(paths.control().resolve(bad + ".answer/x"));
    othersGoOn = true;
    assertThat(run(paths, good.id(), Disk.REAL)).isPresent();
  }

  private int changesOf(Request request, String name) throws IOException {
    OutboxPaths copy = copy(name);
    KillingDisk counting = KillingDisk.never();
    assertThat(run(copy, request.id(), counting.disk())).isPresent();
    delete(copy.root());
    return counting.steps.size();
  }

  private OutboxPaths copy(String name) throws IOException {
    GivenUp.copy(paths.root(), directory.resolve(name));
    return new OutboxPaths(directory.resolve(name));
  }

  private static void delete(Path root) throws IOException {
    try (var all = Files.walk(root)) {
      for (Path each : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
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

  private void takesNothing(String topic) throws IOException {
    if (Files.notExists(paths.parked())) {
      Files.createDirectory(paths.parked());
      Files.setAttribute(paths.parked(), "unix:mode", 042770);
    }
    Files.writeString(paths.parked().resolve(topic), "a file");
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
  void whatFailsOnceOfAReplayIsDoneAllTheSame() throws IOException {
    Request request = replay(Selection.ALL, null);
    new ControlFiles(paths, Disk.REAL).submit(request);
    int changes = changesOf(request, "counted");
    for (int at = 0; at < changes; at++) {
      OutboxPaths copy = copy("failing");
      JsonNode answer = run(copy, request.id(), KillingDisk.failingAt(at).disk()).orElseThrow();
      assertThat(answer.path("replayed").asLong()).describedAs("change %s", at).isEqualTo(4);
      assertThat(answer.path("failed").asLong()).isZero();
      assertThat(sources(copy, "a")).containsOnly(1L, 3L, 4L);
      assertThat(failure).isNull();
      delete(copy.root());
    }
  }

  @Test
  void aRequestThatFailsHoldsUpNoOther() throws IOException {
    takesNothing("x");
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    Request bad = new Request(new UUID(0, 1), Verb.DISCARD_PARKED, Selection.ALL, "x");
    Request good = new Request(new UUID(0, 2), Verb.DISCARD_LETTERS, topics("b"), null);
    files.submit(bad);
    files.submit(good);
    othersGoOn = true;
    JsonNode answer = run(paths, good.id(), Disk.REAL).orElseThrow();
    assertThat(answer.path("discarded").asLong()).isEqualTo(1);
    assertThat(files.answer(bad.id())).isEmpty();
    assertThat(failure).hasMessageContaining("parked/x");
    Files.delete(paths.parked().resolve("x"));
    assertThat(run(paths, bad.id(), Disk.REAL)).isPresent();
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

  private static void lanePosition(OutboxPaths lane, long sequence) throws IOException {
    OutboxRecord last = parkedOf(lane);
    try (PositionFile file = PositionFile.open(lane.position(), Disk.REAL)) {
      file.save(
          new dev.outboxrelay.client.files.Position(
              1,
              dev.outboxrelay.client.files.DeliveryMode.AT_LEAST_ONCE,
              sequence,
              last.eventId(),
              lane.cycles().get(0),
              0,
              0,
              0,
              0,
              OutboxIdentity.outboxOf(lane),
              0));
    }
  }

  private static OutboxRecord parkedOf(OutboxPaths lane) throws IOException {
    try (CycleReader reader =
        CycleReader.open(lane.cycle(lane.cycles().get(0)), OutboxIdentity.outboxOf(lane))) {
      return ((CycleStep.Event) reader.next(true)).found().record();
    }
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
  void whatIsNoRequestIsAnsweredOrNamedAndHoldsUpNoOther() throws IOException {
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    Request good = discard(topics("b"));
    files.submit(good);
    UUID malformed = UUID.randomUUID();
    Files.writeString(request(malformed), "{\"version\":1");
    UUID strange = UUID.randomUUID();
    Files.writeString(
        request(strange), discard(topics("a")).json().toString()); // with another's id
    UUID wordy = UUID.randomUUID();
    String word = "x".repeat(16_000);
    Files.writeString(
        request(wordy),
        String.format(
            "{\"version\":1,\"id\":\"%s\",\"verb\":\"parked retry\",\"topic\":\"%s\",\"select\":"
                + "{\"topics\":[],\"reasons\":[],\"ids\":[\"%s\"],\"numbers\":[]}}",
            wordy, word, word));
    UUID huge = UUID.randomUUID();
    Files.write(request(huge), new byte[1 << 20]);
    for (UUID each : List.of(malformed, strange, wordy, huge)) {
      Files.setAttribute(request(each), "unix:mode", 0660);
    }
    UUID linked = UUID.randomUUID();
    Files.createSymbolicLink(request(linked), Path.of("/etc/passwd"));
    Files.writeString(paths.control().resolve("notes.txt"), "mine");

    JsonNode answer = run(paths, good.id(), Disk.REAL).orElseThrow();

    assertThat(answer.path("discarded").asLong()).isEqualTo(1);
    for (UUID each : List.of(malformed, strange, wordy, huge)) {
      assertThat(run(paths, each, Disk.REAL).orElseThrow().path("error").asText())
          .contains("can't be used");
      assertThat(request(each)).doesNotExist();
    }
    assertThat(request(linked)).isSymbolicLink();
    assertThat(failure).hasMessageContaining(linked.toString());
    assertThat(paths.control().resolve("notes.txt")).exists();
    assertThat(left()).containsExactly(1L, 3L, 4L);
  }

  private Path request(UUID id) {
    return paths.control().resolve(id + ".request");
  }

  @Test
  void answersGoAfterADay() throws IOException {
    Request request = discard(topics("b"));
    apply(request);
    Path answer = paths.control().resolve(request.id() + ".answer");
    assertThat(Files.getAttribute(answer, "unix:mode")).isEqualTo(0100660);
    Request next = discard(topics("a"));
    apply(next);
    assertThat(answer).exists();
    Files.setLastModifiedTime(answer, FileTime.fromMillis(0));
    apply(discard(numbers(9L)));
    assertThat(answer).doesNotExist();
    assertThat(paths.control().resolve(next.id() + ".answer")).exists();
  }

  private static Request discardParked(String topic) {
    return new Request(UUID.randomUUID(), Verb.DISCARD_PARKED, Selection.ALL, topic);
  }

  private static void isGivenUp(OutboxPaths outbox, JsonNode answer) throws IOException {
    assertThat(answer.path("discarded").asLong()).isEqualTo(3);
    for (long sequence : new long[] {1, 3, 4}) {
      assertThat(OutcomesFile.outcomeOf(sequence, outbox.outcomes()))
          .isEqualTo(DeliveryOutcome.DEAD);
    }
    OutboxPaths lane = outbox.parked("a");
    assertThat(PositionFile.find(lane.position()).orElseThrow().sequence()).isEqualTo(3);
    assertThat(new OutboxReader(lane).status().lagEvents()).isZero();
    assertThat(new OutboxReader(lane).status().lagBytes()).isZero();
    assertThat(new ControlFiles(outbox, Disk.REAL).hasOpen()).isFalse();
  }

  @Test
  void whatIsParkedIsGivenUpOnceItsLaneHasEnded() throws IOException {
    apply(replay(Selection.ALL, null));
    laneRuns = 3;
    isGivenUp(paths, apply(discardParked("a")));
    assertThat(unlocked).isEqualTo(1);
    assertThat(OutcomesFile.outcomeOf(2, paths.outcomes())).isEqualTo(DeliveryOutcome.PARKED);
    assertThat(apply(discardParked("a")).path("discarded").asLong()).isZero();
    assertThat(apply(discardParked("none")).path("discarded").asLong()).isZero();
  }

  @Test
  void whatIsToldToBeDeliveredIsNotToldToBeDead() throws IOException {
    apply(replay(Selection.ALL, null));
    try (OutcomesFile outcomes = OutcomesFile.open(paths.outcomes(), Disk.REAL)) {
      outcomes.append(List.of(new OutcomesFile.Range(1, 1, DeliveryOutcome.DELIVERED)));
      outcomes.append(List.of(new OutcomesFile.Range(4, 4, DeliveryOutcome.DELIVERED)));
    }
    assertThat(apply(discardParked("a")).path("discarded").asLong()).isEqualTo(3);
    for (long sequence : new long[] {1, 4}) {
      assertThat(OutcomesFile.outcomeOf(sequence, paths.outcomes()))
          .isEqualTo(DeliveryOutcome.DELIVERED);
    }
    assertThat(OutcomesFile.outcomeOf(3, paths.outcomes())).isEqualTo(DeliveryOutcome.DEAD);
  }

  @Test
  void whatBecameOfAllThatIsGivenUpAtOnceIsReadInOnePass() throws IOException {
    apply(replay(Selection.ALL, null));
    Request request = discardParked("a");
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    files.submit(request);
    List<Set<Long>> passes = new ArrayList<>();
    try (Desk opened = new Desk(paths, Disk.REAL);
        DiscardTask task =
            new DiscardTask(
                request,
                null,
                opened.place,
                files,
                (sequences, file) -> {
                  passes.add(Set.copyOf(sequences));
                  return OutcomesFile.outcomesOf(sequences, file);
                })) {
      while (task.step() != Task.Step.DONE) {
        // Until all is given up.
      }
      assertThat(task.report().path("discarded").asLong()).isEqualTo(3);
      task.over();
      assertThat(opened.parked.pollDiscarded()).isEqualTo("a");
      assertThat(opened.parked.pollDiscarded()).isNull();
    }
    assertThat(passes).containsExactly(Set.of(1L, 3L, 4L));
  }

  /** Parks an event that is not in the main queue any more. */
  private OutboxPaths parkLost(String topic, long sequence) throws IOException {
    OutboxIdentity identity = given.identity();
    WriterOptions options = WriterOptions.of(paths).withTrustParent(true);
    OutboxRecord original;
    try (CycleReader reader =
        CycleReader.open(paths.cycle(paths.cycles().get(0)), identity.outbox())) {
      original = ((CycleStep.Event) reader.next(true)).found().record();
    }
    try (ParkedOutboxes parked =
        ParkedOutboxes.open(paths, identity, saved, options, new OpenSlots(32))) {
      parked.replay(
          topic, original, new Source(identity.outbox(), identity.generation(), sequence, 1));
      parked.syncOf(topic);
    }
    return paths.parked(topic);
  }

  @Test
  void whatTheMainQueueHasLostIsGivenUpAndNobodyIsTold() throws IOException {
    saved = 50;
    parkLost("lost", 99);
    JsonNode answer = apply(discardParked("lost"));
    assertThat(answer.path("discarded").asLong()).isEqualTo(1);
    assertThat(answer.path("not_settled").asLong()).isZero();
    assertThat(OutcomesFile.read(paths.outcomes())).isEmpty();
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

  @Test
  void replaysAreGivenUpAlone() throws IOException {
    apply(replay(topics("a"), null));
    parkLost("a", 2);
    apply(replay(topics("b"), "a"));
    Request request = new Request(UUID.randomUUID(), Verb.DISCARD_REPLAYS, Selection.ALL, "a");
    JsonNode answer = apply(request);
    assertThat(answer.path("discarded").asLong()).isEqualTo(3);
    assertThat(answer.path("left").asLong()).isEqualTo(2);
    assertThat(new OutboxReader(paths.parked("a")).status().lagEvents()).isEqualTo(2);
  }

  @Test
  void whateverIsKilledWhatIsParkedIsGivenUpOnce() throws IOException {
    apply(replay(Selection.ALL, null));
    Request request = discardParked("a");
    new ControlFiles(paths, Disk.REAL).submit(request);
    int changes = changesOf(request, "counted");
    assertThat(changes).isGreaterThan(10);
    for (int at = 0; at < changes; at++) {
      for (boolean before : new boolean[] {true, false}) {
        OutboxPaths copy = copy("killed");
        try {
          run(copy, request.id(), KillingDisk.at(at, before).disk());
        } catch (KillingDisk.Killed e) {
          // as it should be
        }
        isGivenUp(copy, run(copy, request.id(), Disk.REAL).orElseThrow());
        delete(copy.root());
      }
    }
  }

  @Test
  void whatNoSavedPositionCoversStaysParked() throws IOException {
    apply(replay(Selection.ALL, null));
    saved = 3;
    JsonNode answer = apply(discardParked("a"));
    assertThat(answer.path("discarded").asLong()).isEqualTo(2);
    assertThat(answer.path("not_settled").asLong()).isEqualTo(1);
    assertThat(new OutboxReader(paths.parked("a")).status().lagEvents()).isEqualTo(1);
  }

  @Test
  void aTopicIsAskedForAtOnce() throws IOException {
    apply(replay(topics("b"), null));
    Request retry = new Request(UUID.randomUUID(), Verb.RETRY_TOPIC, Selection.ALL, "b");
    assertThat(apply(retry).path("parked").asLong()).isEqualTo(1);
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

  @Test
  void ofATopicWhosePositionIsDamagedNothingIsGivenUp() throws IOException {
    apply(replay(Selection.ALL, null));
    lanePosition(paths.parked("a"), 1);
    Path position = paths.parked("a").position();
    Files.write(position, new byte[] {1, 2, 3});
    assertThat(apply(discardParked("a")).path("error").asText()).contains("parked/a");
    assertThat(OutcomesFile.outcomeOf(1, paths.outcomes())).isEqualTo(DeliveryOutcome.PARKED);
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

  @Test
  void manyTopicsAreAskedForByOneRequest() throws IOException {
    apply(replay(Selection.ALL, null));
    Request retry = new Request(UUID.randomUUID(), Verb.RETRY_TOPIC, topics("a", "b"), null);
    JsonNode answer = apply(retry);
    assertThat(answer.path("topics").asLong()).isEqualTo(2);
    assertThat(answer.path("parked").asLong()).isEqualTo(4);
    assertThatThrownBy(() -> new Request(retry.id(), Verb.RETRY_TOPIC, topics("../x"), null))
        .hasMessageContaining("topic");
  }

  /** A script that asks for each of many topics, while no relay runs. */
  @Test
  void anyNumberOfRequestsIsAppliedInTheirOrder() throws IOException {
    Request first = discard(topics("b"));
    new ControlFiles(paths, Disk.REAL).submit(first);
    for (int i = 0; i < 1_200; i++) {
      UUID id = UUID.randomUUID();
      Request retry = new Request(id, Verb.RETRY_TOPIC, Selection.ALL, "b");
      Files.writeString(request(id), retry.json().toString());
      Files.setAttribute(request(id), "unix:mode", 0660);
      Files.setLastModifiedTime(request(id), FileTime.fromMillis(1_000L + i));
    }
    assertThat(run(paths, first.id(), Disk.REAL)).isPresent();
    assertThat(new ControlFiles(paths, Disk.REAL).hasOpen()).isFalse();
    assertThat(left()).containsExactly(1L, 3L, 4L);
  }

  @Test
  void whatIsNoneOfOursHoldsNoLane() throws IOException {
    Files.writeString(paths.control(), "no directory");
    try (Desk desk = new Desk(paths, Disk.REAL)) {
      assertThat(desk.parked.holdsLane("a")).isFalse();
    }
  }

  @Test
  void whatIsNoAnswerDropsNoRequest() throws IOException {
    Request request = discard(topics("b"));
    new ControlFiles(paths, Disk.REAL).submit(request);
    Files.writeString(paths.control().resolve(request.id() + ".answer"), "{}");
    JsonNode answer = run(paths, request.id(), Disk.REAL).orElseThrow();
    assertThat(answer.path("discarded").asLong()).isEqualTo(1);
  }

  @Test
  void whereTooManyAreKeptTheOldestGoOnceThatIsSettled() throws IOException {
    mostLetters = OptionalLong.of(2);
    saved = 1;
    Request nothing = discard(numbers(99L));
    apply(nothing);
    assertThat(left()).containsExactly(2L, 3L, 4L);
    saved = 100;
    apply(discard(numbers(99L)));
    assertThat(left()).containsExactly(3L, 4L);
    assertThat(facts)
        .containsExactly(
            new Fact.Discarded(Discard.LIMIT, 1), new Fact.Discarded(Discard.LIMIT, 1));
    apply(discard(numbers(4L)));
    assertThat(left()).containsExactly(3L);
    assertThat(facts).last().isEqualTo(new Fact.Discarded(Discard.DEAD_LETTER, 1));
    given.add(OutboxEvent.of("a", "5"), DeadLetterReason.TOO_LARGE);
    apply(discard(numbers(99L)));
    assertThat(left()).containsExactly(3L);
  }

  /**
   * The first ones may have to stay for a while, and of any number behind them something be done.
   */
  @Test
  void whereTooManyAreKeptTheOldestThatMayGoAreFound() throws IOException {
    List<OutboxEvent> many = new ArrayList<>();
    for (int i = 0; i < 12_000; i++) {
      many.add(OutboxEvent.of("t", "no event"));
    }
    WriterOptions options = WriterOptions.deadLetters(paths).withTrustParent(true);
    try (QueueWriter writer = QueueWriter.open(options.withDurability(Durability.PROCESS))) {
      writer.appendAll(many.subList(0, 6_000));
      writer.appendAll(many.subList(6_000, 12_000));
    }
    apply(discard(numbers(99_999L)));
    try (OutcomesFile file = OutcomesFile.open(paths.deadLetters().outcomes(), Disk.REAL)) {
      file.append(List.of(new OutcomesFile.Range(5, 11_000, DeliveryOutcome.DEAD)));
    }
    saved = 0;
    mostLetters = OptionalLong.of(100);
    run(paths, UUID.randomUUID(), Disk.REAL);
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(100);
    Fates fates = Fates.read(paths.deadLetters());
    assertThat(left()).containsExactly(1L, 2L, 3L, 4L);
    assertThat(fates.of(12_004 - 96)).contains(Fate.DISCARDED);
    assertThat(fates.of(12_004 - 95)).isEmpty();
  }

  @Test
  void whereThereAreEnoughOneMoreWaits() throws IOException {
    given.most = OptionalLong.of(4);
    OutboxEvent fifth = OutboxEvent.of("a", "5");
    assertThatThrownBy(() -> given.add(fifth, DeadLetterReason.TOO_LARGE))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("OUTBOX_DEAD_LETTER_LIMIT=4");
    apply(discard(numbers(3L)));
    given.add(OutboxEvent.of("a", "6"), DeadLetterReason.TOO_LARGE);
    assertThat(Fates.read(paths.deadLetters()).of(5)).isEmpty();
    assertThatThrownBy(() -> given.add(fifth, DeadLetterReason.TOO_LARGE))
        .isInstanceOf(IOException.class);
  }

  /** In a cycle of its own, so many hours from now. */
  private static void later(WriterOptions options, int hours, int events) {
    InstantSource clock = () -> Instant.now().plus(Duration.ofHours(hours));
    try (QueueWriter writer = QueueWriter.open(options.withTrustParent(true).withClock(clock))) {
      for (int i = 0; i < events; i++) {
        writer.append(OutboxEvent.of("a", "later"));
      }
    }
  }

  /** As a volume that is not mounted, or a disk that does not give it. */
  private Closeable unreadable(OutboxPaths outbox, int cycle) throws IOException {
    Path file = outbox.cycle(outbox.cycles().get(cycle));
    Path away = directory.resolve("away");
    Files.move(file, away);
    Files.createSymbolicLink(file, away);
    return () -> Files.move(away, file, StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void lettersThatCantBeReadAreKeptAndHoldUpNoOther() throws IOException {
    later(WriterOptions.deadLetters(paths), 1, 2);
    Closeable again = unreadable(paths.deadLetters(), 0);
    JsonNode answer = apply(discard(Selection.ALL));
    assertThat(answer.path("discarded").asLong()).isEqualTo(2);
    assertThat(answer.path("unread_because").asText()).contains("regular file");
    assertThat(left()).containsExactly(1L, 2L, 3L, 4L);
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(4);
    again.close();
    answer = apply(discard(Selection.ALL));
    assertThat(answer.path("discarded").asLong()).isEqualTo(4);
    assertThat(answer.hasNonNull("unread_because")).isFalse();
    assertThat(new LetterCount(paths.deadLetters()).now()).isZero();
  }

  @Test
  void whereLettersCantBeReadNewOnesAreAdded() throws IOException {
    later(WriterOptions.deadLetters(paths), 1, 1);
    later(WriterOptions.deadLetters(paths), 2, 1);
    Closeable again = unreadable(paths.deadLetters(), 0);
    given.add(OutboxEvent.of("a", "7"), DeadLetterReason.TOO_LARGE);
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(7);
    again.close();
  }

  @Test
  void newLettersThatCantBeReadAreKeptAndHoldUpNoOther() throws IOException {
    later(WriterOptions.deadLetters(paths), 1, 2);
    Closeable again = unreadable(paths.deadLetters(), 1);
    assertThat(apply(discard(Selection.ALL)).path("discarded").asLong()).isEqualTo(4);
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(2);
    again.close();
    assertThat(apply(discard(Selection.ALL)).path("discarded").asLong()).isEqualTo(2);
  }

  @Test
  void whoDiscardsIsToldHowManyWereLost() throws IOException {
    given.most = OptionalLong.of(1);
    later(WriterOptions.deadLetters(paths), 1, 2);
    apply(discard(numbers(1L, 2L, 3L, 4L)));
    Files.delete(paths.deadLetters().cycle(paths.deadLetters().cycles().get(1)));
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(2);
    JsonNode answer = apply(discard(Selection.ALL));
    assertThat(answer.path("discarded").asLong()).isZero();
    assertThat(answer.path("lost").asLong()).isEqualTo(2);
    assertThat(new LetterCount(paths.deadLetters()).now()).isZero();
    given.add(OutboxEvent.of("a", "7"), DeadLetterReason.TOO_LARGE);
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(1);
  }

  @Test
  void whatCantBeReadAnyMoreOfWhatWasChosenFails() throws IOException {
    Request request = replay(Selection.ALL, null);
    new ControlFiles(paths, Disk.REAL).submit(request);
    Path taken = paths.control().resolve(request.id() + ControlFiles.TAKEN);
    for (int at = 0; at < 200 && Files.notExists(taken); at++) {
      try {
        run(paths, request.id(), KillingDisk.at(at, false).disk());
      } catch (KillingDisk.Killed e) {
        // as it should be
      }
    }
    Closeable again = unreadable(paths.deadLetters(), 0);
    JsonNode answer = run(paths, request.id(), Disk.REAL).orElseThrow();
    assertThat(answer.path("failed").asLong()).isEqualTo(4);
    assertThat(answer.path("failed_because").asText()).contains("regular file");
    again.close();
    assertThat(left()).containsExactly(1L, 2L, 3L, 4L);
    isOnceReplayed(paths, apply(replay(Selection.ALL, null)));
  }

  @Test
  void lettersThatCantBeReadCostNoOthersTheirPlace() throws IOException {
    later(WriterOptions.deadLetters(paths), 1, 5);
    Closeable again = unreadable(paths.deadLetters(), 0);
    mostLetters = OptionalLong.of(3);
    apply(discard(numbers(99L)));
    run(paths, UUID.randomUUID(), Disk.REAL);
    assertThat(left()).containsExactly(1L, 2L, 3L, 4L);
    Fates fates = Fates.read(paths.deadLetters());
    assertThat(fates.of(6)).contains(Fate.DISCARDED);
    assertThat(fates.of(7)).isEmpty();
    again.close();
    run(paths, UUID.randomUUID(), Disk.REAL);
    assertThat(left()).isEmpty();
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(3);
  }

  @Test
  void whatIsParkedAndCantBeReadIsNotGivenUp() throws IOException {
    apply(replay(topics("a"), null));
    WriterOptions lane = WriterOptions.parked(paths.parked("a"));
    later(lane, 1, 2);
    later(lane, 2, 1);
    later(lane, 3, 1);
    Request request = discardParked("a");
    new ControlFiles(paths, Disk.REAL).submit(request);
    OutboxPaths chosen = copy("chosen");
    Path taken = chosen.control().resolve(request.id() + ControlFiles.TAKEN);
    for (int at = 0; at < 200 && Files.notExists(taken); at++) {
      try {
        run(chosen, request.id(), KillingDisk.at(at, false).disk());
      } catch (KillingDisk.Killed e) {
        // as it should be
      }
    }
    for (OutboxPaths each : List.of(paths, chosen)) {
      Closeable again = unreadable(each.parked("a"), 1);
      JsonNode answer = run(each, request.id(), Disk.REAL).orElseThrow();
      assertThat(answer.path("discarded").asLong()).isEqualTo(3);
      assertThat(answer.path("unread_because").asText()).contains("regular file");
      assertThat(PositionFile.find(each.parked("a").position()).orElseThrow().sequence())
          .isEqualTo(3);
      again.close();
      paths = each;
      assertThat(apply(discardParked("a")).path("discarded").asLong()).isEqualTo(4);
    }
  }
}
