package dev.outboxrelay.relay.tail;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.format.OutboxPaths;
import dev.outboxrelay.client.format.WriterOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class FirstRecordTest {
  @TempDir private Path directory;

  /** Looks at every turn, so that one of them comes between the file and its first record. */
  @RepeatedTest(50)
  @Timeout(60)
  void aCycleThatIsEmptyWhenItIsFoundIsNotTakenForDamaged() {
    OutboxPaths paths = new OutboxPaths(directory.resolve("outbox"));
    AtomicLong nanos = new AtomicLong();
    List<String> standstills = new ArrayList<>();
    TailListener noting =
        new TailListener() {
          @Override
          public void standingStill(long cycle, long offset, String reason) {
            standstills.add(reason);
          }
        };
    try (Outbox outbox = Outbox.open(WriterOptions.of(paths).withTrustParent(true));
        Tail tail =
            new Tail(paths, noting, () -> nanos.addAndGet(Duration.ofMillis(10).toNanos()))) {
      CompletableFuture<?> appended =
          CompletableFuture.runAsync(() -> outbox.append(OutboxEvent.of("topic", "first")));
      TailedRecord first = null;
      while (first == null) {
        first = tail.poll();
      }
      appended.join();
      assertThat(first).isInstanceOf(TailedRecord.Intact.class);
    }
    assertThat(standstills).isEmpty();
  }
}
