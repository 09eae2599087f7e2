package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.copy.CopiedLetters;
import dev.outboxrelay.relay.copy.LetterCopier;
import dev.outboxrelay.relay.deliver.Backoff;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.kafka.KafkaTransport;
import dev.outboxrelay.relay.kafka.OtherSide;
import dev.outboxrelay.relay.kafka.ProducerFactory;
import dev.outboxrelay.relay.kafka.ProducerWatch;
import dev.outboxrelay.relay.kafka.RecordTimes;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.rounds.WorkThread;
import java.io.IOException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies an outbox's dead letters to their topic on a thread of its own, so that neither delivery
 * nor the settling of the letters themselves waits for it, whatever it meets.
 */
final class LetterCopies implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LetterCopies.class);

  /** Producers of one process are told apart by it, also where the relay has one outbox. */
  private static final String SUFFIX = "-dead-letters";

  /** More than the headers of a copy that its event does not have. */
  private static final int HEADER_BYTES = 8 << 10;

  /** What is on its way is sent again by the next run; others are not to wait for it. */
  private static final long LAST_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final Duration PEER_PATIENCE = Duration.ofSeconds(1);

  private final LetterCopier copier;
  private final Clocks clocks;
  private final Thread thread;
  private volatile boolean stopping;

  private LetterCopies(LetterCopier copier, Clocks clocks) {
    this.copier = copier;
    this.clocks = clocks;
    this.thread = new WorkThread(this::run, "outbox-copy");
  }

  /**
   * Begins.
   *
   * @param topic to which they go
   * @param paths of the outbox whose dead letters they are, as it is held
   * @throws WorkThread.Unavailable if there are no more threads
   */
  static LetterCopies start(
      String topic,
      RelayConfig config,
      Supplier<KafkaSettings> kafka,
      OutboxPaths paths,
      UUID outboxId,
      Company company,
      Clocks clocks) {
    LetterCopier copier =
        new LetterCopier(
            paths,
            new LetterCopier.Settings(
                topic,
                () -> sender(config, kafka, company.producerSuffix(outboxId) + SUFFIX, clocks),
                company.copies(),
                new Backoff(config.backoff().min(), config.backoff().max()),
                config.checkpointInterval(),
                config.writerOptions().disk(),
                clocks));
    LetterCopies copies = new LetterCopies(copier, clocks);
    copies.thread.start();
    return copies;
  }

  /** None are made of this outbox: nobody is told of any that are left. */
  static void off(OutboxPaths paths, Disk disk) {
    try {
      CopiedLetters.switchOff(paths.deadLetters(), disk);
    } catch (IOException | OutboxError e) {
      LOG.atWarn()
          .addKeyValue("error", e.getMessage())
          .log("status tells of dead letters that are not copied, though none are to be");
    }
  }

  private static LetterCopier.Sender sender(
      RelayConfig config, Supplier<KafkaSettings> kafka, String suffix, Clocks clocks) {
    KafkaTransport transport =
        new KafkaTransport(
            ProducerFactory.of(suffix, HEADER_BYTES),
            new RecordTimes(config.recordTimestamp(), clocks.wall()),
            config.partitioner(),
            kafka,
            clocks.monotonic(),
            ProducerWatch.NONE,
            new OtherSide(config.clusterId(), PEER_PATIENCE));
    return new LetterCopier.Sender(transport, transport);
  }

  private void run() {
    while (!stopping) {
      if (turn() == 0) {
        LockSupport.parkNanos(this, copier.pauseNanos());
      }
    }
    long deadline = clocks.nanos() + LAST_WAIT_NANOS;
    copier.drain(deadline);
    while (!copier.isDrained() && clocks.nanos() - deadline < 0) {
      if (turn() == 0) {
        LockSupport.parkNanos(this, PAUSE_NANOS);
      }
    }
    copier.close();
  }

  private int turn() {
    try {
      return copier.doWork();
    } catch (OutOfMemoryError e) {
      throw e; // ends the process
    } catch (RuntimeException | Error e) {
      copier.failed(e);
      return 0;
    }
  }

  /** How many letters are not copied, as far as that is known. From any thread. */
  OptionalLong left() {
    return OptionalLong.of(copier.left());
  }

  /** The next fact to tell, or null. For the delivery thread. */
  Fact poll() {
    return copier.poll();
  }

  /** Copies no more; {@link #close} then has little to wait for. */
  void stop() {
    stopping = true;
    LockSupport.unpark(thread);
  }

  @Override
  public void close() {
    stop();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
