package dev.outboxrelay.relay.http;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Trouble;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The form of {@code /status.json}: names in snake case, times in milliseconds since the epoch. */
final class StatusJson {
  private final ObjectMapper mapper = new ObjectMapper();
  private final String version;

  StatusJson(String version) {
    this.version = version;
  }

  String write(List<PipelineStatus> pipelines) {
    ObjectNode root = mapper.createObjectNode();
    root.put("version", version);
    for (PipelineStatus status : pipelines) {
      root.withArray("/outboxes").add(outbox(status));
    }
    return root.toPrettyString();
  }

  private ObjectNode outbox(PipelineStatus status) {
    ObjectNode node = mapper.createObjectNode();
    node.put("outbox", status.outbox().toString());
    node.put("outbox_id", status.outboxId().toString());
    node.put("generation", status.generation());
    node.put("state", status.state().label());
    node.put("state_since", status.stateSinceMillis());
    trouble(status.state())
        .ifPresent(
            trouble ->
                node.putObject("trouble")
                    .put("kind", trouble.verdict().kind())
                    .put("error", trouble.verdict().error())
                    .put("since", trouble.sinceMillis())
                    .put("attempts", trouble.attempts()));
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

  private static Optional<Trouble> trouble(DeliveryState state) {
    if (state instanceof DeliveryState.Waiting waiting) {
      return Optional.of(waiting.trouble());
    } else if (state instanceof DeliveryState.Stalled stalled) {
      return Optional.of(stalled.trouble());
    } else if (state instanceof DeliveryState.Probing probing) {
      return Optional.of(probing.trouble());
    } else if (state instanceof DeliveryState.Fenced fenced) {
      return Optional.of(fenced.trouble());
    } else if (state instanceof DeliveryState.Connecting connecting) {
      return Optional.ofNullable(connecting.trouble());
    }
    return Optional.empty();
  }

  private static Long boxed(OptionalLong value) {
    return value.isPresent() ? value.getAsLong() : null;
  }
}
