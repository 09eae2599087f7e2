package dev.outboxrelay.relay.fact;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The one form in which a trouble is told to programs: in status.json and in relay.troubles. */
public final class TroubleJson {
  private TroubleJson() {}

  /** Names in snake case, times in milliseconds since the epoch. */
  public static ObjectNode of(Trouble trouble) {
    Cause cause = trouble.cause();
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("kind", cause.label());
    if (cause instanceof Verdict.PauseTopic pause) {
      node.put("topic", pause.topic());
    }
    if (cause.reasonLabel() != null) {
      node.put("reason", cause.reasonLabel());
    }
    if (cause.wayOut() != null) {
      node.put("do", cause.wayOut());
    }
    node.put("error", cause.error());
    node.put("since", trouble.sinceMillis());
    node.put("attempts", trouble.attempts());
    return node;
  }
}
