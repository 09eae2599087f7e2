package dev.outboxrelay.relay.tail;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.fact.FactListener;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random damage, each from its own seed: every record that was not hit is read, once and in order,
 * and nothing that was never appended.
 */
class DamagedQueueTest {
  private static final int TURNS_WITHOUT_PROGRESS = 400;

  @TempDir private Path directory;

  private Instant now = Instant.parse("2026-03-01T00:00:00Z");

  static LongStream seeds() {
    return LongStream.rangeClosed(1, Long.getLong("damage.seeds", 40));
  }

  /** Where an appended record lies. */
  private record Laid(long cycle, long offset, long end, long sequence) {}

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whatWasNotHitIsReadOnceAndInOrder(long seed) throws IOException {
    Random random = new Random(seed);
    OutboxPaths paths = new OutboxPaths(directory.resolve("outbox"));
    append(paths, random);
    List<Laid> laid = records(paths);
    Set<Long> hit = new HashSet<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      damage(paths, laid, hit, random);
    }

    List<Long> read = new ArrayList<>();
    AtomicLong nanos = new AtomicLong();
    try (Tail tail =
        new Tail(paths, OutboxIdentity.outboxOf(paths), FactListener.NONE, nanos::get)) {
      for (int idle = 0; idle < TURNS_WITHOUT_PROGRESS; ) {
        TailedRecord record = tail.poll();
        nanos.addAndGet(Duration.ofMillis(5).toNanos());
        idle = record == null ? idle + 1 : 0;
        if (record instanceof TailedRecord.Intact intact) {
          read.add(intact.record().sequence());
        }
      }
    }
    assertThat(read).isSorted().doesNotHaveDuplicates();
    List<Long> expected = new ArrayList<>();
    laid.forEach(record -> expected.add(record.sequence()));
    assertThat(expected).containsAll(read);
    expected.removeAll(hit);
    assertThat(read).containsAll(expected);
  }

  private void append(OutboxPaths paths, Random random) {
    try (QueueWriter writer =
        QueueWriter.open(WriterOptions.of(paths).withTrustParent(true).withClock(() -> now))) {
      for (int cycle = random.nextInt(3); cycle >= 0; cycle--) {
        for (int i = 1 + random.nextInt(600); i > 0; i--) {
          byte[] value = new byte[random.nextInt(random.nextInt(50) == 0 ? 100_000 : 500)];
          random.nextBytes(value);
          writer.append(OutboxEvent.of("topic", value));
        }
        now = now.plus(Duration.ofHours(1));
      }
    }
  }

  private static List<Laid> records(OutboxPaths paths) throws IOException {
    List<Laid> records = new ArrayList<>();
    for (long cycle : paths.cycles()) {
      try (CycleScanner scanner =
          CycleScanner.open(paths.cycle(cycle), OutboxIdentity.outboxOf(paths))) {
        CycleEntry entry = scanner.at(scanner.start());
        while (entry instanceof CycleEntry.Valid valid) {
          records.add(new Laid(cycle, valid.offset(), valid.next(), valid.record().sequence()));
          entry = scanner.at(valid.next());
        }
      }
    }
    return records;
  }

  /** Overwrites some bytes somewhere, and notes which records they belonged to. */
  private static void damage(OutboxPaths paths, List<Laid> laid, Set<Long> hit, Random random)
      throws IOException {
    Laid victim = laid.get(random.nextInt(laid.size()));
    long offset;
    byte[] bytes;
    switch (random.nextInt(6)) {
      case 0 -> { // one byte of the record
        offset = victim.offset() + 4 + random.nextInt((int) (victim.end() - victim.offset() - 4));
        bytes = new byte[1];
        random.nextBytes(bytes);
      }
      case 1 -> { // its header word, by something plausible
        offset = victim.offset();
        int length = 72 + random.nextInt(4000);
        bytes = new byte[] {(byte) length, (byte) (length >> 8), 0, 0};
      }
      case 2 -> { // its header word, by anything
        offset = victim.offset();
        bytes = new byte[4];
        random.nextBytes(bytes);
      }
      case 3 -> { // zeros over a few records
        offset = victim.offset() + 4L * random.nextInt(10);
        bytes = new byte[4 * random.nextInt(500)];
      }
      case 4 -> { // a page
        offset = victim.offset() & ~4095L;
        bytes = new byte[4096];
        random.nextBytes(bytes);
      }
      default -> { // the header of the file
        offset = 0;
        bytes = new byte[4096];
      }
    }
    try (RandomAccessFile file = new RandomAccessFile(paths.cycle(victim.cycle()).toFile(), "rw")) {
      file.seek(offset);
      file.write(bytes);
    }
    for (Laid record : laid) {
      if (record.cycle() == victim.cycle()
          && record.offset() < offset + bytes.length
          && record.end() > offset) {
        hit.add(record.sequence());
      }
    }
  }
}
