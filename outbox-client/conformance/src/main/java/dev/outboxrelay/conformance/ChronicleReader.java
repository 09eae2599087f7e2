package dev.outboxrelay.conformance;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.outboxrelay.conformance.Excerpt.Stored;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptTailer;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;
import net.openhft.chronicle.wire.DocumentContext;

/** Chronicle's own tailer, read-only, over a queue that the clients wrote. */
final class ChronicleReader {

  private ChronicleReader() {}

  /** What {@link #seek} found. */
  record Seeks(long records, int moves) {}

  /**
   * Writes every record as a line of JSON.
   *
   * @param full whether each line also holds the whole record, in hexadecimal
   * @return the number of records
   */
  static long dump(Path queue, Path out, boolean full) throws IOException {
    try (ChronicleQueue chronicle = open(queue);
        ExcerptTailer tailer = chronicle.createTailer();
        JsonGenerator json = lines(out)) {
      byte[] outbox = outboxId(queue);
      long count = 0;
      for (Stored found = read(tailer); found != null; found = read(tailer)) {
        write(json, Excerpt.decode(outbox, found), full ? found.bytes() : null);
        count++;
      }
      return count;
    }
  }

  /**
   * Reads through the queue, then jumps to every {@code step}-th record, and to each of the {@code
   * around} entries and their neighbours, and compares what is found there.
   *
   * @throws IllegalStateException if a jump fails or finds another record, if entries have a gap or
   *     sequences do not grow
   */
  static Seeks seek(Path queue, int step, List<Long> around) throws IOException {
    try (ChronicleQueue chronicle = open(queue);
        ExcerptTailer tailer = chronicle.createTailer()) {
      byte[] outbox = outboxId(queue);
      List<long[]> targets = new ArrayList<>();
      long count = 0;
      long expectedIndex = -1;
      long lastSequence = 0;
      for (Stored found = read(tailer); found != null; found = read(tailer)) {
        Excerpt excerpt = Excerpt.decode(outbox, found);
        long entry = excerpt.index() & 0xffff_ffffL;
        boolean follows = excerpt.index() == expectedIndex || entry == 0;
        if (!follows || excerpt.entry() != entry) {
          throw new IllegalStateException("no entry follows another here: " + excerpt);
        }
        if (excerpt.sequence() <= lastSequence) {
          throw new IllegalStateException(lastSequence + " stands before " + excerpt);
        }
        expectedIndex = excerpt.index() + 1;
        lastSequence = excerpt.sequence();
        if (count % step == 0 || around.stream().anyMatch(a -> Math.abs(a - entry) <= 2)) {
          targets.add(new long[] {excerpt.index(), excerpt.sequence()});
        }
        count++;
      }
      // Backwards, so that no jump is a short walk on from the one before.
      for (int i = targets.size() - 1; i >= 0; i--) {
        check(tailer, outbox, targets.get(i)[0], targets.get(i)[1]);
      }
      return new Seeks(count, targets.size());
    }
  }

  private static void check(ExcerptTailer tailer, byte[] outbox, long index, long sequence) {
    if (!tailer.moveToIndex(index)) {
      throw new IllegalStateException("moveToIndex(0x" + Long.toHexString(index) + ") failed");
    }
    Stored found = read(tailer);
    if (found == null) {
      throw new IllegalStateException("nothing is read at 0x" + Long.toHexString(index));
    }
    Excerpt excerpt = Excerpt.decode(outbox, found);
    if (excerpt.index() != index || excerpt.sequence() != sequence) {
      throw new IllegalStateException(
          "moveToIndex(0x" + Long.toHexString(index) + ") led to " + excerpt);
    }
  }

  static ChronicleQueue open(Path queue) {
    return SingleChronicleQueueBuilder.binary(queue.toFile()).readOnly(true).build();
  }

  /** The id of the outbox whose queue this is: the records' CRCs cover it. */
  static byte[] outboxId(Path queue) throws IOException {
    byte[] state = Files.readAllBytes(queue.resolveSibling("outbox.state"));
    return Arrays.copyOfRange(state, 16, 32);
  }

  /** The next excerpt, or null at the end. */
  static Stored read(ExcerptTailer tailer) {
    try (DocumentContext document = tailer.readingDocument()) {
      if (!document.isPresent()) {
        return null;
      }
      Bytes<?> in = document.wire().bytes();
      long offset = in.readPosition() - Integer.BYTES;
      byte[] bytes = new byte[Math.toIntExact(in.readRemaining())];
      in.read(bytes);
      return new Stored(document.index(), offset, bytes);
    }
  }

  static JsonGenerator lines(Path out) throws IOException {
    JsonGenerator json = new JsonFactory().createGenerator(Files.newBufferedWriter(out));
    json.setRootValueSeparator(null);
    return json;
  }

  static void write(JsonGenerator json, Excerpt excerpt, byte[] record) throws IOException {
    json.writeStartObject();
    json.writeNumberField("cycle", excerpt.index() >>> 32);
    json.writeNumberField("entry", excerpt.index() & 0xffff_ffffL);
    json.writeNumberField("sequence", excerpt.sequence());
    json.writeStringField("event_id", excerpt.eventId().toString());
    json.writeStringField("topic", excerpt.topic());
    json.writeStringField("key", excerpt.key());
    json.writeStringField("value", excerpt.valueHead());
    json.writeNumberField("length", excerpt.length());
    if (record != null) {
      json.writeStringField("record", HexFormat.of().formatHex(record));
    }
    json.writeEndObject();
    json.writeRaw('\n');
  }
}
