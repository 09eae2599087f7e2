package dev.outboxrelay.relay.tail;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the chain of entries is torn, and what may and may not be taken up again behind it. */
class SalvageTailTest {
  private static final int HOSTILE_LENGTH = 1;
  private static final int WORD1 = 0x40;

  @TempDir private Path directory;

  private OutboxPaths paths;
  private QueueWriter writer;

  @BeforeEach
  void open() {
    paths = new OutboxPaths(directory.resolve("outbox"));
    writer = QueueWriter.open(WriterOptions.of(paths).withTrustParent(true));
  }

  @AfterEach
  void close() {
    writer.close();
  }

  /** A search reads all that is behind, which can take seconds on a large file. */
  @Test
  void aSearchThatFoundNothingIsNotRepeatedBeforeTheWritersHaveGoneOn() throws IOException {
    append("a", "b", "damaged", "later");
    List<CycleEntry.Valid> entries = entries();
    CycleEntry.Valid damaged = entries.get(2);
    CycleEntry.Valid later = entries.get(3);
    int published = (int) (later.next() - later.offset() - 4);
    write32(damaged.offset(), HOSTILE_LENGTH);
    write32(later.offset(), 0);
    write32(WORD1, (int) damaged.offset());

    try (SalvageTail tail =
        new SalvageTail(file(), OutboxIdentity.outboxOf(paths), new Place(cycle(), 0, 0))) {
      assertThat(read(tail)).containsExactly("1", "2");
      // What is published and not booked waits: were there a search, it would be found.
      write32(later.offset(), published);
      assertThat(read(tail)).isEmpty();
      write32(WORD1, (int) later.offset());
      assertThat(read(tail)).containsExactly("hostile-length", "4");
    }
  }

  @Test
  void aLongFileIsSearchedInManyTurns() throws IOException {
    append("a", "damaged", "b");
    List<CycleEntry.Valid> entries = entries();
    write32(entries.get(1).offset(), HOSTILE_LENGTH);
    write32(entries.get(2).offset(), 0);
    try (SalvageTail tail =
        new SalvageTail(file(), OutboxIdentity.outboxOf(paths), new Place(cycle(), 0, 0))) {
      assertThat(tail.poll(true)).isInstanceOf(TailedRecord.Intact.class);
      int turns = 1;
      TailedRecord found = tail.poll(true);
      while (found == null && tail.isSearching()) {
        turns++;
        found = tail.poll(true);
      }
      // 80 MB, once for records and once for the end of what is not zero
      assertThat(turns).isBetween(8, 16);
      assertThat(found).isInstanceOf(TailedRecord.Damaged.class);
      assertThat(tail.isFinished()).isTrue();
    }
  }

  @Test
  void aCopyOfARecordThatWasReadIsNotReadAgainFromWithinAnothersValue() throws IOException {
    append("a", "b");
    CycleEntry.Valid second = entries().get(1);
    byte[] copy =
        Arrays.copyOfRange(Files.readAllBytes(file()), (int) second.offset(), (int) second.next());
    writer.append(OutboxEvent.of("four", copy)); // so that the copy is aligned as entries are
    append("c");
    write32(entries().get(2).offset(), HOSTILE_LENGTH);

    try (SalvageTail tail =
        new SalvageTail(file(), OutboxIdentity.outboxOf(paths), new Place(cycle(), 0, 0))) {
      assertThat(read(tail)).containsExactly("1", "2", "hostile-length", "4");
    }
  }

  private void append(String... values) {
    for (String value : values) {
      writer.append(OutboxEvent.of("four", value));
    }
  }

  /** Sequences of what is intact, reasons of what is not. */
  private static List<String> read(SalvageTail tail) throws IOException {
    List<String> read = new ArrayList<>();
    for (TailedRecord next = poll(tail); next != null; next = poll(tail)) {
      read.add(
          next instanceof TailedRecord.Intact intact
              ? Long.toString(intact.record().sequence())
              : ((TailedRecord.Damaged) next).reason());
    }
    return read;
  }

  private static TailedRecord poll(SalvageTail tail) throws IOException {
    TailedRecord next = tail.poll(false);
    while (next == null && tail.isSearching()) {
      next = tail.poll(false);
    }
    return next;
  }

  private List<CycleEntry.Valid> entries() throws IOException {
    List<CycleEntry.Valid> entries = new ArrayList<>();
    try (CycleScanner scanner = CycleScanner.open(file(), OutboxIdentity.outboxOf(paths))) {
      CycleEntry entry = scanner.at(scanner.start());
      while (entry instanceof CycleEntry.Valid valid) {
        entries.add(valid);
        entry = scanner.at(valid.next());
      }
    }
    return entries;
  }

  private long cycle() throws IOException {
    return paths.cycles().get(0);
  }

  private Path file() throws IOException {
    return paths.cycle(cycle());
  }

  private void write32(long offset, int value) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, value);
    try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      channel.write(bytes, offset);
    }
  }
}
