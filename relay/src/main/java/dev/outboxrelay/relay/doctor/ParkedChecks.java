package dev.outboxrelay.relay.doctor;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.inspect.Backlog;
import dev.outboxrelay.relay.park.ParkedFiles;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** What is parked, as the checks of its topics need it. Changes nothing. For one thread. */
public final class ParkedChecks {
  /** Topics of one command; of more those with most events. */
  public static final int MOST_TOPICS = 1_000;

  private final OutboxPaths main;
  private final List<Finding> findings = new ArrayList<>();
  private Backlog waiting = new Backlog(Map.of(), 0, true);

  /** Looks at nothing yet. */
  public ParkedChecks(OutboxPaths main) {
    this.main = main;
  }

  /** The topics of which events are parked, those with most of them first. */
  public List<String> topics() throws IOException {
    List<Held.Topic> holding = new ArrayList<>();
    ParkedFiles.each(
        main,
        (topic, oldest) -> {
          if (topic.events() > 0) {
            holding.add(topic);
          }
        });
    holding.sort(
        Comparator.comparingLong(Held.Topic::events).reversed().thenComparing(Held.Topic::name));
    if (holding.size() > MOST_TOPICS) {
      findings.add(
          Finding.skipped(
              "parked",
              (holding.size() - MOST_TOPICS)
                  + " more topics have parked events, fewer ones: name them to have them checked"));
    }
    return holding.stream().limit(MOST_TOPICS).map(Held.Topic::name).toList();
  }

  /**
   * Reads what of these topics is parked.
   *
   * @param limit of events of each
   */
  public ParkedChecks read(Collection<String> topics, long limit) {
    for (String topic : topics) {
      if (RecordLimits.isTopicName(topic)) {
        read(topic, limit);
      }
    }
    return this;
  }

  private void read(String topic, long limit) {
    OutboxPaths parked = main.parked(topic);
    try {
      SafeFiles.Attributes root = SafeFiles.attributes(parked.root());
      if (root != null && root.directory()) {
        waiting = waiting.and(Backlog.read(parked, limit));
      }
    } catch (IOException | OutboxError e) {
      findings.add(
          Finding.problem(
              "parked",
              topic + ": what is parked of it can't be read: " + e.getMessage(),
              "mend rights and disk of parked/" + topic + "/"));
    }
  }

  /** What was read. */
  public Backlog waiting() {
    return waiting;
  }

  /** What could not be read, or was left out. */
  public List<Finding> findings() {
    return List.copyOf(findings);
  }
}
