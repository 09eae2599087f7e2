package dev.outboxrelay.relay.notify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.relay.fleet.FleetStatus;
import dev.outboxrelay.relay.pipeline.Statuses;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServiceManagerTest {
  private final List<List<String>> told = new CopyOnWriteArrayList<>();

  @Test
  void isToldReadyThenAliveThenStopping() {
    try (ServiceManager manager =
        new ServiceManager(
            Optional.of(told::add), Optional.of(Duration.ofHours(1)), System::nanoTime)) {
      manager.ready(ServiceManagerTest::turning);
      manager.stopping();

      await()
          .untilAsserted(
              () ->
                  assertThat(told)
                      .containsExactly(
                          List.of("READY=1"),
                          List.of(
                              "WATCHDOG=1",
                              "STATUS=Delivering, 0 events waiting in /var/lib/outbox"),
                          List.of("STOPPING=1", "STATUS=Stopping")));
    }
  }

  @Test
  void anOutboxThatCantBeLookedAtDoesNotEndTheHeartbeat() {
    try (ServiceManager manager =
        new ServiceManager(
            Optional.of(told::add), Optional.of(Duration.ofHours(1)), System::nanoTime)) {
      manager.ready(
          () -> {
            throw new IllegalStateException("gone");
          });
      manager.stopping();

      await()
          .untilAsserted(() -> assertThat(told).contains(List.of("STOPPING=1", "STATUS=Stopping")));
      assertThat(told).doesNotContain(List.of("WATCHDOG=1"));
    }
  }

  @Test
  void aWatchdogIsOursIfItNamesUsOrNobody() {
    assertThat(ServiceManager.watchdog(Map.of("WATCHDOG_USEC", "60000000"), 7))
        .contains(Duration.ofMinutes(1));
    assertThat(ServiceManager.watchdog(Map.of("WATCHDOG_USEC", "60000000", "WATCHDOG_PID", "7"), 7))
        .contains(Duration.ofMinutes(1));
    assertThat(ServiceManager.watchdog(Map.of("WATCHDOG_USEC", "60000000", "WATCHDOG_PID", "8"), 7))
        .isEmpty();
    assertThat(ServiceManager.watchdog(Map.of("WATCHDOG_USEC", "soon"), 7)).isEmpty();
    assertThat(ServiceManager.watchdog(Map.of("WATCHDOG_USEC", "0"), 7)).isEmpty();
    assertThat(ServiceManager.watchdog(Map.of(), 7)).isEmpty();
  }

  @Test
  void theCommandGetsTheMessagesAndNoneOfOurEnvironment(@TempDir Path directory) throws Exception {
    Path heard = directory.resolve("heard");
    Path command =
        Files.writeString(
            directory.resolve("notify"),
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >" + heard + "\n/usr/bin/env >>" + heard + "\n");
    Files.setPosixFilePermissions(command, PosixFilePermissions.fromString("rwx------"));

    new SystemdNotify(command.toString(), "/run/socket").tell(List.of("READY=1", "STATUS=It runs"));

    assertThat(Files.readAllLines(heard))
        .startsWith("READY=1", "STATUS=It runs")
        .contains("NOTIFY_SOCKET=/run/socket")
        .noneMatch(line -> line.startsWith("HOME="));
  }

  @Test
  void aMissingCommandEndsNothing() {
    new SystemdNotify("/nowhere/systemd-notify", "/run/socket").tell(List.of("READY=1"));
  }

  private static FleetStatus turning() {
    return FleetStatus.of(Statuses.idle(Path.of("/var/lib/outbox"), System.nanoTime()));
  }
}
