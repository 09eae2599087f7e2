package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordCodec;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.settle.DeadLetterStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
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

  private static final int LONGEST_ERROR = 1000;

  private final OutboxPaths paths;
  private final UUID outbox;
  private final WriterOptions options;
  private final InstantSource clock;

  /** Source sequences of the dead letters that a restart may ask for again. */
  private final Set<Long> known;

  private QueueWriter writer;

  /**
   * Reads which dead letters there are.
   *
   * @param paths of the outbox whose events they are
   * @param outbox its identity
   * @param settled the position: what is at or below it never comes again
   */
  public DeadLetters(
      OutboxPaths paths, UUID outbox, long settled, boolean trustParent, InstantSource clock)
      throws IOException {
    this.paths = paths;
    this.outbox = outbox;
    this.options =
        WriterOptions.deadLetters(paths)
            .withDurability(strongest(paths))
            .withTrustParent(trustParent);
    this.clock = clock;
    this.known = sequencesAbove(paths.deadLetters(), settled);
  }

  /** In memory there is nothing to sync to, and an event there is no safer than its dead letter. */
  private static Durability strongest(OutboxPaths paths) throws IOException {
    boolean inMemory = Files.getFileStore(paths.root()).type().equals("tmpfs");
    return inMemory ? Durability.PROCESS : Durability.POWER;
  }

  private static Set<Long> sequencesAbove(OutboxPaths deadLetters, long settled)
      throws IOException {
    Set<Long> sequences = new HashSet<>();
    List<Long> cycles = deadLetters.cycles();
    if (cycles.isEmpty()) {
      return sequences;
    }
    UUID outbox = OutboxIdentity.outboxOf(deadLetters);
    long newest = cycles.get(cycles.size() - 1);
    for (long cycle : cycles) {
      try (CycleReader reader = CycleReader.open(deadLetters.cycle(cycle), outbox)) {
        boolean ended = false;
        while (!ended) {
          CycleStep step = reader.next(cycle == newest);
          if (step instanceof CycleStep.Event event) {
            long sequence = sourceSequence(event.found().record());
            if (sequence > settled) {
              sequences.add(sequence);
            }
          } else if (step instanceof CycleStep.Stopped stopped) {
            throw stopped.other().refusal();
          }
          ended = !(step instanceof CycleStep.Event || step instanceof CycleStep.Damage);
        }
      }
    }
    return sequences;
  }

  /** The sequence of the event that a dead letter was made of; 0 if it does not say. */
  public static long sourceSequence(OutboxRecord deadLetter) {
    ByteBuffer original =
        deadLetter.value() == null
            ? ByteBuffer.allocate(0)
            : ByteBuffer.wrap(deadLetter.value()).order(ByteOrder.LITTLE_ENDIAN);
    return RecordCodec.checkCopy(original).isValid() ? RecordCodec.decode(original).sequence() : 0;
  }

  @Override
  public boolean add(InFlight record, Verdict.DeadLetter verdict) throws IOException {
    if (known.contains(record.sequence())) {
      return false;
    }
    byte[] original = read(record);
    OutboxRecord decoded =
        RecordCodec.decode(ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN));
    if (writer == null) {
      writer = QueueWriter.open(options);
    }
    writer.append(
        OutboxEvent.builder(decoded.topic())
            .key(decoded.key())
            .value(original)
            .eventId(decoded.eventId())
            .timestamp(Math.max(0, decoded.timestamp()))
            .header(REASON, verdict.reason().label())
            .header(ERROR, shortened(verdict.error()))
            .header(AT, clock.instant().toString())
            .header(SEQUENCE, Long.toString(record.sequence()))
            .build());
    known.add(record.sequence());
    return true;
  }

  @Override
  public void settled(long sequence) {
    known.removeIf(one -> one <= sequence);
  }

  private byte[] read(InFlight record) throws IOException {
    CycleId place = new CycleId(outbox, record.cycle());
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(record.bytes()));
    try (FileChannel cycle =
        FileChannel.open(
            paths.cycle(record.cycle()), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      long at = record.offset() + 4;
      while (bytes.hasRemaining() && cycle.read(bytes, at + bytes.position()) >= 0) {
        // Reads on until the record is whole.
      }
    }
    if (!RecordCodec.check(bytes.flip(), place, record.offset()).isValid()) {
      throw new IOException(
          "the record at offset "
              + record.offset()
              + " of cycle "
              + record.cycle()
              + " is not any more what it was when it was sent; a restart quarantines it");
    }
    return bytes.array();
  }

  private static String shortened(String error) {
    byte[] bytes = error.getBytes(StandardCharsets.UTF_8);
    return bytes.length <= LONGEST_ERROR
        ? error
        : new String(bytes, 0, LONGEST_ERROR, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    if (writer != null) {
      writer.close();
    }
  }
}
