package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.Delivery;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.settle.Settler;
import dev.outboxrelay.relay.settle.SettlerThread;
import dev.outboxrelay.relay.sync.OutboxSync;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * One outbox's way to Kafka: its lock, its reader, its producer, its position. {@link #doWork()} is
 * one turn of its loop, for one thread; {@link #status()} and {@link #stop()} may be called from
 * any.
 */
public final class Pipeline implements Observed, AutoCloseable {
  private static final long NOTE_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long LOOK_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** Behind the stop's deadline all has five seconds, closing included: GracefulStop. */
  private static final long LAST_SAVE_NANOS = TimeUnit.SECONDS.toNanos(3);

  private final RelayLock lock;
  private final FactListener listener;
  private final Clocks clocks;
  private final Delivery delivery;
  private final ParkedLanes lanes; // null for a lane, and where nothing is parked
  private final LetterCopies copies; // null if none are made
  private final Settler settler;
  private final SettlerThread settlerThread;
  private final OutboxSync sync;
  private final StatusBoard board;
  private final StateClock stateClock;
  private final Duration stopDeadline;
  private final boolean drainOnStop;
  private final Resources resources;

  private long lastNoteNanos;
  private long lastLookNanos;
  private boolean gone;
  private boolean stopBegun;
  private long stopDeadlineNanos;
  private long lastWanted;
  private long lastSaveDeadlineNanos;
  private boolean saving;
  private volatile boolean stopping;
  private volatile boolean givenUp;
  private volatile PipelineEnd end;

  Pipeline(
      RelayLock lock,
      FactListener listener,
      Clocks clocks,
      Delivery delivery,
      ParkedLanes lanes,
      LetterCopies copies,
      Settler settler,
      SettlerThread settlerThread,
      OutboxSync sync,
      StatusBoard board,
      StateClock stateClock,
      Duration stopDeadline,
      boolean drainOnStop,
      Resources resources) {
    this.lock = lock;
    this.listener = listener;
    this.clocks = clocks;
    this.delivery = delivery;
    this.lanes = lanes;
    this.copies = copies;
    this.settler = settler;
    this.settlerThread = settlerThread;
    this.sync = sync;
    this.board = board;
    this.stateClock = stateClock;
    this.stopDeadline = stopDeadline;
    this.drainOnStop = drainOnStop;
    this.resources = resources;
    this.lastNoteNanos = clocks.nanos();
    this.lastLookNanos = lastNoteNanos;
  }

  /**
   * Takes the relay's lock, makes the outbox usable and finds the place to go on from. Kafka need
   * not be there.
   *
   * @param kafka the settings in use, from any thread; another object replaces the producer
   * @param context what outlives it
   * @throws PipelineRefused with the reason and the way out
   */
  public static Pipeline open(
      RelayConfig config, Supplier<KafkaSettings> kafka, OutboxContext context) {
    RelayLock lock = PipelineAssembly.lock(config);
    return PipelineAssembly.open(config, kafka, lock, context, Clocks.SYSTEM, Company.NONE, null);
  }

  /**
   * The same for one outbox of several, which exists already.
   *
   * @param config of this outbox
   * @param kafka the settings in use, from any thread; another object replaces the producer
   * @param lock of it; it ends with the pipeline, or here if that is refused
   * @param context what outlives it
   * @param shares what all have in common
   */
  public static Pipeline open(
      RelayConfig config,
      Supplier<KafkaSettings> kafka,
      RelayLock lock,
      OutboxContext context,
      Shares shares) {
    Company company = new Company.Shared(shares);
    return PipelineAssembly.open(config, kafka, lock, context, Clocks.SYSTEM, company, null);
  }

  /** One turn of the loop; returns how much was done, 0 if there was nothing to do. */
  public int doWork() {
    if (end != null) {
      return 0;
    }
    settlerThread.check();
    long now = clocks.nanos();
    if (now - lastLookNanos >= LOOK_EVERY_NANOS) {
      lookWhetherGone(now);
    }
    if (stopping || gone) {
      stopReading(now);
    }
    int work = delivery.doWork() + tellOfOthers();
    if (now - lastNoteNanos >= NOTE_EVERY_NANOS) {
      note(now);
    }
    DeliveryState state = delivery.state();
    if (state instanceof DeliveryState.Stopped || state instanceof DeliveryState.Fenced) {
      finish(state, now);
    }
    return work;
  }

  /** What then is at the path is another outbox, of which nothing may be read or settled here. */
  private void lookWhetherGone(long now) {
    lastLookNanos = now;
    if (!gone && !lock.isInPlace()) {
      gone = true;
      listener.tell(new Fact.OutboxGone());
    }
  }

  /**
   * Stops reading: at once or, for an outbox that goes with its pod, when everything that had been
   * appended before the stop is settled.
   */
  private void stopReading(long now) {
    if (!stopBegun) {
      stopBegun = true;
      stopDeadlineNanos = givenUp ? now : now + stopDeadline.toNanos();
      lastWanted = drainOnStop && !gone ? board.appendedNow() : 0;
      if (lanes != null) {
        lanes.stop();
      }
    }
    Settled settled = delivery.ledger().settled();
    if (lastWanted <= (settled == null ? 0 : settled.sequence()) || now - stopDeadlineNanos >= 0) {
      delivery.drain(stopDeadlineNanos);
      if (copies != null) {
        copies.stop();
      }
    }
  }

  /** The position is saved for the last time; then it is over. */
  private void finish(DeliveryState state, long now) {
    if (!saving) {
      saving = true;
      lastSaveDeadlineNanos = now + LAST_SAVE_NANOS;
      settler.hurry();
    }
    boolean done = settler.isUpToDate() && (lanes == null || lanes.haveEnded());
    if (done || now - lastSaveDeadlineNanos >= 0) {
      tellOfOthers();
      note(now);
      end = endOf(state);
    }
  }

  private PipelineEnd endOf(DeliveryState state) {
    if (gone) {
      return new PipelineEnd.OutboxGone();
    }
    if (!stopBegun && delivery.otherFormat() != null) {
      return new PipelineEnd.OtherFormat(delivery.otherFormat().error());
    }
    return state instanceof DeliveryState.Fenced fenced
        ? new PipelineEnd.Fenced(fenced.trouble().cause().error())
        : new PipelineEnd.Stopped(delivery.ledger().inFlight(), settler.isUpToDate());
  }

  /** Tells what other threads have done. */
  private int tellOfOthers() {
    int told = tellAll(settler::poll) + tellAll(sync::poll);
    return copies == null ? told : told + tellAll(copies::poll);
  }

  private int tellAll(Supplier<Fact> facts) {
    int told = 0;
    for (Fact fact = facts.get(); fact != null; fact = facts.get()) {
      told++;
      listener.tell(fact);
    }
    return told;
  }

  private void note(long now) {
    lastNoteNanos = now;
    if (lanes != null) {
      lanes.forgetEnded(); // other outboxes wait for their turn
    }
    board.put(
        new StatusBoard.Note(
            delivery.standing(),
            stateClock.sinceMillis(),
            now,
            delivery.ledger().settled(),
            delivery.ledger().inFlight(),
            delivery.ledger().inFlightBytes(),
            delivery.oldestAppendMillis()));
    settler.troubles(board.troubles());
  }

  /**
   * Stops reading; {@link #doWork()} then waits for what is in flight, within the stop's deadline.
   * From any thread.
   */
  public void stop() {
    stopping = true;
  }

  /** Stops, and what is in flight is sent again by whoever comes next. From any thread. */
  void giveUp() {
    givenUp = true;
    stop();
  }

  /** How it ended; null while it runs. From any thread. */
  public PipelineEnd end() {
    return end;
  }

  @Override
  public PipelineStatus status() {
    return board.read(settler.saved());
  }

  @Override
  public void look(OldestWaiting oldest) {
    board.look(settler.saved(), oldest, clocks.nanos());
  }

  /** Releases everything; call it when {@link #end()} is known or the loop has stopped turning. */
  @Override
  public void close() {
    resources.close();
  }
}
