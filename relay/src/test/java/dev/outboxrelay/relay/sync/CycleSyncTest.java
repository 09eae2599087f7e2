package dev.outboxrelay.relay.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CycleSyncTest {
  @TempDir private Path directory;
  private OutboxPaths paths;
  private long first;
  private long last;
  private CycleSync sync;
  private int syncs;
  private boolean failing;

  @BeforeEach
  void twoCycles() throws IOException {
    paths = new OutboxPaths(directory.resolve("outbox"));
    Instant hour = Instant.parse("2026-01-01T00:00:00Z");
    for (Instant now : new Instant[] {hour, hour.plus(Duration.ofHours(1))}) {
      WriterOptions options = WriterOptions.of(paths).withTrustParent(true).withClock(() -> now);
      try (QueueWriter writer = QueueWriter.open(options)) {
        writer.append(OutboxEvent.of("t", "v"));
      }
    }
    first = paths.cycles().get(0);
    last = paths.cycles().get(1);
    sync = new CycleSync(paths, first, disk());
  }

  @AfterEach
  void close() throws IOException {
    sync.close();
  }

  /** The real one, which counts and may fail. */
  private Disk disk() {
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("sync") && arguments[0] instanceof FileChannel) {
                syncs++;
                if (failing) {
                  throw new IOException("Input/output error");
                }
              }
              try {
                return method.invoke(Disk.REAL, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void eachCycleUpToTheOneAskedForIsSynced() throws IOException {
    sync.syncUpTo(last);
    assertThat(syncs).isEqualTo(2);
    sync.syncUpTo(last);
    assertThat(syncs).isEqualTo(3);
  }

  @Test
  void aSyncThatFailsNamesTheCycleWhoseDataMayBeLost() {
    failing = true;
    assertThatThrownBy(() -> sync.syncUpTo(last))
        .isInstanceOfSatisfying(
            CycleSyncException.class, e -> assertThat(e.cycle()).isEqualTo(first));
  }

  /** As when no descriptor is left: nothing of it is lost, so no writer need leave the cycle. */
  @Test
  void anOpenThatFailsIsNoFailedSyncAndIsTriedAgain() throws IOException {
    Path aside = directory.resolve("aside");
    Files.move(paths.cycle(last), aside);
    Files.createDirectory(paths.cycle(last));
    assertThatThrownBy(() -> sync.syncUpTo(last))
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(CycleSyncException.class);
    assertThat(syncs).isEqualTo(1);

    Files.delete(paths.cycle(last));
    Files.move(aside, paths.cycle(last));
    sync.syncUpTo(last);
    assertThat(syncs).isEqualTo(2);
  }

  @Test
  void aCycleThatIsGoneNeedsNoSync() throws IOException {
    Files.delete(paths.cycle(first));
    sync.syncUpTo(first);
    assertThat(syncs).isZero();
  }
}
