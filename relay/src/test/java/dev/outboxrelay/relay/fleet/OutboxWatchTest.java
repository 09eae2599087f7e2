package dev.outboxrelay.relay.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.ManualClocks;
import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.kafka.ProducerWatch;
import dev.outboxrelay.relay.pipeline.OutboxContext;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineRefused;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.Service;
import dev.outboxrelay.relay.pipeline.Service.Stage;
import dev.outboxrelay.relay.pipeline.Statuses;
import dev.outboxrelay.relay.sync.OutboxSync;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class OutboxWatchTest {
  private static final Path A = Path.of("/outboxes/a");
  private static final Path B = Path.of("/outboxes/b");
  private static final Duration IDLE_AFTER = Duration.ofMinutes(2);

  private final ManualClocks time = new ManualClocks();
  private final FakeFiles files = new FakeFiles();
  private final Map<Path, List<FakeService>> services = new ConcurrentHashMap<>();
  private final Noted noted = new Noted();
  private OutboxWatch watch = watch(Runnable::run);

  private final Set<Path> held = new HashSet<>();
  private int claims;

  private OutboxWatch watch(Executor threads) {
    return new OutboxWatch(
        new WatchContext(
            this::claim,
            files,
            outbox ->
                new OutboxSync(WriterOptions.of(new OutboxPaths(outbox)), InstantSource.system()),
            noted,
            time.clocks(),
            IDLE_AFTER,
            new SplittableRandom(1),
            threads));
  }

  private WatchContext.Claim claim(Path outbox) {
    claims++;
    if (files.impossible.contains(outbox)) {
      throw new IllegalArgumentException("no cycle has this number");
    }
    if (held.contains(outbox)) {
      throw new PipelineRefused.HeldByAnother("another relay");
    }
    held.add(outbox);
    return new WatchContext.Claim() {
      @Override
      public Service open(OutboxContext around) {
        held.remove(outbox); // its service has it, of which a test says when it ends
        FakeService service = new FakeService();
        services.computeIfAbsent(outbox, each -> new ArrayList<>()).add(service);
        return service;
      }

      @Override
      public void giveUp(Throwable failure) {
        held.remove(outbox);
      }
    };
  }

  private static final class FakeService implements Service {
    private Stage stage = new Stage.Opening();
    private boolean stopped;

    @Override
    public Stage stage() {
      return stage;
    }

    @Override
    public void giveUp() {
      stop();
    }

    @Override
    public void stop() {
      stopped = true;
    }

    void opens(Path outbox) {
      stage = new Stage.Open(() -> Statuses.idle(outbox, 0));
    }

    void ends(Path outbox, PipelineEnd end) {
      stage = new Stage.Ended(end, Statuses.idle(outbox, 0));
    }
  }

  private static final class FakeFiles implements OutboxFiles {
    private final Map<Path, Object> present = new LinkedHashMap<>();
    private final Set<Path> waiting = new HashSet<>();
    private final Set<Path> oldCycles = new HashSet<>();
    private final Set<Path> impossible = new HashSet<>();
    private final CountDownLatch disk = new CountDownLatch(1);
    private List<Path> unreadable = List.of();
    private Path hanging;

    @Override
    public Found search() {
      return new Found(new LinkedHashMap<>(present), unreadable);
    }

    @Override
    public boolean isSettled(Path outbox) {
      if (impossible.contains(outbox)) {
        throw new IllegalArgumentException("no cycle has this number");
      }
      if (outbox.equals(hanging)) {
        try {
          disk.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      return !waiting.contains(outbox);
    }

    @Override
    public boolean hasOldCycles(Path outbox) {
      return oldCycles.contains(outbox);
    }
  }

  private static final class Noted implements FleetListener {
    private final List<String> told = new CopyOnWriteArrayList<>();
    private boolean refusing;

    @Override
    public FactListener listener(Path outbox, Counts counts) {
      if (refusing) {
        throw new IllegalArgumentException("no such series");
      }
      told.add("listener " + outbox.getFileName());
      return FactListener.NONE;
    }

    @Override
    public ProducerWatch producers(Path outbox) {
      return ProducerWatch.NONE;
    }

    @Override
    public void watch(Path outbox, Supplier<PipelineStatus> status) {
      assertThat(status.get()).isNotNull();
      told.add("watch " + outbox.getFileName());
    }

    @Override
    public void onHold(Path outbox, Optional<String> reason) {
      told.add(outbox.getFileName() + " on hold " + reason.orElse("no more"));
    }

    @Override
    public void gone(Path outbox) {
      told.add("gone " + outbox.getFileName());
    }
  }

  private void appears(Path outbox, boolean waiting) {
    files.present.put(outbox, outbox + " 1");
    if (waiting) {
      files.waiting.add(outbox);
    }
    watch.doWork();
  }

  private FakeService service(Path outbox) {
    List<FakeService> all = services.get(outbox);
    return all.get(all.size() - 1);
  }

  private int attempts(Path outbox) {
    return services.getOrDefault(outbox, List.of()).size();
  }

  private void opened(Path outbox) {
    appears(outbox, true);
    service(outbox).opens(outbox);
    watch.doWork();
  }

  private void later(Duration duration) {
    time.advance(duration);
    watch.doWork();
  }

  @Test
  void oneThatAppearsWithEventsIsServedAndOneWithoutIsOnlyWatched() {
    opened(A);
    appears(B, false);

    assertThat(watch.status().open()).extracting(PipelineStatus::outbox).containsExactly(A);
    assertThat(attempts(B)).isZero();

    files.waiting.add(B);
    watch.doWork();
    assertThat(attempts(B)).isEqualTo(1);
  }

  @Test
  void withNothingThereItIsReady() {
    watch.doWork();

    assertThat(watch.status().isReady()).isTrue();
    assertThat(watch.status().stuck(time.clocks().nanos(), Duration.ofSeconds(15))).isEmpty();
  }

  @Test
  void oneThatIsRefusedIsOnHoldWithItsReasonAndDoesNotTouchTheOthers() {
    opened(A);
    appears(B, true);
    service(B).stage = new Stage.Refused(new PipelineRefused.NeedsOperator("restore it"));
    watch.doWork();

    assertThat(watch.status().onHold())
        .containsExactly(
            new OutboxOnHold(
                B, OutboxOnHold.NEEDS_OPERATOR, "restore it", time.clocks().millis(), 1));
    assertThat(watch.status().open()).extracting(PipelineStatus::outbox).containsExactly(A);
    assertThat(service(A).stopped).isFalse();
    assertThat(noted.told).containsSubsequence("listener b", "b on hold needs-operator");
  }

  @Test
  void oneOfWhichNobodyThoughtIsOnHoldAndEndsNoOther() {
    files.impossible.add(A);
    appears(A, true);
    opened(B);

    assertThat(watch.status().onHold()).extracting(OutboxOnHold::outbox).containsExactly(A);
    assertThat(watch.status().open()).extracting(PipelineStatus::outbox).containsExactly(B);
  }

  /** It said for ever that another relay served it, which was the relay itself. */
  @Test
  void whatFailsBetweenTheClaimAndTheServiceLeavesTheOutboxForTheNextTry() {
    noted.refusing = true;
    appears(A, true);
    assertThat(watch.status().onHold()).hasSize(1);
    noted.refusing = false;

    later(Duration.ofMinutes(1));
    assertThat(attempts(A)).isEqualTo(1);
  }

  @Test
  void oneOnHoldIsSyncedUnlessAnotherRelaySeesToThat() {
    appears(A, true);
    service(A).stage =
        new Stage.Refused(new PipelineRefused.Unusable("chmod its dead letters", null));
    watch.doWork();
    assertThat(watch.syncs()).hasSize(1);

    held.add(B);
    appears(B, true);
    assertThat(watch.status().onHold()).hasSize(2);
    assertThat(watch.syncs()).hasSize(1);
  }

  @Test
  void oneThatStopsBeforeWhatAnotherVersionWroteIsOnHoldWithThat() {
    opened(A);
    service(A).stage = new Stage.Ended(new PipelineEnd.OtherFormat("upgrade"), Statuses.idle(A, 0));
    watch.doWork();

    assertThat(watch.status().onHold())
        .containsExactly(
            new OutboxOnHold(A, OutboxOnHold.OTHER_FORMAT, "upgrade", time.clocks().millis(), 1));
  }

  @Test
  void oneOnHoldIsTriedAgainEverLessOftenAndForgottenOnceItOpens() {
    appears(A, true);
    List<Integer> attemptsAfterAMinute = new ArrayList<>();
    for (int minute = 0; minute < 3; minute++) {
      for (int i = 0; i < 120; i++) {
        if (service(A).stage instanceof Stage.Opening) {
          service(A).stage = new Stage.Refused(new PipelineRefused.Unusable("chmod it", null));
        }
        later(Duration.ofMillis(500));
      }
      attemptsAfterAMinute.add(attempts(A));
    }
    int first = attemptsAfterAMinute.get(0);
    assertThat(first).isBetween(5, 12);
    assertThat(attemptsAfterAMinute.get(2) - attemptsAfterAMinute.get(1)).isBetween(2, 4);

    later(Duration.ofSeconds(31));
    service(A).opens(A);
    watch.doWork();
    assertThat(watch.status().onHold()).isEmpty();
    assertThat(watch.status().open()).hasSize(1);
    assertThat(noted.told).last().isEqualTo("a on hold no more");
  }

  @Test
  void oneThatAnotherRelayHoldsIsAskedForEverySecondForAsLongAsItTakes() {
    held.add(A);
    appears(A, true);
    for (int i = 1; i <= 500; i++) {
      assertThat(claims).isEqualTo(i);
      later(Duration.ofSeconds(1));
    }
    assertThat(watch.status().onHold().get(0).attempts()).isEqualTo(501);
    assertThat(attempts(A)).as("nothing is opened").isZero();
    assertThat(noted.told).doesNotContain("listener a", "watch a");

    held.clear();
    later(Duration.ofSeconds(1));
    service(A).opens(A);
    watch.doWork();
    assertThat(watch.status().onHold()).isEmpty();
    assertThat(noted.told).endsWith("listener a", "watch a", "a on hold no more");
  }

  @Test
  void whatWasShownOfOneEndsOnceWhenAnotherRelayTakesItAndBeginsAnewWhenItIsOursAgain() {
    opened(A);
    files.waiting.remove(A);
    later(IDLE_AFTER);
    service(A).ends(A, new PipelineEnd.Stopped(0, true));
    watch.doWork();
    noted.told.clear();

    held.add(A);
    files.waiting.add(A);
    watch.doWork();
    assertThat(noted.told).containsExactly("gone a", "a on hold held");
    for (int second = 0; second < 10; second++) {
      later(Duration.ofSeconds(1));
    }
    assertThat(noted.told).containsOnlyOnce("gone a").doesNotContain("listener a", "watch a");

    held.clear();
    later(Duration.ofSeconds(1));
    service(A).opens(A);
    watch.doWork();
    assertThat(noted.told).endsWith("listener a", "watch a", "a on hold no more");
  }

  @Test
  void aPipelineThatFailsOrIsFencedIsOpenedAgain() {
    opened(A);
    service(A).ends(A, new PipelineEnd.Failed(new IllegalStateException("a defect")));
    watch.doWork();
    assertThat(watch.status().onHold().get(0).reason()).isEqualTo(OutboxOnHold.FAILED);
    assertThat(watch.status().onHold().get(0).error()).contains("a defect");

    later(Duration.ofSeconds(1));
    service(A).opens(A);
    watch.doWork();
    service(A).ends(A, new PipelineEnd.Fenced("epoch"));
    watch.doWork();
    assertThat(watch.status().onHold().get(0).reason()).isEqualTo(OutboxOnHold.FENCED);
    assertThat(attempts(A)).isEqualTo(2);
  }

  @Test
  void onePipelineThatFindsItsOutboxGoneIsLetGoOfAndWhatIsThereIsFoundAnew() {
    opened(A);
    service(A).ends(A, new PipelineEnd.OutboxGone());
    watch.doWork();
    assertThat(watch.status().onHold()).isEmpty();
    watch.doWork();
    assertThat(noted.told).endsWith("gone a");

    watch.doWork();
    watch.doWork();
    assertThat(attempts(A)).isEqualTo(2);
  }

  @Test
  void oneWhoseDiskHangsHoldsUpNoOtherAndIsNamedUntilItAnswers() {
    ExecutorService threads = Executors.newCachedThreadPool();
    try {
      watch = watch(threads);
      files.hanging = A;
      appears(A, true);
      opened(B);
      assertThat(watch.status().open()).extracting(PipelineStatus::outbox).containsExactly(B);
      assertThat(watch.status().onHold()).isEmpty();

      later(Duration.ofSeconds(15));
      assertThat(watch.status().onHold()).extracting(OutboxOnHold::outbox).containsExactly(A);
      assertThat(watch.status().onHold().get(0).reason()).isEqualTo(OutboxOnHold.UNUSABLE);
      assertThat(watch.status().onHold().get(0).error()).contains("its disk does not answer");

      files.disk.countDown();
      await()
          .untilAsserted(
              () -> {
                watch.doWork();
                assertThat(attempts(A)).isEqualTo(1);
              });
      service(A).opens(A);
      watch.doWork();
      assertThat(watch.status().open()).hasSize(2);
      assertThat(watch.status().onHold()).isEmpty();
      assertThat(noted.told).containsSubsequence("a on hold unusable", "a on hold no more");
    } finally {
      files.disk.countDown();
      threads.shutdown();
    }
  }

  @Test
  void oneThatNeverComesToAnOpeningIsNamed() {
    appears(A, true);
    later(Duration.ofSeconds(15));
    assertThat(watch.status().onHold()).extracting(OutboxOnHold::outbox).containsExactly(A);

    service(A).opens(A);
    watch.doWork();
    assertThat(watch.status().onHold()).isEmpty();
  }

  @Test
  void oneThatIsSettledAndQuietIsPutAsideAndOpenedForTheNextEvent() {
    opened(A);
    files.waiting.remove(A);
    later(IDLE_AFTER.minusSeconds(1));
    assertThat(service(A).stopped).isFalse();

    later(Duration.ofSeconds(1));
    assertThat(service(A).stopped).isTrue();
    service(A).ends(A, new PipelineEnd.Stopped(0, true));
    watch.doWork();
    assertThat(watch.status().onHold()).isEmpty();
    later(Duration.ofMinutes(30));
    assertThat(attempts(A)).isEqualTo(1);

    files.waiting.add(A);
    later(Duration.ofSeconds(1));
    assertThat(attempts(A)).isEqualTo(2);
  }

  @Test
  void anEventInBetweenKeepsItOpen() {
    opened(A);
    files.waiting.remove(A);
    later(IDLE_AFTER.minusSeconds(1));
    files.waiting.add(A);
    later(Duration.ofSeconds(1));
    files.waiting.remove(A);
    later(IDLE_AFTER.minusSeconds(1));

    assertThat(service(A).stopped).isFalse();
  }

  @Test
  void oneThatKeepsSettledCyclesIsOpenedOnceAnHourToDeleteThem() {
    files.oldCycles.add(A);
    appears(A, false);
    later(Duration.ofMinutes(59));
    assertThat(attempts(A)).isZero();

    later(Duration.ofMinutes(1));
    assertThat(attempts(A)).isEqualTo(1);
  }

  @Test
  void oneWhoseDirectoryIsGoneEndsCleanlyAndIsForgotten() {
    opened(A);
    files.present.clear();
    watch.doWork();
    assertThat(service(A).stopped).isTrue();
    assertThat(noted.told).doesNotContain("gone a");

    service(A).ends(A, new PipelineEnd.Stopped(0, true));
    watch.doWork();
    assertThat(noted.told).containsExactly("listener a", "watch a", "gone a");
    assertThat(watch.status().open()).isEmpty();
  }

  @Test
  void oneThatTookAnothersPlaceIsServedAfterThatHasEnded() {
    opened(A);
    files.present.put(A, "another directory");
    watch.doWork();
    assertThat(service(A).stopped).isTrue();
    watch.doWork();
    assertThat(attempts(A)).isEqualTo(1);

    service(A).ends(A, new PipelineEnd.Stopped(0, true));
    watch.doWork();
    watch.doWork();
    assertThat(attempts(A)).isEqualTo(2);
  }

  @Test
  void oneInADirectoryThatCannotBeReadAtThisMomentStays() {
    opened(A);
    files.present.clear();
    files.unreadable = List.of(A.getParent());
    watch.doWork();

    assertThat(service(A).stopped).isFalse();
  }

  @Test
  void aStopEndsAllAtOnceAndSumsUpWhatWasInFlight() {
    opened(A);
    opened(B);
    watch.stop();
    watch.doWork();
    assertThat(service(A).stopped).isTrue();
    assertThat(service(B).stopped).isTrue();
    assertThat(watch.end()).isEmpty();

    service(A).ends(A, new PipelineEnd.Stopped(3, true));
    watch.doWork();
    assertThat(watch.end()).isEmpty();
    service(B).ends(B, new PipelineEnd.Stopped(4, false));
    watch.doWork();
    assertThat(watch.end()).hasValue(new PipelineEnd.Stopped(7, false));
  }

  @Test
  void aStopDoesNotWaitForOneThatStillOpens() {
    appears(A, true);
    watch.stop();
    watch.doWork();

    assertThat(service(A).stopped).isTrue();
    assertThat(watch.end()).hasValue(new PipelineEnd.Stopped(0, true));
  }

  @Test
  void theLoopOfOneThatIsStuckIsNamed() {
    opened(A);
    later(Duration.ofSeconds(16));

    assertThat(watch.status().stuck(time.clocks().nanos(), Duration.ofSeconds(15)))
        .hasValueSatisfying(loop -> assertThat(loop).contains(A.toString()));
  }
}
