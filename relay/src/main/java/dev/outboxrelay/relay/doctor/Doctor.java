package dev.outboxrelay.relay.doctor;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OtherFormatFound;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.inspect.Backlog;
import dev.outboxrelay.relay.park.ParkedFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Makes all checks; changes nothing. */
public final class Doctor {
  private static final long MOST_EVENTS_READ = 100_000;

  private final RelayConfig config;
  private final Clock clock;
  private final Duration kafkaTimeout;

  /** What waits, as far as it was read. */
  private Backlog backlog = new Backlog(Map.of(), 0, true);

  private Held parked = Held.NOTHING;

  /**
   * Makes a doctor.
   *
   * @param kafkaTimeout for each answer of the cluster
   */
  public Doctor(RelayConfig config, Clock clock, Duration kafkaTimeout) {
    this.config = config;
    this.clock = clock;
    this.kafkaTimeout = kafkaTimeout;
  }

  /** All findings, in the order in which one would look. */
  public List<Finding> examine() {
    List<Finding> findings = new ArrayList<>();
    config
        .warnings()
        .forEach(
            warning ->
                findings.add(Finding.warning("configuration", warning, "check the spelling")));
    findings.addAll(outbox());
    findings.addAll(kafka(backlog));
    return findings;
  }

  /** What concerns the outbox's own files. */
  public List<Finding> outbox() {
    List<Finding> findings =
        new ArrayList<>(new DirectoryChecks(config.outboxDir(), config.trustParent()).findings());
    if (Files.isDirectory(config.outboxDir(), LinkOption.NOFOLLOW_LINKS)) {
      OutboxPaths paths = new OutboxPaths(config.outboxDir());
      try {
        findings.addAll(new OutboxChecks(paths, clock).findings());
        backlog = Backlog.read(paths, MOST_EVENTS_READ);
        findings.add(backlogFinding(backlog));
        parked = ParkedFiles.read(paths);
        parkedFinding(parked).ifPresent(findings::add);
      } catch (OutboxUnavailable e) {
        if (OtherFormatFound.labelOf(e) == null) {
          throw e;
        }
        findings.add(
            Finding.problem(
                "format",
                e.getMessage(),
                "the relay delivers what is before it, and leaves it as it is"));
      } catch (IOException e) {
        findings.add(
            Finding.problem("queue", "can't be read: " + e, "check rights and disk, then verify"));
      }
    }
    return findings;
  }

  private List<Finding> kafka(Backlog backlog) {
    Set<String> topics = new TreeSet<>(backlog.topics().keySet());
    List<String> most = parked.largest().stream().map(Held.Topic::name).toList();
    topics.addAll(most);
    config.topic().ifPresent(topics::add);
    config.deadLetters().topic().ifPresent(topics::add);
    ParkedChecks checks =
        new ParkedChecks(new OutboxPaths(config.outboxDir())).read(most, MOST_EVENTS_READ);
    List<Finding> findings = new ArrayList<>(checks.findings());
    findings.addAll(
        new KafkaChecks(config, clock, kafkaTimeout)
            .findings(topics, backlog.and(checks.waiting())));
    return findings;
  }

  private static Optional<Finding> parkedFinding(Held parked) {
    String most = parked.topics() > parked.largest().size() ? ", most of them of " : ", of ";
    return parked.topics() == 0
        ? Optional.empty()
        : Optional.of(
            Finding.ok(
                "parked",
                parked.events()
                    + " events are parked, topics: "
                    + parked.topics()
                    + most
                    + parked.largest().stream().map(Held.Topic::name).toList()));
  }

  private static Finding backlogFinding(Backlog backlog) {
    String more = backlog.complete() ? "" : "at least ";
    return Finding.ok(
        "backlog", more + backlog.events() + " events wait, topics: " + backlog.topics().keySet());
  }
}
