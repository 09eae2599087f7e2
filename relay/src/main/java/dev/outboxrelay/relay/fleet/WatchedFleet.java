package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.config.OutboxSelection;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.pipeline.OldestWaiting;
import dev.outboxrelay.relay.pipeline.OutboxContext;
import dev.outboxrelay.relay.pipeline.Pipeline;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineThread;
import dev.outboxrelay.relay.pipeline.RelayLock;
import dev.outboxrelay.relay.pipeline.Service;
import dev.outboxrelay.relay.pipeline.Shares;
import dev.outboxrelay.relay.rounds.Rounds;
import dev.outboxrelay.relay.rounds.WorkThread;
import dev.outboxrelay.relay.sync.OutboxSync;
import dev.outboxrelay.relay.sync.SyncThread;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All outboxes that {@code OUTBOX_DIRS} means, as they come and go. */
public final class WatchedFleet implements Fleet {
  /** Asking is cheaper than being told: inotify sees neither mounts nor what is behind them. */
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private static final long PAUSE_WHILE_STOPPING_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private static final Logger LOG = LoggerFactory.getLogger(WatchedFleet.class);

  private final OutboxWatch watch;
  private final SyncThread syncThread;
  private final Thread thread = new Thread(this::run, "outbox-watch");
  private final CompletableFuture<PipelineEnd> end = new CompletableFuture<>();

  private WatchedFleet(OutboxWatch watch, Duration syncInterval) {
    this.watch = watch;
    this.syncThread = SyncThread.start(watch::syncs, syncInterval);
  }

  /**
   * Looks for nothing yet.
   *
   * @param kafka the settings in use, from any thread
   */
  public static WatchedFleet of(
      RelayConfig config,
      OutboxSelection.Matching outboxes,
      Supplier<KafkaSettings> kafka,
      FleetListener listener) {
    Shares shares = Shares.ofProcess(config.window().maxBytes());
    Executor threads = Executors.newCachedThreadPool(work -> new WorkThread(work, "outbox-files"));
    WatchContext context =
        new WatchContext(
            outbox -> {
              RelayConfig one = config.forOutbox(outbox);
              RelayLock lock = RelayLock.take(outbox);
              return new WatchContext.Claim() {
                @Override
                public Service open(OutboxContext around) {
                  return PipelineThread.start(
                      outbox, lock, () -> Pipeline.open(one, kafka, lock, around, shares));
                }

                @Override
                public void giveUp(Throwable failure) {
                  lock.closeAfter(failure);
                }
              };
            },
            new OutboxSearch(
                outboxes.globs(),
                new Rounds<>(threads, OutboxSearch.PATIENCE),
                config.deadLetters().topic().isPresent()),
            outbox ->
                new OutboxSync(config.forOutbox(outbox).writerOptions(), Clocks.SYSTEM.wall()),
            listener,
            Clocks.SYSTEM,
            config.idleAfter(),
            new Random(),
            threads);
    return new WatchedFleet(new OutboxWatch(context), config.syncInterval());
  }

  @Override
  public Future<PipelineEnd> start() {
    thread.start();
    return end;
  }

  private void run() {
    try {
      while (watch.end().isEmpty()) {
        turn();
        LockSupport.parkNanos(this, watch.isStopping() ? PAUSE_WHILE_STOPPING_NANOS : PAUSE_NANOS);
      }
      end.complete(watch.end().get());
    } catch (OutOfMemoryError e) {
      throw e; // ends the process
    } catch (Throwable e) {
      end.complete(new PipelineEnd.Failed(e));
    }
  }

  private void turn() {
    try {
      watch.doWork();
    } catch (WorkThread.Unavailable e) {
      // The turn does not count: who asks for health sees that, should it last.
      LOG.atError().addKeyValue("error", e.getMessage()).log("outboxes not looked after");
    }
  }

  @Override
  public FleetStatus status() {
    return watch.status();
  }

  @Override
  public void look(OldestWaiting oldest) {
    watch.look(oldest);
  }

  @Override
  public void stop() {
    watch.stop();
    LockSupport.unpark(thread);
  }

  /** No outbox is open before it is started. */
  @Override
  public void close() {
    syncThread.close();
  }
}
