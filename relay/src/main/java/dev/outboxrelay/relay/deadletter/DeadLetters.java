package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordCodec;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.settle.DeadLetterStore;
import dev.outboxrelay.relay.settle.Originals;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;

/**
 * Events that Kafka will never take, in an outbox of their own beside the queue: {@code
 * dead-letters/}. The value of a dead letter is the original record, byte for byte; topic, key and
 * event id are the original's; why and when is in its headers. For one thread.
 */
public final class DeadLetters implements DeadLetterStore {
  public static final String REASON = "outbox-dead-letter-reason";
  public static final String ERROR = "outbox-dead-letter-error";
  public static final String AT = "outbox-dead-letter-at";
  public static final String SEQUENCE = "outbox-dead-letter-sequence";
  public static final String OUTBOX = "outbox-dead-letter-outbox";
  public static final String GENERATION = "outbox-dead-letter-generation";

  private static final int LONGEST_ERROR = 1000;

  /** Bytes of a dead letter beside the original and the key. */
  private static final int MOST_BESIDE = 8 << 10;

  private final Originals originals;
  private final OutboxIdentity outbox;
  private final WriterOptions options;
  private final InstantSource clock;
  private final LetterLimit limit;

  /** The dead letters that a restart may ask for again. */
  private final Set<DiedBefore.Event> known;

  /** Those of them that were there before, and of which nothing was done; none once all settled. */
  private volatile Map<DiedBefore.Event, DeadLetterReason> before;

  private final long lastBefore;

  private QueueWriter writer;

  /**
   * Reads which dead letters there are.
   *
   * @param paths of the outbox whose events they are
   * @param home the outbox beside whose queue they are: that one, or the one of which it is a lane
   * @param outbox which that is
   * @param settled the position: what is at or below it never comes again
   * @param like the options of the outbox itself
   * @param most of them before one more waits; empty = any number
   */
  public DeadLetters(
      OutboxPaths paths,
      OutboxPaths home,
      OutboxIdentity outbox,
      long settled,
      WriterOptions like,
      InstantSource clock,
      OptionalLong most)
      throws IOException {
    this.limit = new LetterLimit(home, most);
    this.originals = new Originals(paths, outbox.outbox());
    this.outbox = outbox;
    this.options = options(home, like);
    this.clock = clock;
    DiedBefore earlier = DiedBefore.read(home, outbox, settled);
    this.known = new HashSet<>(earlier.all());
    this.before = earlier.undone();
    this.lastBefore =
        before.keySet().stream().mapToLong(DiedBefore.Event::sequence).max().orElse(0);
  }

  /**
   * How their outbox is changed, whatever for.
   *
   * @param home the outbox beside whose queue they are
   * @param like the options of that, or of its lane
   */
  public static WriterOptions options(OutboxPaths home, WriterOptions like) throws IOException {
    return WriterOptions.deadLetters(home)
        .withDurability(strongest(home))
        .withTrustParent(like.trustParent())
        .withDisk(like.disk());
  }

  /** In memory there is nothing to sync to, and an event there is no safer than its dead letter. */
  private static Durability strongest(OutboxPaths paths) throws IOException {
    boolean inMemory = Files.getFileStore(paths.root()).type().equals("tmpfs");
    return inMemory ? Durability.PROCESS : Durability.POWER;
  }

  /** The sequence of the event that a dead letter was made of; 0 if it does not say. */
  public static long sourceSequence(OutboxRecord deadLetter) {
    OutboxRecord original = original(deadLetter);
    return original == null ? 0 : original.sequence();
  }

  /** The event that a dead letter was made of; null if it does not say. */
  static OutboxRecord original(OutboxRecord deadLetter) {
    ByteBuffer original =
        deadLetter.value() == null
            ? ByteBuffer.allocate(0)
            : ByteBuffer.wrap(deadLetter.value()).order(ByteOrder.LITTLE_ENDIAN);
    return RecordCodec.checkCopy(original).isValid() ? RecordCodec.decode(original) : null;
  }

  @Override
  public DeadLetterReason diedBefore(long sequence, UUID eventId) {
    Map<DiedBefore.Event, DeadLetterReason> all = before;
    return all.isEmpty() ? null : all.get(new DiedBefore.Event(sequence, eventId));
  }

  @Override
  public boolean add(InFlight record, Verdict.DeadLetter verdict) throws IOException {
    DiedBefore.Event event = new DiedBefore.Event(record.sequence(), record.eventId());
    if (known.contains(event)) {
      return false;
    }
    limit.check();
    byte[] original = originals.read(record);
    originals.letGo(); // letters are rare
    OutboxRecord decoded =
        RecordCodec.decode(ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN));
    append(
        OutboxEvent.builder(decoded.topic())
            .key(fits(decoded, original) ? decoded.key() : null)
            .value(original)
            .eventId(decoded.eventId())
            .timestamp(Math.max(0, decoded.timestamp()))
            .header(REASON, verdict.reason().label())
            .header(ERROR, shortened(verdict.error()))
            .header(AT, clock.instant().toString())
            .header(SEQUENCE, Long.toString(record.sequence()))
            .header(OUTBOX, outbox.outbox().toString())
            .header(GENERATION, Integer.toString(outbox.generation()))
            .build());
    known.add(event);
    return true;
  }

  private void append(OutboxEvent letter) throws IOException {
    if (writer == null) {
      writer = QueueWriter.open(options);
    }
    try {
      writer.append(letter);
    } catch (OutboxError e) {
      close(); // somebody may have taken the directory away: the next try has what is there then
      throw e;
    }
  }

  /**
   * Whether there is room for the key beside the original, which holds it, too. Always for what our
   * clients append; others may have written more.
   */
  private static boolean fits(OutboxRecord decoded, byte[] original) {
    int key = decoded.key() == null ? 0 : decoded.key().length;
    return original.length + key <= RecordLimits.DEAD_LETTERS.maxRecordBytes() - MOST_BESIDE;
  }

  @Override
  public void settled(long sequence) {
    known.removeIf(one -> one.sequence() <= sequence);
    if (sequence >= lastBefore) {
      before = Map.of();
    }
  }

  private static String shortened(String error) {
    byte[] bytes = error.getBytes(StandardCharsets.UTF_8);
    return bytes.length <= LONGEST_ERROR
        ? error
        : new String(bytes, 0, LONGEST_ERROR, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    QueueWriter old = writer;
    writer = null;
    if (old != null) {
      old.close();
    }
  }
}
