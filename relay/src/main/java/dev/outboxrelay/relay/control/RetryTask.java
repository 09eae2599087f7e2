package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;

/** Has a topic asked for at once. To do that twice does no harm. For one thread. */
record RetryTask(String topic, Workplace place) implements Task {
  @Override
  public Step step() {
    place.parked().tellRetry(topic);
    return Step.DONE;
  }

  @Override
  public ObjectNode report() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("topic", topic);
    node.put("parked", place.parked().topic(topic).heldEvents());
    return node;
  }

  @Override
  public void close() throws IOException {}
}
