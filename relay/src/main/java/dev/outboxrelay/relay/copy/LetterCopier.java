package dev.outboxrelay.relay.copy;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.relay.deadletter.LetterCount;
import dev.outboxrelay.relay.deliver.Backoff;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.Transport;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import dev.outboxrelay.relay.fact.Fact;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Copies the dead letters of one outbox to a topic, at least once each, in the order of their
 * numbers. While there is nothing to copy it holds nothing open. One turn is {@link #doWork}, for
 * one thread, which may wait for a disk; whatever fails is told and tried again.
 */
public final class LetterCopier implements AutoCloseable {
  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long SHORT_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** Who copies for so long leaves the turn to others. */
  private static final long TURN_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** What is on its way has so long to be acked; else it is sent again in the next turn. */
  private static final long LEAVE_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final OutboxPaths letters;
  private final Settings settings;
  private final CopyNews news = new CopyNews();
  private CopySession session; // null while there is nothing to copy
  private long nextLookNanos;
  private long busyNanos;
  private long beganNanos;
  private boolean leaving;
  private IOException toldFailure;
  private volatile long left;

  /**
   * How it is done.
   *
   * @param topic to which they go
   * @param senders makes the way there, for each time that there is something to copy
   * @param turns of the copiers of this process
   * @param backoff waits before a retry
   * @param saveEvery between two positions while letters are copied
   */
  public record Settings(
      String topic,
      Supplier<Sender> senders,
      CopyTurns turns,
      Backoff backoff,
      Duration saveEvery,
      Disk disk,
      Clocks clocks) {}

  /** A way to Kafka; both are mostly one object. */
  public record Sender(Transport transport, TopicSource topics) {}

  /**
   * Looks at nothing yet.
   *
   * @param outbox whose dead letters they are
   */
  public LetterCopier(OutboxPaths outbox, Settings settings) {
    this.letters = outbox.deadLetters();
    this.settings = settings;
    this.nextLookNanos = settings.clocks().nanos();
  }

  /** One turn; returns how much was done. */
  public int doWork() {
    long now = settings.clocks().nanos();
    try {
      if (now - nextLookNanos >= 0) {
        nextLookNanos = now + LOOK_NANOS;
        look(now);
      }
      int work = session == null ? 0 : session.doWork(now);
      if (leaving && session.isStopped()) {
        letGo();
      }
      busyNanos = work > 0 ? now : busyNanos;
      tellFailure();
      return work;
    } catch (IOException | OutboxError e) {
      failed(e);
      return 0;
    }
  }

  private void look(long now) throws IOException {
    OutboxIdentity there = OutboxIdentity.find(letters).orElse(null);
    if (session != null && !session.isOf(there)) {
      letGo(); // somebody has taken them away
    }
    if (session == null) {
      left = CopiedLetters.left(letters);
      if (left == 0) {
        settings.turns().giveBack(this);
        news.stands(null);
      } else if (settings.turns().take(this, now)) {
        begin(there, now);
      }
    } else {
      long last = LetterCount.lastNumber(letters);
      left = Math.max(0, last - session.settledNumber());
      if (last < session.settledNumber()) {
        letGo(); // somebody has put back earlier ones
      } else if (left == 0 && session.isQuiet() && now - busyNanos >= QUIET_NANOS) {
        letGo();
      } else if (now - beganNanos >= TURN_NANOS && settings.turns().areWanted(now)) {
        session.drain(now + LEAVE_NANOS);
        leaving = true;
      }
    }
  }

  private void begin(OutboxIdentity there, long now) throws IOException {
    session = open(there);
    busyNanos = now;
    beganNanos = now;
    if (session == null) {
      settings.turns().giveBack(this);
    }
  }

  private CopySession open(OutboxIdentity there) throws IOException {
    HeldDirectories held = there == null ? null : HeldDirectories.find(letters).orElse(null);
    return held == null ? null : new CopySession(held, there, settings, news);
  }

  /** Once for each time that it was tried. */
  private void tellFailure() {
    IOException failure = session == null ? null : session.failure();
    if (failure != null && failure != toldFailure) {
      news.failed(failure);
    }
    toldFailure = failure;
  }

  /** How long nothing is to be done, as far as that is known, after a turn in which nothing was. */
  public long pauseNanos() {
    long now = settings.clocks().nanos();
    if (session == null) {
      return Math.max(1, nextLookNanos - now);
    }
    return now - busyNanos < LOOK_NANOS ? SHORT_PAUSE_NANOS : PAUSE_NANOS;
  }

  /** Something that no part of it expects: all is begun anew, after a while. */
  public void failed(Throwable error) {
    nextLookNanos = settings.clocks().nanos() + QUIET_NANOS;
    news.failed(error);
    letGo();
  }

  private void letGo() {
    CopySession old = session;
    session = null;
    leaving = false;
    try {
      if (old != null) {
        old.close();
      }
    } catch (Exception e) {
      news.failed(e);
    } finally {
      settings.turns().giveBack(this);
    }
  }

  /** Sends no more; what is on its way may finish until then. */
  public void drain(long deadlineNanos) {
    if (session != null) {
      session.drain(deadlineNanos);
    }
  }

  /** Whether nothing is on its way any more, once it drains. */
  public boolean isDrained() {
    return session == null || session.isStopped();
  }

  /** How many letters are not copied, as it was looked last. From any thread. */
  public long left() {
    return left;
  }

  /** The next fact to tell, or null. For the outbox's delivery thread. */
  public Fact poll() {
    return news.poll();
  }

  @Override
  public void close() {
    letGo();
  }
}
