package dev.outboxrelay.relay.settle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.lock.WritersLock;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.InFlights;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.tail.Place;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettlerTest {
  private static final UUID OWNER = new UUID(1, 2);
  private static final Duration INTERVAL = Duration.ofMillis(100);

  @TempDir private Path directory;

  private final List<String> syncs = new ArrayList<>();
  private DiskStep failing;
  private long nanos;
  private Instant now = Instant.parse("2026-03-01T10:00:00Z");
  private WriterOptions options;
  private final DeadLettersInMemory deadLetters = new DeadLettersInMemory();
  private HeldDirectories held;
  private long letters;
  private Outcomes outcomes;
  private Settler settler;

  @BeforeEach
  void open() throws IOException {
    OutboxPaths paths = new OutboxPaths(directory.resolve("outbox"));
    options = WriterOptions.of(paths).withTrustParent(true).withClock(() -> now);
    append(1);
    held = HeldDirectories.hold(paths);
    outcomes = Outcomes.open(held.paths(), 0, recordingDisk());
    settler = openOf(null);
  }

  private Settler openOf(Origin origin) throws IOException {
    return open(new Settler.Places(null, deadLetters, outcomes, origin, () -> letters), null);
  }

  private Settler open(Settler.Places places, Settled start) throws IOException {
    return Settler.open(
        new Settler.Owner(OWNER, 1),
        places,
        options.withDisk(recordingDisk()),
        held,
        new Settler.Pace(INTERVAL, Duration.ofDays(1)),
        new Clocks(() -> nanos, () -> now),
        start);
  }

  @AfterEach
  void close() throws IOException {
    settler.close();
    outcomes.close();
    held.close();
  }

  private static final class DeadLettersInMemory implements DeadLetterStore {
    private final Set<Long> sequences = new HashSet<>();
    private Runnable added = () -> {};

    @Override
    public boolean add(InFlight record, Verdict.DeadLetter verdict) {
      added.run();
      return sequences.add(record.sequence());
    }

    @Override
    public void settled(long sequence) {
      sequences.removeIf(one -> one <= sequence);
    }

    @Override
    public void close() {}
  }

  /** The real disk, but syncs are noted, and those of one kind fail. */
  private Disk recordingDisk() {
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("sync")) {
                syncs.add(arguments[2].toString());
                if (arguments[2] == failing) {
                  throw new IOException("injected");
                }
              }
              try {
                return method.invoke(Disk.REAL, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private long append(int count) throws IOException {
    try (QueueWriter writer = QueueWriter.open(options)) {
      for (int i = 0; i < count; i++) {
        writer.append(OutboxEvent.of("topic", "value"));
      }
    }
    List<Long> cycles = options.paths().cycles();
    return cycles.get(cycles.size() - 1);
  }

  private Settled upTo(long sequence, long cycle) {
    return new Settled(
        sequence, new UUID(0, sequence), new Place(cycle, 1000, sequence), 100 * sequence);
  }

  private void turn() {
    nanos += INTERVAL.toNanos();
    while (settler.doWork() > 0) {
      // Until nothing is left.
    }
  }

  private List<Fact> facts() {
    List<Fact> facts = new ArrayList<>();
    for (Fact fact = settler.poll(); fact != null; fact = settler.poll()) {
      facts.add(fact);
    }
    return facts;
  }

  private Optional<Position> position() throws IOException {
    return PositionFile.find(options.paths().position());
  }

  @Test
  void eventsAreSyncedBeforeOutcomesAndOutcomesBeforeThePosition() throws IOException {
    settler.undelivered(3, 4, InFlight.Outcome.DEAD);
    settler.settled(upTo(5, append(1)));
    turn();
    assertThat(syncs).containsExactly("PAYLOAD", "POSITION", "POSITION");
    assertThat(position().orElseThrow().sequence()).isEqualTo(5);
    assertThat(position().orElseThrow().outboxId()).isEqualTo(OWNER);
    assertThat(OutcomesFile.read(options.paths().outcomes()))
        .containsExactly(new OutcomesFile.Range(3, 4, DeliveryOutcome.DEAD));
    assertThat(facts()).containsExactly(new Fact.PositionSaved(5));
    assertThat(settler.isUpToDate()).isTrue();
  }

  /** Where the events of a lane come from: its position covers so many of them. */
  private static final class Main implements Origin {
    private final List<OutcomesFile.Range> told = new ArrayList<>();
    private final List<Long> helpedFor = new ArrayList<>();
    private long covered;
    private boolean holdsBack;
    private long saved;

    /** Happens while it is asked what may be told. */
    private Runnable meanwhile = () -> {};

    @Override
    public long savedSequence() {
      meanwhile.run();
      return covered;
    }

    @Override
    public boolean holdsBack() {
      return holdsBack;
    }

    @Override
    public void settled(List<OutcomesFile.Range> events) {
      told.addAll(events);
    }

    @Override
    public boolean heldUp(long sequence) {
      helpedFor.add(sequence);
      return true;
    }

    @Override
    public void saved(long sequence) {
      saved = sequence;
    }
  }

  @Test
  void aLaneTellsWhatItDeliveredOnceThatIsParkedForGoodAndSavesItsPositionThen()
      throws IOException {
    Main main = new Main();
    settler.close();
    settler = openOf(main);
    main.covered = 7;
    settler.ofSource(7, InFlight.Outcome.DELIVERED);
    settler.ofSource(8, InFlight.Outcome.DELIVERED);
    settler.settled(upTo(2, append(1)));
    turn();
    assertThat(position()).isEmpty();
    assertThat(main.told).isEmpty();
    settler.hurry();
    main.covered = 8;
    assertThat(settler.doWork()).isZero(); // it does not ask without a pause
    turn();
    assertThat(main.told).containsExactly(new OutcomesFile.Range(7, 8, DeliveryOutcome.DELIVERED));
    assertThat(position().orElseThrow().sequence()).isEqualTo(2);
    assertThat(main.saved).isEqualTo(2);
  }

  @Test
  void whatIsSettledWhileALaneAsksWhatItMayTellIsToldNextTime() throws IOException {
    Main main = new Main();
    settler.close();
    settler = openOf(main);
    main.covered = 7;
    main.meanwhile = () -> settler.ofSource(8, InFlight.Outcome.DELIVERED);
    settler.ofSource(7, InFlight.Outcome.DELIVERED);
    settler.settled(upTo(1, append(1)));
    turn();
    assertThat(main.told).containsExactly(new OutcomesFile.Range(7, 7, DeliveryOutcome.DELIVERED));
  }

  @Test
  void aLaneSavesNothingWhileItIsHeldBack() throws IOException {
    Main main = new Main();
    settler.close();
    settler = openOf(main);
    main.covered = 7;
    main.holdsBack = true;
    settler.settled(upTo(1, append(1)));
    turn();
    assertThat(position()).isEmpty();
    main.holdsBack = false;
    turn();
    assertThat(position().orElseThrow().sequence()).isEqualTo(1);
  }

  @Test
  void whatDeadLettersHoldCountsAndIsToldThoughNothingElseHappens() throws IOException {
    settler.settled(upTo(1, append(1)));
    turn();
    assertThat(position().orElseThrow().heldBytes()).isZero();
    letters = 300;
    turn();
    assertThat(position().orElseThrow().heldBytes()).isEqualTo(300);
    settler.close();
    settler = openWith(parked(500), null);
    settler.settled(upTo(2, append(2)));
    turn();
    assertThat(position().orElseThrow().heldBytes()).isEqualTo(800);
  }

  /** So many bytes are parked. */
  private static ParkedStore parked(long bytes) {
    Held held = new Held(1, 1, bytes, List.of(), OptionalLong.empty());
    return (ParkedStore)
        Proxy.newProxyInstance(
            ParkedStore.class.getClassLoader(),
            new Class<?>[] {ParkedStore.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "held" -> held;
                  case "hasStaged" -> false;
                  default -> null;
                });
  }

  private Settler openWith(ParkedStore parked, Settled start) throws IOException {
    return open(new Settler.Places(parked, deadLetters, outcomes, null, () -> letters), start);
  }

  @Test
  void whatWasHeldWhenAnEarlierRunEndedIsToldAnewThoughNothingIsAppended() throws IOException {
    Settled start = upTo(1, append(1));
    settler.close();
    settler = openWith(parked(500), null);
    settler.settled(start);
    turn();
    assertThat(position().orElseThrow().heldBytes()).isEqualTo(500);
    settler.close();
    settler = openWith(parked(0), start);
    turn();
    assertThat(position().orElseThrow().heldBytes()).isZero();
    facts();
    turn();
    assertThat(facts()).isEmpty();
  }

  @Test
  void outcomesOfNeighboursAreOneRange() throws IOException {
    for (long sequence = 1; sequence <= 5; sequence++) {
      settler.undelivered(sequence, sequence, InFlight.Outcome.PARKED);
    }
    settler.undelivered(6, 6, InFlight.Outcome.DEAD);
    settler.undelivered(8, 8, InFlight.Outcome.DEAD);
    settler.settled(upTo(8, append(1)));
    turn();
    assertThat(OutcomesFile.read(options.paths().outcomes()))
        .containsExactly(
            new OutcomesFile.Range(1, 5, DeliveryOutcome.PARKED),
            new OutcomesFile.Range(6, 6, DeliveryOutcome.DEAD),
            new OutcomesFile.Range(8, 8, DeliveryOutcome.DEAD));
  }

  @Test
  void positionsWaitForTheIntervalUnlessTheRelayStops() throws IOException {
    long cycle = append(1);
    settler.settled(upTo(1, cycle));
    turn();
    settler.settled(upTo(2, cycle));
    assertThat(settler.doWork()).isZero();
    assertThat(position().orElseThrow().sequence()).isEqualTo(1);
    settler.hurry();
    assertThat(settler.doWork()).isEqualTo(1);
    assertThat(position().orElseThrow().sequence()).isEqualTo(2);
  }

  @Test
  void aPositionThatCannotBeWrittenIsReportedAndTriedAgainWithItsOutcomes() throws IOException {
    failing = DiskStep.POSITION;
    settler.undelivered(1, 1, InFlight.Outcome.QUARANTINED);
    settler.settled(upTo(1, append(1)));
    turn();
    assertThat(position()).isEmpty();
    assertThat(facts()).hasOnlyElementsOfType(Fact.Failed.class).hasSize(1);
    failing = null;
    nanos += Duration.ofSeconds(2).toNanos();
    turn();
    assertThat(position().orElseThrow().sequence()).isEqualTo(1);
    assertThat(OutcomesFile.read(options.paths().outcomes())).hasSize(1);
    assertThat(facts())
        .containsExactly(new Fact.PositionSaved(1), new Fact.Recovered(Part.POSITION));
  }

  @Test
  void aDeadLetterThatARewindAsksForAgainIsSettledAndNotToldTwice() {
    Verdict.DeadLetter verdict =
        new Verdict.DeadLetter(DeadLetterReason.INVALID_RECORD, "no key", true);
    InFlight first = InFlights.event();
    InFlight again = InFlights.event();
    settler.deadLetter(first, verdict);
    settler.deadLetter(again, verdict);
    turn();
    assertThat(settler.isUpToDate()).isTrue();
    assertThat(facts())
        .containsExactly(new Fact.DeadLettered("a", DeadLetterReason.INVALID_RECORD, 1));
  }

  @Test
  void damageThatARewindAsksForAgainIsSettledAndNotToldTwice() throws IOException {
    long cycle = append(1);
    settler.quarantine(InFlights.damage(cycle, 100, 200), "hole");
    settler.quarantine(InFlights.damage(cycle, 100, 200), "hole");
    turn();
    assertThat(settler.isUpToDate()).isTrue();
    assertThat(facts()).containsExactly(new Fact.Quarantined(cycle, 100, 100, "hole"));
  }

  @Test
  void aFailedSyncIsNotForgottenWhileTheLockToMarkItsCycleIsHeldByAnother() throws Exception {
    long failed = append(1);
    failing = DiskStep.PAYLOAD;
    settler.settled(upTo(1, failed));
    try (WritersLock lock =
        new WritersLock(options.paths().lock(), Disk.REAL, new SplittableRandom(1))) {
      lock.acquire(Duration.ofSeconds(5));
      CompletableFuture.runAsync(this::turn).get(60, TimeUnit.SECONDS);
      lock.release();
    }
    failing = null;
    nanos += Duration.ofSeconds(2).toNanos();
    settler.settled(upTo(2, failed));
    turn();
    assertThat(position()).isEmpty();
    assertThat(StateFile.read(options.paths().state()).orElseThrow().failedCycles())
        .containsExactly(failed);
  }

  /** Nobody else may ever append to a lane's outbox, and a disk that fails stays so for long. */
  @Test
  void whoParkedWhatAFailedCycleHoldsIsAskedToPutSomethingBehindItEverMoreSeldom()
      throws IOException {
    Main main = new Main();
    settler.close();
    settler = openOf(main);
    long failed = append(1);
    failing = DiskStep.PAYLOAD;
    settler.settled(upTo(1, failed));
    turn();
    assertThat(main.helpedFor).isEmpty();
    for (int second = 0; second < 1000; second++) {
      nanos += Duration.ofSeconds(1).toNanos();
      turn();
    }
    assertThat(main.helpedFor).hasSizeBetween(8, 12).containsOnly(1L);
    assertThat(position()).isEmpty();

    now = now.plus(Duration.ofHours(1));
    failing = null;
    settler.settled(upTo(2, append(1)));
    turn();
    assertThat(position().orElseThrow().sequence()).isEqualTo(2);
    assertThat(main.helpedFor).containsOnly(1L);
  }

  @Test
  void whatDeliveryWaitsForDoesNotWaitForAnEndMarkThatCannotBeWritten() throws Exception {
    long open = append(1);
    now = now.plus(Duration.ofHours(1));
    append(1);
    InFlight dead = InFlights.event();
    try (WritersLock lock =
        new WritersLock(options.paths().lock(), Disk.REAL, new SplittableRandom(1))) {
      lock.acquire(Duration.ofSeconds(5));
      settler.seal(open);
      settler.deadLetter(
          dead, new Verdict.DeadLetter(DeadLetterReason.INVALID_RECORD, "no key", true));
      CompletableFuture.runAsync(this::turn).get(60, TimeUnit.SECONDS);
      assertThat(settler.isUpToDate()).isTrue();
      lock.release();
    }
    assertThat(facts())
        .contains(new Fact.DeadLettered("a", DeadLetterReason.INVALID_RECORD, 1))
        .anyMatch(fact -> fact instanceof Fact.Failed failed && failed.part() == Part.SEAL);
    nanos += Duration.ofSeconds(2).toNanos();
    turn();
    assertThat(facts()).contains(new Fact.Recovered(Part.SEAL));
  }

  @Test
  void aPositionThatSomebodyTookAwayIsThereAgainWithTheNextOne() throws IOException {
    long cycle = append(1);
    settler.undelivered(1, 1, InFlight.Outcome.DEAD);
    settler.settled(upTo(1, cycle));
    turn();
    Path file = options.paths().position();
    byte[] before = Files.readAllBytes(file);
    Files.delete(file);
    Files.delete(options.paths().outcomes());
    settler.undelivered(2, 2, InFlight.Outcome.QUARANTINED);
    settler.settled(upTo(2, cycle));
    turn();
    assertThat(position().orElseThrow().sequence()).isEqualTo(2);
    assertThat(OutcomesFile.read(options.paths().outcomes())).hasSize(2);

    Files.delete(file);
    Files.write(file, before);
    settler.settled(upTo(3, cycle));
    turn();
    assertThat(position().orElseThrow().sequence()).isEqualTo(3);
  }

  /** It was not, so that memory grew with all that came, and a kill repeated it. */
  @Test
  void thePositionIsSavedWhileThereIsAlwaysMoreToDo() throws IOException {
    Verdict.DeadLetter verdict = new Verdict.DeadLetter(DeadLetterReason.TOO_LARGE, "large", true);
    int[] left = {100_000};
    deadLetters.added =
        () -> {
          if (left[0]-- > 0) {
            settler.deadLetter(InFlights.event(), verdict);
          }
        };
    settler.deadLetter(InFlights.event(), verdict);
    settler.settled(upTo(1, append(1)));
    assertThat(settler.doWork()).isPositive();
    assertThat(settler.saved()).isNotNull();
    assertThat(left[0]).isPositive();
    assertThat(settler.isUpToDate()).isFalse();
  }

  @Test
  void aDeadLetterIsForgottenOnceThePositionIsBehindIt() throws IOException {
    settler.deadLetter(
        InFlights.event(), new Verdict.DeadLetter(DeadLetterReason.TOO_LARGE, "large", true));
    turn();
    assertThat(deadLetters.sequences).containsExactly(1L);
    settler.settled(upTo(1, append(1)));
    turn();
    assertThat(deadLetters.sequences).isEmpty();
  }

  @Test
  void afterAFailedSyncOfACycleThePositionMovesOnlyInTheNextOneAndWritersGoOnThere()
      throws IOException {
    long failed = append(1);
    failing = DiskStep.PAYLOAD;
    settler.settled(upTo(1, failed));
    turn();
    failing = null;
    assertThat(StateFile.read(options.paths().state()).orElseThrow().failedCycles())
        .containsExactly(failed);

    nanos += Duration.ofSeconds(2).toNanos();
    settler.settled(upTo(2, failed));
    turn();
    assertThat(position()).isEmpty();

    long next = append(1);
    assertThat(next).isGreaterThan(failed);
    settler.settled(upTo(3, next));
    turn();
    assertThat(position().orElseThrow().sequence()).isEqualTo(3);
  }
}
