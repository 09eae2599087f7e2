package dev.outboxrelay.relay.doctor;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.relay.inspect.LockHolder;
import dev.outboxrelay.relay.inspect.OutboxReport;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Whether state and position fit each other, and whether anybody delivers. */
final class OutboxChecks {
  private final OutboxPaths paths;
  private final Clock clock;

  OutboxChecks(OutboxPaths paths, Clock clock) {
    this.paths = paths;
    this.clock = clock;
  }

  List<Finding> findings() throws IOException {
    OutboxReport report = OutboxReport.read(paths);
    List<Finding> findings = new ArrayList<>();
    findings.add(state(report));
    findings.add(position(report));
    findings.add(relay(report));
    if (report.deadLetters() > 0) {
      findings.add(
          Finding.warning(
              "dead-letters",
              report.deadLetters() + " events that Kafka will never take",
              "look at them with dead-letters list"));
    }
    if (report.quarantined() > 0) {
      findings.add(
          Finding.warning(
              "quarantine",
              report.quarantined() + " pieces of corrupt data in " + paths.quarantine(),
              "check the disk; run verify"));
    }
    return findings;
  }

  private Finding state(OutboxReport report) {
    if (report.state().isEmpty()) {
      return report.cycles() == 0
          ? Finding.ok("outbox", "empty: nothing was appended yet")
          : Finding.warning(
              "outbox", paths.state() + " is missing or invalid", "the next append rebuilds it");
    }
    OutboxState state = report.state().get();
    if (!state.failedCycles().isEmpty()) {
      return Finding.warning(
          "outbox",
          "writers gave up cycles " + state.failedCycles(),
          "run verify: it tells what is damaged; the relay delivers what can be read");
    }
    return Finding.ok("outbox", state.outboxId() + ", generation " + state.generation());
  }

  private Finding position(OutboxReport report) {
    if (report.position().isDamaged()) {
      return Finding.problem(
          "position",
          paths.position() + " holds no valid position: the relay refuses to start",
          "restore it from a backup, or remove it: then every event that is still in the queue is"
              + " delivered again");
    }
    Optional<Position> position = report.savedPosition();
    if (position.isEmpty()) {
      return Finding.ok("position", "none saved yet: delivery begins with the first event");
    }
    long settled = position.get().sequence();
    if (report.state().isPresent()) {
      OutboxState state = report.state().get();
      if (!state.outboxId().equals(position.get().outboxId())) {
        return Finding.problem(
            "position",
            "it belongs to outbox "
                + position.get().outboxId()
                + ", the queue to "
                + state.outboxId(),
            "restore position and queue from the same copy");
      }
      if (state.nextSequence() > 0 && settled >= state.nextSequence()) {
        return Finding.problem(
            "position",
            settled + " is settled, but the last event is " + (state.nextSequence() - 1),
            "the queue is older than the position: restore both from the same copy");
      }
    }
    return Finding.ok("position", settled + " of " + report.appendedSequence() + " settled");
  }

  private Finding relay(OutboxReport report) {
    OptionalLong pid = LockHolder.of(paths.relayLock());
    if (pid.isPresent()) {
      return Finding.ok("relay", "runs as process " + pid.getAsLong());
    }
    if (report.lagEvents() == 0) {
      return Finding.ok("relay", "none is seen on this host; nothing waits for it");
    }
    String age =
        report.oldestUnsettledMillis().isPresent()
            ? ", the oldest for "
                + Duration.ofMillis(clock.millis() - report.oldestUnsettledMillis().getAsLong())
                    .toSeconds()
                + " s"
            : "";
    return Finding.warning(
        "relay",
        "none is seen on this host, and " + report.lagEvents() + " events wait" + age,
        "start it: outbox-relay run");
  }
}
