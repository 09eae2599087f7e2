package dev.outboxrelay.relay.copy;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.relay.copy.LetterCopier.Sender;
import dev.outboxrelay.relay.copy.LetterCopier.Settings;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.Delivery;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Lease;
import dev.outboxrelay.relay.deliver.Limits;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.Trouble;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * Copies what there is to copy, by a sender of its own, and saves how far it is. The sender waits
 * for Kafka as any other does; no state of it is anybody else's. For one thread.
 */
final class CopySession implements AutoCloseable {
  /** Enough to keep a sender busy, and little beside the outbox's own window. */
  private static final int MOST_RECORDS = 500;

  private static final long MOST_BYTES = 1 << 20;

  private static final Duration STALL = Duration.ofSeconds(5);
  private static final Duration LOST_ORDER = Duration.ofMinutes(2);
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final OutboxIdentity letters;
  private final Settings settings;
  private final CopyNews news;
  private final PositionFile file;
  private final LetterArrivals arrivals;
  private final CopySettlement settlement;
  private final Delivery delivery;
  private Settled saved;
  private IOException unsaved; // why the last save failed
  private long nextSaveNanos;

  /**
   * Begins to connect. Where copying goes on is written down first: what is done of letters
   * meanwhile does not keep them from being copied.
   *
   * @param held the dead letters; closed with the session
   */
  CopySession(HeldDirectories held, OutboxIdentity letters, Settings settings, CopyNews news)
      throws IOException {
    this.letters = letters;
    this.settings = settings;
    this.news = news;
    opened.push(held);
    try {
      Clocks clocks = settings.clocks();
      Disk disk = settings.disk();
      OutboxPaths paths = held.paths();
      saved = CopiedLetters.start(paths);
      file = open(PositionFile.open(paths.copied(), disk));
      file.save(CopiedLetters.position(saved, letters, clocks.millis()));
      CopiedLetters.switchedOn(paths, disk);
      arrivals =
          open(
              new LetterArrivals(
                  paths, settings.topic(), saved.bookmark(), disk, clocks.monotonic()));
      settlement = new CopySettlement(saved, news);
      Sender sender = settings.senders().get();
      open(sender.transport());
      delivery =
          new Delivery(
              arrivals,
              new Routes(sender.topics()),
              sender.transport(),
              settlement,
              settlement,
              new Limits(
                  MOST_RECORDS,
                  MOST_BYTES,
                  Lease.WHOLE, // of which few sessions have one: CopyTurns
                  settings.backoff(),
                  STALL,
                  LOST_ORDER,
                  0),
              new SplittableRandom(),
              clocks,
              saved,
              null);
    } catch (IOException | RuntimeException | Error e) {
      closeAfter(e);
      throw e;
    }
  }

  private <T extends AutoCloseable> T open(T resource) {
    opened.push(resource);
    return resource;
  }

  private void closeAfter(Throwable failure) {
    try {
      closeAll();
    } catch (Exception e) {
      failure.addSuppressed(e);
    }
  }

  /** One turn; returns how much was done. */
  int doWork(long now) {
    int work = delivery.doWork();
    long copied = settlement.takeCopied();
    if (copied > 0) {
      news.tell(new Fact.LettersCopied(copied));
    }
    if (isBehind() && now - nextSaveNanos >= 0) {
      save(now);
    }
    if (trouble() != null && failure() == null) {
      news.stands(trouble());
    }
    return work;
  }

  /** What keeps the copies from their topic; null if nothing does. */
  private Trouble trouble() {
    return delivery.standing().trouble();
  }

  /** What of ours fails and is told, no oftener than it is tried; null if nothing does. */
  IOException failure() {
    return unsaved == null ? arrivals.trouble() : unsaved;
  }

  private boolean isBehind() {
    return settlement.settled().sequence() > saved.sequence();
  }

  private void save(long now) {
    Settled settled = settlement.settled();
    try {
      file.save(CopiedLetters.position(settled, letters, settings.clocks().millis()));
      saved = settled;
      unsaved = null;
      nextSaveNanos = now + settings.saveEvery().toNanos();
      if (trouble() == null && failure() == null) {
        news.stands(null); // that it has begun anew would not show it
      }
    } catch (IOException e) {
      unsaved = e;
      nextSaveNanos = now + RETRY_NANOS;
    }
  }

  /** The last letter that is copied, or passed over. */
  long settledNumber() {
    return settlement.settled().sequence();
  }

  /** Whether nothing of it is on its way, or to be saved. */
  boolean isQuiet() {
    return delivery.ledger().inFlight() == 0 && !isBehind();
  }

  /** Whether these are the dead letters that it copies. */
  boolean isOf(OutboxIdentity other) {
    return letters.equals(other);
  }

  /** Sends no more; what is on its way may finish until then. */
  void drain(long deadlineNanos) {
    delivery.drain(deadlineNanos);
  }

  boolean isStopped() {
    return delivery.state() instanceof DeliveryState.Stopped;
  }

  /** What is on its way comes again in the next session. */
  @Override
  public void close() throws Exception {
    if (isBehind()) {
      save(settings.clocks().nanos());
    }
    closeAll();
  }

  private void closeAll() throws Exception {
    Exception failure = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
