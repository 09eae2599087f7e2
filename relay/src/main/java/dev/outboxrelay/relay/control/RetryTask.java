package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Set;

/** Has topics asked for at once. To do that twice does no harm. For one thread. */
record RetryTask(Set<String> topics, Workplace place) implements Task {
  @Override
  public Step step() {
    topics.forEach(place.parked().lanes()::tellRetry);
    return Step.DONE;
  }

  /** It is asked all the same: its events may wait in the queue. */
  private boolean isParked(String topic) {
    return place.parked().topic(topic).heldEvents() > 0;
  }

  @Override
  public ObjectNode report() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("topics", topics.size());
    node.put("topic", topics.size() == 1 ? topics.iterator().next() : null);
    node.put(
        "parked",
        topics.stream().mapToLong(topic -> place.parked().topic(topic).heldEvents()).sum());
    NotFound.put(node, topics.stream().filter(topic -> !isParked(topic)).sorted().toList());
    return node;
  }

  @Override
  public void close() throws IOException {}
}
