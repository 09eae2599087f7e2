package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CycleGrowthTest {
  private static final OutboxEvent LARGE = OutboxEvent.of("t", new byte[1_000_000]);
  private static final OutboxEvent SMALL = OutboxEvent.of("t", "x");

  @TempDir Path parent;

  /** What is left of the header word, or of EOF, behind the last record. */
  @ParameterizedTest
  @ValueSource(ints = {0, 2, 4, 6})
  void a_file_that_was_cut_behind_its_last_record_grows_and_is_gone_on_with(int left)
      throws IOException {
    OutboxPaths paths = new OutboxPaths(parent.resolve("outbox"));
    MutableClock clock = new MutableClock(0);
    WriterOptions options = WriterOptions.of(paths).withClock(clock);
    append(options, 1);
    cut(paths, left);
    append(options, 2);
    cut(paths, left);
    clock.set(3_600_000);
    append(options, 3); // EOF is missing in the newest
    assertTrue(CycleFacts.read(paths.cycle(0), OutboxIdentity.outboxOf(paths)).sealed());
    cut(paths, left);
    append(options, 4); // EOF is missing in the one before
    assertEquals(List.of(0L, 1L), paths.cycles());
    assertEquals(List.of(1L, 2L, 3L, 4L), ReadBack.sequences(paths.root()));
    assertEquals(List.of(), ReadBack.problems(paths.root()));
  }

  private static void append(WriterOptions options, long sequence) {
    try (QueueWriter writer = QueueWriter.open(options)) {
      assertEquals(sequence, writer.append(SMALL).sequence());
    }
  }

  private static void cut(OutboxPaths paths, int left) throws IOException {
    long tail =
        65_808 + CycleFacts.read(paths.cycle(0), OutboxIdentity.outboxOf(paths)).dataBytes();
    try (RandomAccessFile file = new RandomAccessFile(paths.cycle(0).toFile(), "rw")) {
      file.seek(tail);
      file.write(left < 4 ? new byte[] {72, 0, 0, 0} : new byte[4]);
      file.setLength(tail + left);
    }
  }

  @Test
  void a_file_grows_ahead_of_its_tail_and_other_writers_follow() throws IOException {
    OutboxPaths paths = new OutboxPaths(parent.resolve("outbox"));
    MutableClock clock = new MutableClock(0);
    WriterOptions options = WriterOptions.of(paths).withClock(clock);
    try (QueueWriter one = QueueWriter.open(options);
        QueueWriter two = QueueWriter.open(options)) {
      one.append(SMALL);
      two.append(SMALL);
      for (int i = 0; i < 66; i++) {
        one.append(LARGE);
      }
      assertEquals(CycleLayout.NEW_FILE_BYTES, Files.size(paths.cycle(0)));
      for (int i = 0; i < 33; i++) {
        one.append(LARGE); // beyond what the other one has mapped
      }
      assertEquals(
          CycleLayout.NEW_FILE_BYTES + CycleLayout.CHUNK_BYTES, Files.size(paths.cycle(0)));
      two.append(SMALL);
      for (int i = 0; i < 66; i++) {
        one.append(LARGE);
      }
      clock.set(3_600_000);
      two.append(SMALL); // closes the cycle where the other one left it
      one.append(SMALL);
    }
    assertEquals(List.of(0L, 1L), paths.cycles());
    assertTrue(CycleFacts.read(paths.cycle(0), OutboxIdentity.outboxOf(paths)).sealed());
    assertEquals(LongStream.rangeClosed(1, 170).boxed().toList(), ReadBack.sequences(paths.root()));
  }
}
