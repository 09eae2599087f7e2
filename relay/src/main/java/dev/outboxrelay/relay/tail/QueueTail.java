package dev.outboxrelay.relay.tail;

import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.RecordCodec;
import dev.outboxrelay.client.record.RecordVerdict;
import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptTailer;
import net.openhft.chronicle.queue.RollCycles;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;
import net.openhft.chronicle.wire.DocumentContext;

/**
 * Reads the queue through Chronicle, as long as nothing is damaged. The only class that knows
 * Chronicle. For one thread.
 *
 * <p>Chronicle trusts the queue: it follows a wrong length into memory that is not mapped, and
 * never leaves a cycle whose end is lost. So {@link CycleProbe} looks at each header before
 * Chronicle does, any error ends the use of this reader in the cycle at hand, and {@link Tail}
 * watches its progress and moves it from cycle to cycle.
 */
final class QueueTail implements Closeable {
  /** Cycles are renamed into place when they are complete: there is nothing to wait for. */
  private static final int HEADER_TIMEOUT_MILLIS = 10;

  private static final UUID NOBODY = new UUID(0, 0);
  private static final int USUAL_RECORD_BYTES = 4 << 10;

  private final UUID outbox;
  private final ChronicleQueue queue;
  private ExcerptTailer tailer; // made for the first place: a damaged cycle may keep it from that
  private byte[] buffer = new byte[USUAL_RECORD_BYTES];
  private CycleId current = new CycleId(NOBODY, -1);
  private String broken;
  private byte[][] rows = new byte[8][];

  /**
   * Opens a queue whose {@code metadata.cq4t} exists.
   *
   * @param outbox to which it belongs
   */
  QueueTail(Path directory, UUID outbox) {
    this.outbox = outbox;
    queue =
        SingleChronicleQueueBuilder.binary(directory)
            .rollCycle(RollCycles.FAST_HOURLY)
            .readOnly(true)
            .timeoutMS(HEADER_TIMEOUT_MILLIS)
            .build();
  }

  /**
   * Goes to a place. The cycle's header must be sound.
   *
   * @return false if Chronicle does not find it there
   */
  boolean moveTo(Place place) {
    broken = null;
    long index = place.cycle() << 32 | place.entry();
    boolean found = false;
    try {
      if (tailer == null) {
        tailer = queue.createTailer();
      }
      found =
          place.entry() == 0
              ? tailer.moveToIndex(index)
              : tailer.moveToIndex(index - 1) && endsAt(place);
    } catch (RuntimeException | InternalError e) {
      found = false;
    }
    return !hasFaulted() && found;
  }

  /**
   * The JVM throws the fault of a mapping late, when the thread next comes by a place where it
   * looks: the array is one for Java 17, parking for later ones. Else it would hit what has nothing
   * to do with it.
   */
  private boolean hasFaulted() {
    try {
      rows = new byte[rows.length][1];
      LockSupport.parkNanos(this, 1);
      return false;
    } catch (InternalError e) {
      return true;
    }
  }

  /** Passes over one record, which must end at the place. */
  private boolean endsAt(Place place) {
    try (DocumentContext document = tailer.readingDocument()) {
      if (!document.isPresent()) {
        return false;
      }
      Bytes<?> bytes = document.wire().bytes();
      long end = CycleLayout.next(bytes.readPosition() - 4, Math.toIntExact(bytes.readRemaining()));
      return end == place.offset() && document.index() >>> 32 == place.cycle();
    }
  }

  /** The next record, or null if there is none or {@link #broken} tells why there can't be. */
  TailedRecord poll() {
    if (broken != null || tailer == null) {
      return null;
    }
    try (DocumentContext document = tailer.readingDocument()) {
      return document.isPresent() ? read(document) : null;
    } catch (RuntimeException | InternalError e) {
      // An InternalError is how the JVM tells of a mapping without a file behind it.
      broken = e.toString();
      var unused = hasFaulted();
      return null;
    }
  }

  private TailedRecord read(DocumentContext document) {
    Bytes<?> bytes = document.wire().bytes();
    long offset = bytes.readPosition() - 4;
    long length = bytes.readRemaining();
    if (length > Integer.MAX_VALUE || !CycleLayout.isDataLength((int) length)) {
      broken = "hostile length " + length;
      return null;
    }
    long cycle = document.index() >>> 32;
    long end = CycleLayout.next(offset, (int) length);
    ByteBuffer record = copy(bytes, (int) length);
    if (current.number() != cycle) {
      current = new CycleId(outbox, cycle);
    }
    RecordVerdict verdict = RecordCodec.check(record, current, offset);
    if (verdict.isValid()) {
      return new TailedRecord.Intact(cycle, offset, end, RecordCodec.decode(record));
    }
    if (verdict == RecordVerdict.BAD_CRC) { // and its length adds up
      long entry = document.index() & 0xFFFFFFFFL;
      return new TailedRecord.Damaged(
          cycle, offset, end, CycleStep.Problem.CRC.label(), TailedRecord.Lost.one(entry));
    }
    broken = "no record: " + verdict;
    return null;
  }

  private ByteBuffer copy(Bytes<?> bytes, int length) {
    if (buffer.length < length) {
      buffer = new byte[Math.max(length, 2 * buffer.length)];
    }
    bytes.read(buffer, 0, length);
    return ByteBuffer.wrap(buffer, 0, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Why this reader can't go on in its cycle; null if it can. */
  String broken() {
    return broken;
  }

  @Override
  public void close() {
    if (tailer != null) {
      tailer.close();
    }
    queue.close();
  }
}
