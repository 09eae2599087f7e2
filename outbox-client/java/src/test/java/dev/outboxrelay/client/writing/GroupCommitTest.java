package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.SyncedDisk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.StateFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
class GroupCommitTest {
  private static final OutboxEvent EVENT = OutboxEvent.of("t", "x");

  @TempDir Path parent;
  private OutboxPaths paths;
  private final SyncedDisk disk = new SyncedDisk();
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @BeforeEach
  void name() {
    paths = new OutboxPaths(parent.resolve("outbox"));
  }

  @AfterEach
  void end() {
    threads.shutdownNow();
  }

  @Test
  void an_error_that_one_thread_is_told_holds_for_all_who_had_appended() throws Exception {
    try (QueueWriter writer = QueueWriter.open(options())) {
      disk.onSync(
          number -> {
            if (number == 1) {
              disk.awaitPublished(2);
              throw new IOException("Input/output error"); // of both, and told once
            }
          });
      Future<OutboxError> one = threads.submit(failing(writer));
      disk.awaitPublished(1);
      Future<OutboxError> two = threads.submit(failing(writer));
      for (Future<OutboxError> each : List.of(one, two)) {
        OutboxError error = each.get();
        assertTrue(error instanceof OutboxUnavailable, String.valueOf(error));
        assertTrue(error.maybeAppended().isPresent());
      }
      assertEquals(3, writer.append(EVENT).sequence());
    }
    assertEquals(List.of(0L), StateFile.read(paths.state()).orElseThrow().failedCycles());
    assertEquals(List.of(0L, 1L), paths.cycles());
  }

  /** The error of an append, or null. */
  private static Callable<OutboxError> failing(QueueWriter writer) {
    return () -> {
      try {
        writer.append(EVENT);
        return null;
      } catch (OutboxError e) {
        return e;
      }
    };
  }

  private WriterOptions options() {
    return WriterOptions.of(paths)
        .withClock(new MutableClock(0))
        .withDurability(Durability.POWER)
        .withDisk(disk.disk());
  }
}
