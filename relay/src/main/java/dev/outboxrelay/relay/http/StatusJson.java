package dev.outboxrelay.relay.http;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Bars;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.HeldJson;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.TroubleJson;
import dev.outboxrelay.relay.fleet.FleetStatus;
import dev.outboxrelay.relay.fleet.OutboxOnHold;
import dev.outboxrelay.relay.pipeline.Look;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** The form of {@code /status.json}: names in snake case, times in milliseconds since the epoch. */
final class StatusJson {
  private final ObjectMapper mapper = new ObjectMapper();
  private final String version;
  private final UnsettledAge age;
  private final Clocks clocks;
  private final long startedMillis;

  StatusJson(String version, UnsettledAge age, Clocks clocks) {
    this.version = version;
    this.age = age;
    this.clocks = clocks;
    this.startedMillis = clocks.millis();
  }

  String write(FleetStatus fleet) {
    ObjectNode root = mapper.createObjectNode();
    root.put("version", version);
    root.put("now", clocks.millis());
    root.put("started", startedMillis);
    ArrayNode troubles = root.putArray("troubles");
    fleet.troubles().forEach(trouble -> troubles.add(TroubleJson.of(trouble)));
    ArrayNode outboxes = root.putArray("outboxes");
    fleet.open().forEach(status -> outboxes.add(outbox(status, fleet.troubles())));
    ArrayNode onHold = root.putArray("on_hold");
    fleet.onHold().forEach(hold -> onHold.add(hold(hold)));
    return root.toPrettyString();
  }

  private ObjectNode hold(OutboxOnHold hold) {
    ObjectNode node = mapper.createObjectNode();
    node.put("outbox", hold.outbox().toString());
    node.set("summary", summary(Summary.of(hold)));
    node.put("reason", hold.reason());
    node.put("error", hold.error());
    node.put("since", hold.sinceMillis());
    node.put("attempts", hold.attempts());
    return node;
  }

  private ObjectNode outbox(PipelineStatus status, List<Trouble> ofProcess) {
    ObjectNode node = mapper.createObjectNode();
    node.put("outbox", status.outbox().toString());
    node.put("outbox_id", status.outboxId().toString());
    node.put("generation", status.generation());
    node.set("summary", summary(Summary.of(status, clocks.millis(), clocks.nanos())));
    List<Notices.Notice> notices = new ArrayList<>(Notices.of(status, clocks.nanos()));
    notices.addAll(Notices.of(ofProcess));
    for (Notices.Notice notice : notices) {
      node.withArray("/notices").addObject().put("text", notice.text()).put("do", notice.todo());
    }
    node.put("state", status.state().label());
    node.put("state_since", status.stateSinceMillis());
    status.trouble().ifPresent(first -> node.set("trouble", TroubleJson.of(first)));
    ArrayNode troubles = node.putArray("troubles");
    status.troubles().forEach(each -> troubles.add(TroubleJson.of(each)));
    node.set("barred_topics", barred(status.bars()));
    node.set("parked", parked(status.parked()));
    node.put("appended_sequence", status.appendedSequence());
    node.put("settled_sequence", status.settledSequence());
    node.put("saved_sequence", status.savedSequence());
    node.put("lag_events", status.lagEvents());
    node.put("lag_bytes", status.lagBytes());
    node.put("in_flight_events", status.inFlightEvents());
    node.put("in_flight_bytes", status.inFlightBytes());
    node.put("oldest_unsettled", boxed(status.oldestUnsettledMillis()));
    node.put("oldest_age_ms", age.millis(status));
    node.put("last_delivery", boxed(status.lastDeliveryMillis()));
    node.put("delivered", status.delivered());
    node.put("retried", status.retried());
    node.put("dead_letters", status.deadLetters());
    node.put("uncopied_dead_letters", boxed(status.uncopiedLetters()));
    node.put("quarantined", status.quarantined());
    node.put("missing", status.missing());
    node.put("unsynced_bytes", status.unsynced().bytes());
    node.put("unsynced_age_ms", age.since(status.unsynced().sinceMillis()));
    node.put("cluster", status.cluster().orElse(null));
    node.put("cluster_changes", status.clusterChanges());
    node.put("cycles", status.cycles());
    node.put("queue_bytes", status.queueBytes());
    node.put("disk_free_bytes", Math.max(0, status.look().freeBytes()));
    node.put(
        "looked_ms_ago", Duration.ofNanos(clocks.nanos() - status.look().atNanos()).toMillis());
    node.set("refused_appends", refused(status.look()));
    return node;
  }

  private ObjectNode summary(Summary summary) {
    ObjectNode node = mapper.createObjectNode();
    node.put("level", summary.level().label());
    node.put("text", summary.text());
    node.put("since", summary.sinceMillis());
    node.put("do", summary.todo());
    return node;
  }

  /** The oldest of them, and how many there are. */
  private ObjectNode barred(Bars bars) {
    ObjectNode node = mapper.createObjectNode();
    node.put("total", bars.count());
    ObjectNode byReason = node.putObject("by_reason");
    bars.byReason().entrySet().stream()
        .filter(reason -> reason.getValue() > 0)
        .forEach(reason -> byReason.put(reason.getKey().label(), reason.getValue()));
    ArrayNode topics = node.putArray("topics");
    bars.oldest().forEach(bar -> topics.add(TroubleJson.of(bar)));
    return node;
  }

  private ObjectNode parked(Held held) {
    ObjectNode node = HeldJson.of(held);
    node.put("oldest_age_ms", age.since(held.oldestMillis()));
    return node;
  }

  /** As the clients count them; empty if their file can't be read. */
  private ObjectNode refused(Look look) {
    ObjectNode node = mapper.createObjectNode();
    for (FailureCounters.Reason reason : FailureCounters.Reason.values()) {
      Long count = look.refused().get(reason);
      if (count != null) {
        node.put(reason.name().toLowerCase(Locale.ROOT).replace('_', '-'), count);
      }
    }
    return node;
  }

  private static Long boxed(OptionalLong value) {
    return value.isPresent() ? value.getAsLong() : null;
  }
}
