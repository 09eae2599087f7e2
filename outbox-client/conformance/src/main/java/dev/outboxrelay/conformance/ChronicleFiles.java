package dev.outboxrelay.conformance;

import java.nio.file.Path;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.core.time.SetTimeProvider;
import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptAppender;
import net.openhft.chronicle.queue.ExcerptTailer;
import net.openhft.chronicle.queue.RollCycle;
import net.openhft.chronicle.queue.RollCycles;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueue;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;
import net.openhft.chronicle.queue.rollcycles.LargeRollCycles;
import net.openhft.chronicle.queue.rollcycles.SparseRollCycles;
import net.openhft.chronicle.queue.rollcycles.TestRollCycles;

/** Files of Chronicle's own making, to compare with those of the clients. */
final class ChronicleFiles {

  private ChronicleFiles() {}

  /**
   * The roll cycles that the vectors hold ({@code SMALL} has 32 slots of 4 entries a page), and two
   * whose headers have integers of other widths.
   */
  enum Layout {
    FAST_HOURLY,
    SMALL,
    HUGE,
    SPARSE;

    RollCycle rollCycle() {
      return switch (this) {
        case FAST_HOURLY -> RollCycles.FAST_HOURLY;
        case SMALL -> TestRollCycles.TEST4_DAILY;
        case HUGE -> LargeRollCycles.HUGE_DAILY;
        case SPARSE -> SparseRollCycles.LARGE_HOURLY_XSPARSE;
      };
    }
  }

  /** Creates a queue with one cycle file and no excerpt. */
  static void create(Path queue, Layout layout, long clock) {
    try (SingleChronicleQueue chronicle = build(queue, layout, at(clock))) {
      chronicle.storeForCycle(chronicle.cycle(), chronicle.epoch(), true, null).close();
    }
  }

  /** Creates a queue with no cycle file. */
  static void createMetadata(Path queue, Layout layout, long clock) {
    build(queue, layout, at(clock)).close();
  }

  /**
   * Appends every excerpt of one queue to another with Chronicle's own appender, each in the cycle
   * that it had.
   *
   * @return the number of excerpts
   */
  static long copy(Path from, Path to, Layout layout) {
    SetTimeProvider clock = at(0);
    long count = 0;
    try (ChronicleQueue source = ChronicleReader.open(from);
        ExcerptTailer tailer = source.createTailer();
        ChronicleQueue target = build(to, layout, clock);
        ExcerptAppender appender = target.createAppender()) {
      for (Excerpt.Stored found = ChronicleReader.read(tailer);
          found != null;
          found = ChronicleReader.read(tailer)) {
        long cycle = found.index() >>> 32;
        clock.currentTimeMillis(cycle * layout.rollCycle().lengthInMillis());
        appender.writeBytes(Bytes.wrapForRead(found.bytes()));
        count++;
      }
    }
    return count;
  }

  private static SetTimeProvider at(long milliseconds) {
    SetTimeProvider clock = new SetTimeProvider();
    clock.currentTimeMillis(milliseconds);
    return clock;
  }

  private static SingleChronicleQueue build(Path queue, Layout layout, SetTimeProvider clock) {
    return SingleChronicleQueueBuilder.binary(queue.toFile())
        .rollCycle(layout.rollCycle())
        .timeProvider(clock)
        .build();
  }
}
