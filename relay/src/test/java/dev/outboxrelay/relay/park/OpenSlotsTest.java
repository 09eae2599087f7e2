package dev.outboxrelay.relay.park;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OpenSlotsTest {
  private static int count(OpenSlots slots) {
    int taken = 0;
    while (slots.take()) {
      taken++;
    }
    return taken;
  }

  @Test
  void descriptorsAndMemoryBoundHowManyThereAre() {
    assertThat(count(OpenSlots.of(1024, 8L << 30))).isEqualTo(32);
    assertThat(count(OpenSlots.of(1 << 20, 64 << 20))).isEqualTo(170);
  }

  @Test
  void anOpenOneTakesNoMoreThanIsCountedForIt(@TempDir Path dir) {
    int many = 20;
    long sharedByAll = 2 << 20; // the zeros, and what the thread keeps for its writes
    OutboxEvent usual = OutboxEvent.of("t", new byte[20_000]);
    OutboxEvent large = OutboxEvent.of("t", new byte[1_000_000]);
    for (int i = 0; i < many; i++) {
      try (QueueWriter writer = open(dir, i)) {
        writer.append(usual);
      }
    }
    long before = takenAtLast(0);
    List<QueueWriter> writers = new ArrayList<>();
    try {
      for (int i = 0; i < many; i++) {
        QueueWriter writer = open(dir, i);
        writers.add(writer);
        for (int event = 0; event < 100; event++) {
          writer.append(usual);
        }
        writer.append(large);
      }
      long most = before + many * (long) OpenSlots.BUFFER_BYTES + sharedByAll;
      assertThat(takenAtLast(most)).isLessThanOrEqualTo(most);
    } finally {
      writers.forEach(QueueWriter::close);
    }
  }

  private static QueueWriter open(Path dir, int number) {
    Path topic = dir.resolve("topic-" + number);
    return QueueWriter.open(WriterOptions.parked(new OutboxPaths(topic)));
  }

  /** Bytes outside of the heap, once what nobody needs was collected, or are few enough. */
  private static long takenAtLast(long enough) {
    BufferPoolMXBean direct =
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .filter(pool -> pool.getName().equals("direct"))
            .findFirst()
            .orElseThrow();
    long least = Long.MAX_VALUE;
    for (int times = 0; times < 20 && least > enough; times++) {
      System.gc();
      least = Math.min(least, direct.getMemoryUsed());
    }
    return least;
  }
}
