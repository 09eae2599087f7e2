package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three events, all of them settled. */
class StartPointTest {
  @TempDir private Path directory;

  private final List<CycleEntry.Valid> records = new ArrayList<>();
  private OutboxPaths paths;
  private OutboxState state;
  private Path cycle;
  private byte[] whenThereWereTwo;

  @BeforeEach
  void append() throws IOException {
    paths = new OutboxPaths(directory.resolve("outbox"));
    try (QueueWriter writer = QueueWriter.open(WriterOptions.of(paths).withTrustParent(true))) {
      writer.append(OutboxEvent.of("topic", "1"));
      writer.append(OutboxEvent.of("topic", "2"));
      cycle = paths.cycle(paths.cycles().get(0));
      whenThereWereTwo = Files.readAllBytes(cycle);
      writer.append(OutboxEvent.of("topic", "3"));
    }
    state = StateFile.read(paths.state()).orElseThrow();
    try (CycleScanner scanner = CycleScanner.open(cycle, state.outboxId())) {
      long at = scanner.start();
      while (scanner.at(at) instanceof CycleEntry.Valid valid) {
        records.add(valid);
        at = valid.next();
      }
    }
  }

  private void settled(UUID lastEvent) throws IOException {
    CycleEntry.Valid last = records.get(2);
    long number = paths.cycles().get(0);
    try (PositionFile position = PositionFile.open(paths.position(), Disk.REAL)) {
      position.save(
          new Position(
              1,
              DeliveryMode.AT_LEAST_ONCE,
              3,
              lastEvent,
              number,
              last.next(),
              number << 32 | 2,
              1000,
              0,
              state.outboxId(),
              0));
    }
  }

  private UUID lastEvent() {
    return records.get(2).record().eventId();
  }

  private void overwrite(long offset, byte... bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(cycle.toFile(), "rw")) {
      file.seek(offset);
      file.write(bytes);
    }
  }

  private void assertItStartsBehindAll() throws IOException {
    assertThat(StartPoint.find(paths, state).next().offset()).isEqualTo(records.get(2).next());
  }

  @Test
  void theLastRecordWasDamagedAndThenSettled() throws IOException {
    overwrite(records.get(2).next() - 4, new byte[] {1, 2, 3, 4});
    settled(InFlight.NO_EVENT_ID);
    assertItStartsBehindAll();
  }

  @Test
  void theLastRecordsWereDeliveredAndAreDamagedSince() throws IOException {
    for (CycleEntry.Valid record : records) {
      overwrite(record.next() - 4, new byte[] {1, 2, 3, 4});
    }
    settled(lastEvent());
    assertItStartsBehindAll();
  }

  @Test
  void theHeaderWordOfTheLastRecordIsDamagedSince() throws IOException {
    overwrite(records.get(2).offset() + 3, (byte) 0x10);
    settled(lastEvent());
    assertItStartsBehindAll();
  }

  @Test
  void theLastRecordIsZeroedSinceAndStillNoted() throws IOException {
    CycleEntry.Valid last = records.get(2);
    overwrite(last.offset(), new byte[(int) (last.next() - last.offset())]);
    settled(lastEvent());
    assertItStartsBehindAll();
  }

  @Test
  void aQueueOfAnEarlierTimeIsForTheOperator() throws IOException {
    for (UUID event : List.of(lastEvent(), InFlight.NO_EVENT_ID)) {
      settled(event);
      Files.write(cycle, whenThereWereTwo);
      assertThatThrownBy(() -> StartPoint.find(paths, state))
          .isInstanceOf(PipelineRefused.NeedsOperator.class)
          .hasMessageContaining("beyond what the queue holds");
    }
  }

  @Test
  void anotherEventAtItsPlaceIsForTheOperator() throws IOException {
    settled(new UUID(1, 1));
    assertThatThrownBy(() -> StartPoint.find(paths, state))
        .isInstanceOf(PipelineRefused.NeedsOperator.class)
        .hasMessageContaining("at its place is sequence 3");
  }
}
