package dev.outboxrelay.relay.it;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Writes an outbox, at a time of the test's choice, and damages its files. */
final class OutboxUnderTest implements AutoCloseable {
  private final OutboxPaths paths;
  private final QueueWriter writer;

  /** In the past, so that hours can pass: Kafka refuses times in the future. */
  private Instant now = Instant.now().minus(Duration.ofHours(12));

  OutboxUnderTest(Path directory) {
    paths = new OutboxPaths(directory);
    writer = QueueWriter.open(WriterOptions.of(paths).withTrustParent(true).withClock(() -> now));
  }

  OutboxPaths paths() {
    return paths;
  }

  /** Lets an hour pass: the next append begins a new cycle. */
  void nextCycle() {
    now = now.plus(Duration.ofHours(1));
  }

  /** Appends values {@code <first> … <first + count − 1>}. */
  void append(String topic, int first, int count) {
    for (int i = first; i < first + count; i++) {
      append(topic, Integer.toString(i));
    }
  }

  Receipt append(String topic, String value) {
    return writer.append(OutboxEvent.builder(topic).key("key").value(value).build());
  }

  /** The same as one batch. */
  List<Receipt> appendBatch(String topic, int first, int count) {
    List<OutboxEvent> events = new ArrayList<>();
    for (int i = first; i < first + count; i++) {
      events.add(OutboxEvent.builder(topic).key("key").value(Integer.toString(i)).build());
    }
    return writer.appendAll(events);
  }

  Receipt append(OutboxEvent event) {
    return writer.append(event);
  }

  DeliveryOutcome waitDelivered(Receipt receipt, Duration timeout) throws InterruptedException {
    return new OutboxReader(paths).waitDelivered(receipt, timeout);
  }

  /** Offsets of the header words of a cycle's records. */
  List<Long> offsets(long cycle) throws IOException {
    List<Long> offsets = new ArrayList<>();
    try (CycleScanner scanner =
        CycleScanner.open(paths.cycle(cycle), OutboxIdentity.outboxOf(paths))) {
      CycleEntry entry = scanner.at(scanner.start());
      while (entry instanceof CycleEntry.Valid valid) {
        offsets.add(valid.offset());
        entry = scanner.at(valid.next());
      }
      offsets.add(entry.offset());
    }
    return offsets;
  }

  long newestCycle() throws IOException {
    List<Long> cycles = paths.cycles();
    return cycles.get(cycles.size() - 1);
  }

  void overwrite(long cycle, long offset, byte... bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(paths.cycle(cycle).toFile(), "rw")) {
      file.seek(offset);
      file.write(bytes);
    }
  }

  void overwriteHeader(long cycle, long offset, int header) throws IOException {
    overwrite(
        cycle,
        offset,
        ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(header).array());
  }

  void flipByte(long cycle, long offset) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(paths.cycle(cycle).toFile(), "rw")) {
      file.seek(offset);
      int old = file.read();
      file.seek(offset);
      file.write(old ^ 0xFF);
    }
  }

  @Override
  public void close() {
    writer.close();
  }
}
