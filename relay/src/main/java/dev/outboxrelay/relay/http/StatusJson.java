package dev.outboxrelay.relay.http;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.relay.deliver.Trouble;
import dev.outboxrelay.relay.deliver.Verdict;
import dev.outboxrelay.relay.fleet.FleetStatus;
import dev.outboxrelay.relay.fleet.OutboxOnHold;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.util.OptionalLong;

/** The form of {@code /status.json}: names in snake case, times in milliseconds since the epoch. */
final class StatusJson {
  private final ObjectMapper mapper = new ObjectMapper();
  private final String version;

  StatusJson(String version) {
    this.version = version;
  }

  String write(FleetStatus fleet) {
    ObjectNode root = mapper.createObjectNode();
    root.put("version", version);
    ArrayNode outboxes = root.putArray("outboxes");
    fleet.open().forEach(status -> outboxes.add(outbox(status)));
    ArrayNode onHold = root.putArray("on_hold");
    fleet.onHold().forEach(hold -> onHold.add(hold(hold)));
    return root.toPrettyString();
  }

  private ObjectNode hold(OutboxOnHold hold) {
    ObjectNode node = mapper.createObjectNode();
    node.put("outbox", hold.outbox().toString());
    node.put("reason", hold.reason());
    node.put("error", hold.error());
    node.put("since", hold.sinceMillis());
    node.put("attempts", hold.attempts());
    return node;
  }

  private ObjectNode outbox(PipelineStatus status) {
    ObjectNode node = mapper.createObjectNode();
    node.put("outbox", status.outbox().toString());
    node.put("outbox_id", status.outboxId().toString());
    node.put("generation", status.generation());
    node.put("state", status.state().label());
    node.put("state_since", status.stateSinceMillis());
    if (status.state().trouble() != null) {
      node.set("trouble", trouble(status.state().trouble()));
    }
    node.put("appended_sequence", status.appendedSequence());
    node.put("settled_sequence", status.settledSequence());
    node.put("saved_sequence", status.savedSequence());
    node.put("lag_events", status.lagEvents());
    node.put("lag_bytes", status.lagBytes());
    node.put("in_flight_events", status.inFlightEvents());
    node.put("in_flight_bytes", status.inFlightBytes());
    node.put("oldest_unsettled", boxed(status.oldestUnsettledMillis()));
    node.put("last_delivery", boxed(status.lastDeliveryMillis()));
    node.put("delivered", status.delivered());
    node.put("dead_letters", status.deadLetters());
    node.put("quarantined", status.quarantined());
    node.put("missing", status.missing());
    node.put("cycles", status.cycles());
    node.put("queue_bytes", status.queueBytes());
    return node;
  }

  private ObjectNode trouble(Trouble trouble) {
    Verdict verdict = trouble.verdict();
    ObjectNode node = mapper.createObjectNode();
    node.put("kind", verdict.kind());
    if (verdict instanceof Verdict.PauseTopic pause) {
      node.put("topic", pause.topic());
      node.put("reason", pause.reason().label());
      node.put("do", pause.reason().wayOut());
    } else if (verdict instanceof Verdict.PauseAll pause) {
      node.put("reason", pause.reason().label());
      node.put("do", pause.reason().wayOut());
    }
    node.put("error", verdict.error());
    node.put("since", trouble.sinceMillis());
    node.put("attempts", trouble.attempts());
    return node;
  }

  private static Long boxed(OptionalLong value) {
    return value.isPresent() ? value.getAsLong() : null;
  }
}
