package dev.outboxrelay.relay.sync;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.rounds.Rounds;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SyncTickTest {
  private static final Duration INTERVAL = Duration.ofMillis(200);

  @TempDir private Path directory;
  private OutboxPaths paths;
  private Outbox client;
  private OutboxSync sync;

  /** Where a worker would run it. */
  private final Queue<Runnable> handedOver = new ArrayDeque<>();

  /** Names of the files that were synced, in order; a directory's ends with a slash. */
  private final List<String> synced = new ArrayList<>();

  private long nanos;
  private long fdatasyncNanos;
  private boolean failing;
  private boolean directoryFailing;
  private Runnable duringSync = () -> {};
  private SyncTick tick;

  @BeforeEach
  void begin() {
    paths = new OutboxPaths(directory.resolve("outbox"));
    client = Outbox.builder().path(paths.root()).open();
    sync = new OutboxSync(WriterOptions.of(paths).withDisk(disk()), InstantSource.system());
    tick = ticking(Runnable::run, sync);
  }

  @AfterEach
  void end() {
    client.close();
    sync.close();
  }

  private SyncTick ticking(Executor looks, OutboxSync... outboxes) {
    Rounds<OutboxSync> rounds = new Rounds<>(looks, Duration.ofMillis(50));
    return ticking(rounds, outboxes);
  }

  private SyncTick ticking(Rounds<OutboxSync> rounds, OutboxSync... outboxes) {
    return new SyncTick(() -> List.of(outboxes), handedOver::add, rounds, INTERVAL, () -> nanos);
  }

  /** The real one, with fdatasyncs that take time or fail. */
  private Disk disk() {
    Disk real = WriterOptions.of(paths).disk();
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("sync") && arguments[0] instanceof FileChannel) {
                synced.add("cycle");
                nanos += fdatasyncNanos;
                duringSync.run();
                if (failing) {
                  throw new IOException("Input/output error");
                }
              } else if (method.getName().equals("syncDirectory")) {
                synced.add(((Path) arguments[0]).getFileName() + "/");
                if (directoryFailing) {
                  throw new IOException("Input/output error");
                }
              }
              try {
                return method.invoke(real, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private void append() {
    client.append(OutboxEvent.of("a", "value"));
  }

  /** The next tick, and what comes of it. */
  private void turn() {
    nanos += tick.idleNanos();
    tick.doWork();
    for (Runnable work = handedOver.poll(); work != null; work = handedOver.poll()) {
      work.run();
    }
  }

  private List<Fact> facts() {
    List<Fact> facts = new ArrayList<>();
    for (Fact fact = sync.poll(); fact != null; fact = sync.poll()) {
      facts.add(fact);
    }
    return facts;
  }

  @Test
  void whatWasAppendedIsSyncedOnceAndNothingElseEver() {
    append();
    turn();
    assertThat(synced).containsExactly("queue/", "cycle");
    turn();
    turn();
    assertThat(synced).containsExactly("queue/", "cycle");
    append();
    turn();
    assertThat(synced).containsExactly("queue/", "cycle", "cycle");
  }

  @Test
  void nothingIsLookedAtBeforeTheIntervalIsOver() {
    append();
    turn();
    append();
    nanos += INTERVAL.toNanos() - 1;
    assertThat(tick.doWork()).isZero();
    nanos += 1;
    assertThat(tick.doWork()).isEqualTo(1);
  }

  @Test
  void whatIsNotSyncedYetIsToldWithItsAge() {
    turn();
    append();
    nanos += tick.idleNanos();
    tick.doWork();
    assertThat(sync.unsynced().bytes()).isPositive();
    assertThat(sync.unsynced().sinceMillis()).isPresent();
    handedOver.remove().run();
    assertThat(sync.unsynced()).isEqualTo(OutboxSync.Unsynced.NOTHING);
  }

  @Test
  void anOutboxWhoseDiskHangsHoldsUpNoOther() {
    OutboxPaths other = new OutboxPaths(directory.resolve("other"));
    try (Outbox otherClient = Outbox.builder().path(other.root()).open();
        OutboxSync otherSync = new OutboxSync(WriterOptions.of(other), InstantSource.system())) {
      tick = ticking(Runnable::run, sync, otherSync);
      append();
      tick.doWork();
      Runnable hanging = handedOver.remove();
      otherClient.append(OutboxEvent.of("a", "value"));
      append();
      nanos += INTERVAL.toNanos();
      assertThat(tick.doWork()).isEqualTo(1);
      handedOver.remove().run();
      assertThat(otherSync.unsynced()).isEqualTo(OutboxSync.Unsynced.NOTHING);
      hanging.run();
    }
  }

  @Test
  void anOutboxWhoseFilesCannotEvenBeLookedAtHoldsUpNoOther() {
    OutboxPaths other = new OutboxPaths(directory.resolve("other"));
    ExecutorService looks = Executors.newCachedThreadPool();
    CountDownLatch disk = new CountDownLatch(1);
    try (Outbox otherClient = Outbox.builder().path(other.root()).open();
        OutboxSync otherSync = new OutboxSync(WriterOptions.of(other), InstantSource.system())) {
      Rounds<OutboxSync> rounds = new Rounds<>(looks, Duration.ofMillis(50));
      rounds.visit(List.of(sync), any -> awaitUninterruptibly(disk));
      assertThat(rounds.isLeftBehind(sync)).isTrue();
      tick = ticking(rounds, sync, otherSync);
      append();
      otherClient.append(OutboxEvent.of("a", "value"));
      turn();
      assertThat(otherSync.unsynced()).isEqualTo(OutboxSync.Unsynced.NOTHING);
      assertThat(synced).as("the real disk of the other one is not noted").isEmpty();
    } finally {
      disk.countDown();
      looks.shutdown();
    }
  }

  private static void awaitUninterruptibly(CountDownLatch disk) {
    try {
      disk.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void whatIsAppendedDuringASyncThatOutlastsTheIntervalWaitsForNoOtherTick() {
    append();
    fdatasyncNanos = INTERVAL.toNanos() * 2;
    duringSync =
        () -> {
          duringSync = () -> {};
          append();
        };
    turn();
    assertThat(synced).containsExactly("queue/", "cycle", "cycle");
    assertThat(sync.unsynced()).isEqualTo(OutboxSync.Unsynced.NOTHING);
  }

  @Test
  void aCycleThatCouldNotBeSyncedIsLeftByTheWritersAndNeverVouchedFor() throws IOException {
    append();
    failing = true;
    turn();
    long cycle = paths.cycles().get(0);
    assertThat(facts()).singleElement().isInstanceOf(Fact.Failed.class);
    OutboxState state = StateFile.read(paths.state()).orElseThrow();
    assertThat(state.failedCycles()).containsExactly(cycle);

    failing = false;
    turn();
    assertThat(sync.unsynced().bytes()).isPositive();
    assertThat(facts()).isEmpty();

    append();
    turn();
    assertThat(paths.cycles()).hasSize(2);
    assertThat(sync.unsynced()).isEqualTo(OutboxSync.Unsynced.NOTHING);
    assertThat(facts()).containsExactly(new Fact.Recovered(Part.SYNC));
  }

  @Test
  void thatItIsOverIsToldEvenIfNobodyFetchedAllTheFailuresBefore() {
    append();
    directoryFailing = true;
    for (int tries = 0; tries < 100; tries++) {
      turn();
    }
    directoryFailing = false;
    turn();
    List<Fact> facts = facts();
    assertThat(facts.get(facts.size() - 1)).isEqualTo(new Fact.Recovered(Part.SYNC));
  }

  @Test
  void aStateThatNoWriterOfOursWroteHoldsUpNoOtherOutbox() throws IOException {
    OutboxPaths other = new OutboxPaths(directory.resolve("other"));
    try (Outbox otherClient = Outbox.builder().path(other.root()).open();
        OutboxSync otherSync = new OutboxSync(WriterOptions.of(other), InstantSource.system())) {
      tick = ticking(Runnable::run, sync, otherSync);
      append();
      ImpossibleStates.cycle(paths.state(), 1L << 40);
      otherClient.append(OutboxEvent.of("a", "value"));
      turn();
      assertThat(otherSync.unsynced()).isEqualTo(OutboxSync.Unsynced.NOTHING);
      assertThat(handedOver).isEmpty();
      assertThat(otherSync.look()).isFalse();
    }
    assertThat(facts()).singleElement().isInstanceOf(Fact.Failed.class);
  }

  @Test
  void anOutboxThatIsNotThereIsNoReasonToFail() throws IOException {
    try (OutboxSync none =
        new OutboxSync(
            WriterOptions.of(new OutboxPaths(directory.resolve("none"))), InstantSource.system())) {
      assertThat(none.look()).isFalse();
      assertThat(none.poll()).isNull();
    }
  }
}
