package dev.outboxrelay.relay.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.pipeline.Statuses;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsFileTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final RelayMetrics metrics =
      new RelayMetrics(
          "1.2.3", new UnsettledAge(InstantSource.system()), List::of, System::nanoTime);

  @TempDir private Path directory;
  private Path file;
  private final Counts counts = new Counts(InstantSource.system());

  private void deliver() {
    Fact event = new Fact.Delivered("t", 100, 20);
    counts.tell(event);
    metrics.listener(directory, counts).tell(event);
  }

  @BeforeEach
  void watchAnOutbox() {
    file = directory.resolve("relay.prom");
    deliver();
    metrics.watch(directory, () -> Statuses.idle(directory, 0));
  }

  @AfterEach
  void close() {
    metrics.close();
  }

  private String[] files() {
    return directory.toFile().list();
  }

  @Test
  void itHoldsWhatIsAboutOutboxesAndNothingThatAnotherProcessExportsToo() throws IOException {
    new MetricsFile(file, metrics).write();

    String text = Files.readString(file);
    assertThat(text)
        .contains("outbox_relay_lag_events{outbox=\"" + directory + "\"} 0.0\n")
        .contains("outbox_relay_delivery_latency_seconds_bucket")
        .doesNotContain("jvm_", "process_", "system_");
    assertThat(text.lines())
        .filteredOn(line -> !line.startsWith("#"))
        .isNotEmpty()
        .allMatch(line -> line.contains("outbox=\"" + directory + "\""));
  }

  @Test
  void itIsReplacedAsAWholeAndReadableByAll() throws IOException {
    MetricsFile written = new MetricsFile(file, metrics);
    written.write();
    Object before = Files.readAttributes(file, "unix:ino").get("ino");
    deliver();
    written.write();

    assertThat(Files.readAttributes(file, "unix:ino").get("ino")).isNotEqualTo(before);
    assertThat(Files.readString(file)).contains("events_delivered_total{", "} 2.0");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-r--r--");
    assertThat(files()).containsExactly("relay.prom");
  }

  @Test
  void itFollowsNoLink() throws IOException {
    Path victim = Files.writeString(directory.resolve("victim"), "precious");
    Files.createSymbolicLink(directory.resolve(".relay.prom.tmp"), victim);
    Files.createSymbolicLink(file, victim);
    new MetricsFile(file, metrics).write();

    assertThat(victim).hasContent("precious");
    assertThat(Files.isSymbolicLink(file)).isFalse();
  }

  @Test
  void aDirectoryThatIsNotThereYetIsNoReasonToFail() throws IOException {
    file = directory.resolve("later").resolve("relay.prom");
    MetricsFile written = new MetricsFile(file, metrics);
    written.write();
    assertThat(file).doesNotExist();

    Files.createDirectory(file.getParent());
    written.write();
    assertThat(file).exists();
  }

  @Test
  void anOutboxWithALineEndInItsNameDoesNotSpoilIt() throws IOException {
    Path odd = directory.resolve("a\rb\nc");
    metrics.watch(odd, () -> Statuses.idle(odd, 0));
    new MetricsFile(file, metrics).write();

    assertThat(Files.readString(file))
        .contains("outbox_relay_lag_events{outbox=\"" + directory + "/a\rb\\nc\"} 0.0\n");
  }

  @Test
  void whatItDidNotWriteItDoesNotRemove() throws IOException {
    Files.createDirectory(file);
    try (MetricsFile started = new MetricsFile(file, metrics)) {
      started.write();
    }
    assertThat(file).isDirectory();
  }

  @Test
  void aStopRemovesIt() {
    try (MetricsFile started = MetricsFile.start(file, metrics)) {
      await().atMost(PATIENCE).until(() -> Files.exists(file));
      started.write();
    }
    assertThat(files()).isEmpty();
  }
}
