package dev.outboxrelay.relay.http;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.relay.config.RelayConfig;

/** A configuration as JSON, secrets masked; {@code config --json} prints the same. */
public final class ConfigJson {
  private ConfigJson() {}

  public static String write(RelayConfig config) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    ObjectNode outbox = node.putObject("outbox");
    config.settings().forEach(outbox::put);
    ObjectNode kafka = node.putObject("kafka");
    config.kafka().masked().forEach(kafka::put);
    node.putArray("warnings");
    config.warnings().forEach(warning -> node.withArray("/warnings").add(warning));
    return node.toPrettyString();
  }
}
