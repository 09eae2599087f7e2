package dev.outboxrelay.client.cycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.writing.MutableClock;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CycleReaderTest {
  private static final int FREE = 0;
  private static final int HOSTILE = 70;

  @TempDir Path parent;

  private UUID outbox;
  private Path file;
  private QueueWriter writer;

  @BeforeEach
  void open() throws IOException {
    OutboxPaths paths = new OutboxPaths(parent.resolve("outbox"));
    writer = QueueWriter.open(WriterOptions.of(paths).withClock(new MutableClock(0)));
    outbox = OutboxIdentity.outboxOf(paths);
    file = paths.cycle(0);
  }

  @AfterEach
  void close() {
    writer.close();
  }

  @Test
  void a_live_cycle_is_read_as_it_grows() throws IOException {
    append(1);
    try (CycleReader reader = CycleReader.open(file, outbox)) {
      assertEquals(List.of("1"), read(reader, true));
      append(2);
      batch(3);
      assertEquals(List.of("2", "3", "4", "5", "6"), read(reader, true));
    }
  }

  @Test
  void a_record_inside_of_anothers_value_is_none() throws IOException {
    append(2);
    long second = offsets().get(1);
    byte[] copy = Arrays.copyOfRange(Files.readAllBytes(file), (int) second, (int) second + 96);
    writer.append(OutboxEvent.of("four", copy)); // aligned as entries are
    append(1);
    overwrite(offsets().get(2), HOSTILE);
    assertEquals(List.of("1", "2", "hostile-length 1", "4"), readAll());
  }

  @Test
  void a_batch_of_which_one_record_is_damaged_is_not_delivered_at_all() throws IOException {
    append(1);
    batch(4);
    append(1);
    List<Long> at = offsets();
    overwrite(at.get(3) + 4 + 72, 0x7f7f7f7f);
    assertEquals(List.of("1", "incomplete-batch 2", "crc 1", "incomplete-batch 1", "6"), readAll());
  }

  @Test
  void a_batch_whose_first_word_was_never_stored_is_not_there() throws IOException {
    append(1);
    batch(3);
    long first = offsets().get(1);
    overwrite(first, FREE);
    overwriteLong(0x40, offsets().get(0));
    try (CycleReader reader = CycleReader.open(file, outbox)) {
      assertEquals(List.of("1"), read(reader, true));
    }
  }

  @Test
  void who_has_delivered_the_first_of_a_batch_goes_on_within_it() throws IOException {
    append(1);
    batch(3);
    List<Long> at = offsets();
    for (int begin = 0; begin < 4; begin++) {
      try (CycleReader reader = CycleReader.open(file, outbox)) {
        reader.startAt(at.get(begin), begin);
        assertEquals(
            LongStream.rangeClosed(begin + 1, 4).mapToObj(Long::toString).toList(),
            read(reader, true));
      }
    }
  }

  @Test
  void what_is_behind_an_unreadable_block_is_read() throws IOException {
    append(200);
    List<Long> at = offsets();
    long bad = at.get(100);
    try (FileChannel channel = new FailingChannel(FileChannel.open(file), bad)) {
      List<String> expected = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        long end = i < 199 ? at.get(i + 1) : at.get(i) + 80;
        boolean touched = end > (bad & ~4095) && at.get(i) < (bad | 4095);
        if (!touched) {
          expected.add(Integer.toString(i + 1));
        } else if (!expected.get(expected.size() - 1).startsWith("unreadable")) {
          expected.add("unreadable-block 1");
        }
      }
      FileWindow window = FileWindow.over(channel, channel.size(), 256 << 10);
      CycleScanner scanner =
          new CycleScanner(window, CycleLayout.read(window), new CycleId(outbox, 0), false);
      assertEquals(expected, read(new CycleReader(scanner), true));
    }
  }

  @Test
  void a_header_that_the_disk_does_not_give_is_searched_behind() throws IOException {
    append(3);
    try (FileChannel channel = new FailingChannel(FileChannel.open(file), 0)) {
      FileWindow window = FileWindow.over(channel, channel.size(), 256 << 10);
      CycleLayout layout = CycleLayout.read(window);
      CycleScanner scanner = new CycleScanner(window, layout, new CycleId(outbox, 0), false);
      assertEquals(
          List.of("unreadable-header 1", "1", "2", "3"), read(new CycleReader(scanner), true));
    }
  }

  @Test
  void what_was_not_found_is_searched_again_only_once_something_was_written() throws IOException {
    append(3);
    List<Long> at = offsets();
    int published = intAt(at.get(2));
    overwrite(at.get(1), HOSTILE);
    overwrite(at.get(2), FREE);
    overwriteLong(0x40, at.get(1));
    try (CycleReader reader = CycleReader.open(file, outbox)) {
      assertEquals(List.of("1", "hostile-length lost"), read(reader, true));
      overwrite(at.get(2), published);
      assertEquals(List.of("hostile-length lost"), read(reader, true));
      overwriteLong(0x40, at.get(2));
      assertEquals(List.of("hostile-length 1", "3"), read(reader, true));
    }
  }

  @Test
  void a_cycle_that_is_not_the_newest_and_does_not_end_is_searched_behind_its_end()
      throws IOException {
    append(3);
    List<Long> at = offsets();
    overwrite(at.get(1), FREE);
    overwriteLong(0x40, at.get(0));
    try (CycleReader reader = CycleReader.open(file, outbox)) {
      assertEquals(List.of("1"), read(reader, true));
      assertEquals(List.of("missing-eof 1", "3", "missing-eof lost"), read(reader, false));
    }
  }

  private List<String> readAll() throws IOException {
    try (CycleReader reader = CycleReader.open(file, outbox)) {
      return read(reader, true);
    }
  }

  /** Sequences, and problems with the number of places at which the walk went on behind them. */
  private static List<String> read(CycleReader reader, boolean newest) throws IOException {
    List<String> read = new ArrayList<>();
    while (true) {
      CycleStep step = reader.next(newest);
      if (step instanceof CycleStep.Event event) {
        read.add(Long.toString(event.found().record().sequence()));
      } else if (step instanceof CycleStep.Damage damage) {
        int records = damage.problem() == CycleStep.Problem.INCOMPLETE_BATCH ? records(damage) : 1;
        read.add(damage.problem().label() + " " + records);
      } else if (step instanceof CycleStep.Lost lost) {
        read.add(lost.problem().label() + " lost");
        return read;
      } else {
        return read;
      }
    }
  }

  private static int records(CycleStep.Damage damage) {
    return (int) ((damage.next() - damage.offset()) / 80);
  }

  private List<Long> offsets() throws IOException {
    List<Long> offsets = new ArrayList<>();
    try (CycleScanner scanner = CycleScanner.open(file, outbox)) {
      CycleEntry at = scanner.at(scanner.start());
      while (at instanceof CycleEntry.Valid valid) {
        offsets.add(valid.offset());
        at = scanner.at(valid.next());
      }
      assertInstanceOf(CycleEntry.End.class, at);
    }
    return offsets;
  }

  /** Each takes 80 bytes with its header word, the first of the cycle 40 more. */
  private void append(int count) {
    for (int i = 0; i < count; i++) {
      writer.append(OutboxEvent.of("t", "xyz"));
    }
  }

  private void batch(int count) {
    List<OutboxEvent> events = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      events.add(OutboxEvent.of("t", "xyz"));
    }
    writer.appendAll(events);
  }

  private int intAt(long offset) throws IOException {
    try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
      in.seek(offset);
      return Integer.reverseBytes(in.readInt());
    }
  }

  private void overwrite(long offset, int word) throws IOException {
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.seek(offset);
      out.writeInt(Integer.reverseBytes(word));
    }
  }

  private void overwriteLong(long offset, long word) throws IOException {
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.seek(offset);
      out.writeLong(Long.reverseBytes(word));
    }
  }
}
