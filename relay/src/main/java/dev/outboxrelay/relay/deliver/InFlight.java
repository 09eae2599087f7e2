package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.route.Introduction;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Place;
import dev.outboxrelay.relay.tail.Source;
import java.util.Queue;
import java.util.UUID;

/**
 * An arrival that is not settled yet: where it lies and what became of it, but not its bytes. They
 * stay in the queue and are read again if need be.
 *
 * <p>{@link #acked}, {@link #done} and {@link #failed} may come from any thread; all else belongs
 * to the delivery thread.
 */
public final class InFlight implements Completion, Introduction {
  /** What will be said of the record once it is settled. */
  public enum Outcome {
    DELIVERED,
    PARKED,
    DEAD,
    QUARANTINED
  }

  private static final int NO_PARTITION = -1;

  /** Stands in a position whose record could not be read. */
  public static final UUID NO_EVENT_ID = new UUID(0, 0);

  private final Place next;
  private final long offset;
  private final long firstSequence;
  private final long sequence;
  private final long missingFrom;
  private final UUID eventId;
  private final String topic;
  private final long bytes;
  private final long appendMillis;
  private final long settledBytes;
  private final boolean movesPosition;
  private final Queue<InFlight> failures;
  private final Source source;
  private final boolean replay;

  private Outcome outcome;
  private boolean waiting;
  private long sentNanos;
  private boolean alone; // written before it is sent
  private boolean ackedBefore;
  private int target = TopicSource.ANY;
  private boolean discarded;
  private int partition = NO_PARTITION; // written before done
  private volatile Throwable error;
  private volatile boolean done;

  /**
   * An event that waits to be sent.
   *
   * @param failures where it puts itself when its send fails
   */
  InFlight(Arrival.Event event, Queue<InFlight> failures) {
    next = new Place(event.cycle(), event.end(), event.record().entry() + 1L);
    offset = event.offset();
    sequence = event.record().sequence();
    firstSequence = sequence;
    missingFrom = event.missingFrom();
    eventId = event.record().eventId();
    topic = event.record().topic();
    bytes = event.record().length();
    appendMillis = event.record().appendTime();
    settledBytes = event.settledBytes();
    movesPosition = true;
    source = event.source();
    replay = event.replay();
    outcome = Outcome.DELIVERED;
    waiting = true;
    this.failures = failures;
  }

  /** Damage on its way to the quarantine. */
  InFlight(Arrival.Damage damage, Queue<InFlight> failures) {
    next = new Place(damage.cycle(), damage.end(), damage.lost().lastEntry() + 1);
    offset = damage.offset();
    firstSequence = damage.lost().first();
    sequence = damage.lost().last();
    missingFrom = damage.lost().missingFrom();
    eventId = NO_EVENT_ID;
    topic = null;
    bytes = damage.end() - damage.offset();
    appendMillis = 0;
    settledBytes = damage.settledBytes();
    movesPosition = sequence != 0;
    source = null;
    replay = false;
    outcome = Outcome.QUARANTINED;
    this.failures = failures;
  }

  /**
   * It is about to be handed over to Kafka's client.
   *
   * @param toPartition where it goes; {@link TopicSource#ANY} if that is the client's choice
   * @param apart whether nothing else that could share its batch is in flight with it
   */
  void sending(long nanos, int toPartition, boolean apart) {
    sentNanos = nanos;
    target = toPartition;
    alone = apart;
    waiting = false;
  }

  /** It was not taken. */
  void notSent() {
    waiting = true;
  }

  /** Kafka has it: it was sent then, before it came again. */
  void ackedBefore(long nanos, int inPartition) {
    sentNanos = nanos;
    waiting = false;
    ackedBefore = true;
    acked(inPartition);
  }

  /** Whether that was acked before it came, and tells nothing of the present sender. */
  boolean wasAckedBefore() {
    return ackedBefore;
  }

  /** The partition for which it was handed over, or {@link TopicSource#ANY}. */
  int targetPartition() {
    return target;
  }

  @Override
  public void acked(int ackedPartition) {
    partition = ackedPartition;
    done = true;
  }

  /** It is where it belongs instead: in its lane, among the dead letters, or in the quarantine. */
  public void done() {
    done = true;
  }

  @Override
  public void failed(Throwable cause) {
    error = cause;
    failures.add(this);
  }

  /** Where it begins: its header word. */
  public long offset() {
    return offset;
  }

  /** The place behind it. */
  public Place next() {
    return next;
  }

  /** Its cycle. */
  public long cycle() {
    return next.cycle();
  }

  /** Its sequence, the last one of several records; 0 for damage that is of unknown records. */
  public long sequence() {
    return sequence;
  }

  /** Its sequence, the first one of several records. */
  long firstSequence() {
    return firstSequence;
  }

  /** First of the missing sequences before it, or {@link #firstSequence}. */
  public long missingFrom() {
    return missingFrom;
  }

  public UUID eventId() {
    return eventId;
  }

  /** Its topic; null for damage. */
  public String topic() {
    return topic;
  }

  /** Its size in the queue. */
  public long bytes() {
    return bytes;
  }

  /** When it was appended, milliseconds since the epoch; 0 for damage. */
  public long appendMillis() {
    return appendMillis;
  }

  /** Which event of the main queue a parked one is; null for those of the main queue itself. */
  public Source source() {
    return source;
  }

  /** Whether it was given up before: others need not wait for it. */
  boolean isReplay() {
    return replay;
  }

  long settledBytes() {
    return settledBytes;
  }

  boolean movesPosition() {
    return movesPosition;
  }

  long sentNanos() {
    return sentNanos;
  }

  @Override
  public boolean isAlone() {
    return alone;
  }

  @Override
  public int ackedPartition() {
    return done ? partition : NO_PARTITION;
  }

  Throwable error() {
    return error;
  }

  boolean isDone() {
    return done;
  }

  @Override
  public boolean awaitsKafka() {
    return outcome == Outcome.DELIVERED && !waiting && !done && error == null;
  }

  /** Whether it was sent, and may have to be sent again. */
  boolean mayRepeat() {
    return outcome == Outcome.DELIVERED && !waiting && !done;
  }

  /** Whether it is yet to be sent. */
  boolean isWaiting() {
    return waiting;
  }

  public Outcome outcome() {
    return outcome;
  }

  /** Kafka will never take it: from now on it awaits its place among the dead letters. */
  void die() {
    waiting = false;
    outcome = Outcome.DEAD;
  }

  /** From now on it awaits its place in its topic's lane. */
  void park() {
    waiting = false;
    outcome = Outcome.PARKED;
  }

  boolean isDiscarded() {
    return discarded;
  }

  /** A rewind took it out of the window; what comes now for it comes too late. */
  void discard() {
    discarded = true;
  }
}
