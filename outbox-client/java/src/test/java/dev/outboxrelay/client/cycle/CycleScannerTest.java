package dev.outboxrelay.client.cycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.client.record.RecordVerdict;
import dev.outboxrelay.client.writing.MutableClock;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CycleScannerTest {
  @TempDir Path parent;

  private OutboxPaths paths;
  private Path file;
  private QueueWriter writer;
  private CycleScanner scanner;

  @BeforeEach
  void open() throws IOException {
    paths = new OutboxPaths(parent.resolve("outbox"));
    writer = QueueWriter.open(WriterOptions.of(paths).withClock(new MutableClock(0)));
    append("first");
    file = paths.cycle(0);
    scanner = CycleScanner.open(file, OutboxIdentity.outboxOf(paths));
  }

  @AfterEach
  void close() throws IOException {
    scanner.close();
    writer.close();
  }

  @Test
  void an_end_is_fresh_each_time_it_is_asked_for() throws IOException {
    long at = scanner.start();
    for (int i = 0; i < 300; i++) {
      CycleEntry.Valid valid = assertInstanceOf(CycleEntry.Valid.class, scanner.at(at));
      assertEquals(i, valid.record().entry());
      at = valid.next();
      assertInstanceOf(CycleEntry.End.class, scanner.at(at));
      append("x".repeat(i));
    }
  }

  @Test
  void records_larger_than_the_window_are_read() throws IOException {
    append("x".repeat(1_000_000));
    append("y".repeat(1_000_000));
    CycleEntry.Valid first = (CycleEntry.Valid) scanner.at(scanner.start());
    CycleEntry.Valid second = (CycleEntry.Valid) scanner.at(first.next());
    CycleEntry.Valid third = (CycleEntry.Valid) scanner.at(second.next());
    assertEquals(1_000_000, third.record().value().length);
    assertEquals(scanner.writePosition(), third.offset());
  }

  @Test
  void the_search_finds_every_record_at_any_distance() throws IOException {
    Random random = new Random(5);
    List<Long> offsets = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      append("x".repeat(random.nextInt(40_000)));
    }
    long at = scanner.start();
    while (scanner.at(at) instanceof CycleEntry.Valid valid) {
      offsets.add(valid.offset());
      at = valid.next();
    }
    long from = 0;
    for (long offset : offsets) {
      Optional<CycleEntry.Valid> found = scanner.findRecord(from, null);
      assertEquals(offset, found.orElseThrow().offset());
      from = offset + 1;
    }
    assertEquals(Optional.empty(), scanner.findRecord(from, null));
    assertEquals(Optional.empty(), scanner.findRecord(Long.MAX_VALUE - 8, null));
  }

  @Test
  void the_search_passes_over_records_that_were_never_published() throws IOException {
    append("second");
    long second = ((CycleEntry.Valid) scanner.at(scanner.start())).next();
    overwrite(second, 0);
    assertEquals(scanner.start(), scanner.findRecord(0, null).orElseThrow().offset());
    assertEquals(Optional.empty(), scanner.findRecord(scanner.start() + 4, null));
  }

  @Test
  void header_words_that_lead_nowhere_are_hostile() throws IOException {
    append("second");
    long second = ((CycleEntry.Valid) scanner.at(scanner.start())).next();
    for (int header :
        new int[] {
          4,
          71,
          74,
          RecordLimits.LONGEST_ENTRY + 1,
          CycleLayout.LENGTH_MASK,
          CycleLayout.META | CycleLayout.LENGTH_MASK,
          CycleLayout.META | 200
        }) {
      overwrite(second, header);
      scanner.writePosition(); // reads anew
      assertEquals(new CycleEntry.Hostile(second, header), scanner.at(second));
    }
  }

  @Test
  void a_record_with_a_flipped_bit_is_corrupt_and_the_chain_goes_on() throws IOException {
    append("second");
    append("third");
    CycleEntry.Valid first = (CycleEntry.Valid) scanner.at(scanner.start());
    overwrite(first.next() + 4 + 72, 0x7f7f7f7f);
    scanner.writePosition(); // reads anew
    CycleEntry.Corrupt second = (CycleEntry.Corrupt) scanner.at(first.next());
    assertEquals(RecordVerdict.BAD_CRC, second.verdict());
    assertEquals(3, ((CycleEntry.Valid) scanner.at(second.next())).record().sequence());
  }

  @Test
  void a_cut_file_is_never_read_beyond_its_end() throws IOException {
    append("x".repeat(10_000));
    CycleEntry.Valid first = (CycleEntry.Valid) scanner.at(scanner.start());
    for (long size :
        new long[] {first.next() + 5000, first.next() + 2, first.next(), 65_000, 3, 0}) {
      try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
        cut.setLength(size);
      }
      try (CycleScanner again = CycleScanner.open(file, OutboxIdentity.outboxOf(paths))) {
        CycleEntry entry = again.at(first.next());
        boolean headerIsThere = size >= first.next() + 4;
        assertEquals(headerIsThere, entry instanceof CycleEntry.Hostile, "at size " + size);
        assertEquals(!headerIsThere, entry instanceof CycleEntry.End, "at size " + size);
        again.findRecord(0, null);
        again.writePosition();
        assertEquals(size >= 65_808, again.layout().isPresent());
      }
    }
  }

  @Test
  void random_bytes_are_never_an_exception() throws IOException {
    Random random = new Random(11);
    byte[] noise = new byte[200_000];
    for (int i = 0; i < 20; i++) {
      random.nextBytes(noise);
      try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
        out.seek(i % 2 == 0 ? 0 : 65_808);
        out.write(noise);
      }
      try (CycleScanner again = CycleScanner.open(file, OutboxIdentity.outboxOf(paths))) {
        assertTrue(again.at(again.start()).offset() >= 0);
        again.findRecord(0, null);
      }
    }
  }

  private void append(String value) {
    writer.append(OutboxEvent.of("t", value));
  }

  private void overwrite(long offset, int word) throws IOException {
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.seek(offset);
      out.writeInt(Integer.reverseBytes(word));
    }
  }
}
