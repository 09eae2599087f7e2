package dev.outboxrelay.relay.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OldestEventTest {
  private static final int CYCLES = 6;

  /** Where the first record of a cycle begins, and a page behind it. */
  private static final int HEAD = 0x10110 + 4096;

  @TempDir private Path directory;
  private OutboxPaths paths;
  private QueueWriter writer;
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");

  @BeforeEach
  void anEventInEachOfSomeCycles() {
    paths = new OutboxPaths(directory.resolve("outbox"));
    writer = QueueWriter.open(WriterOptions.of(paths).withTrustParent(true).withClock(() -> now));
    for (int i = 0; i < CYCLES; i++) {
      writer.append(OutboxEvent.builder("orders").value("v").build());
      now = now.plus(Duration.ofHours(1));
    }
  }

  @AfterEach
  void close() {
    writer.close();
  }

  private static OptionalLong at(String time) {
    return OptionalLong.of(Instant.parse(time).toEpochMilli());
  }

  private void damage(long cycle) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(paths.cycle(cycle).toFile(), "rw")) {
      file.write(new byte[HEAD]);
    }
  }

  @Test
  void theFirstBehindWhatIsSettledIsFound() throws Exception {
    OldestEvent oldest = new OldestEvent(1 << 20);

    assertThat(oldest.appendMillis(paths, 0)).isEqualTo(at("2026-01-01T00:00:00Z"));
    assertThat(oldest.appendMillis(paths, 4)).isEqualTo(at("2026-01-01T04:00:00Z"));
    assertThat(oldest.appendMillis(paths, CYCLES)).isEmpty();

    writer.append(OutboxEvent.builder("orders").value("v").build());
    assertThat(oldest.appendMillis(paths, CYCLES)).isEqualTo(at("2026-01-01T06:00:00Z"));
  }

  @Test
  void damageIsSearchedOneFileAtATimeAndNothingTwice() throws Exception {
    for (long cycle : paths.cycles().subList(0, CYCLES - 1)) {
      damage(cycle);
    }
    OldestEvent oldest = new OldestEvent(1);

    for (int look = 0; look < CYCLES - 1; look++) {
      assertThat(oldest.appendMillis(paths, 0)).as("look %d", look).isEmpty();
    }
    assertThat(oldest.appendMillis(paths, 0)).isEqualTo(at("2026-01-01T05:00:00Z"));
  }

  @Test
  void whatWasFoundIsNotLookedForAgainUntilMoreIsSettled() throws Exception {
    OldestEvent oldest = new OldestEvent(Long.MAX_VALUE);
    oldest.appendMillis(paths, 0);
    damage(paths.cycles().get(0));

    assertThat(oldest.appendMillis(paths, 0)).isEqualTo(at("2026-01-01T00:00:00Z"));
    assertThat(oldest.appendMillis(paths, 1)).isEqualTo(at("2026-01-01T01:00:00Z"));
  }
}
