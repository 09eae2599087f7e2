package dev.outboxrelay.relay.http;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.relay.history.History;
import dev.outboxrelay.relay.history.Sample;
import java.nio.file.Path;
import java.util.List;

/**
 * The form of {@code /history.json}: an array for each quantity, all of one length, oldest first.
 * Times in milliseconds since the epoch.
 */
final class HistoryJson {
  private final ObjectMapper mapper = new ObjectMapper();

  String write(Path outbox, List<Sample> samples) {
    ObjectNode root = mapper.createObjectNode();
    root.put("outbox", outbox.toString());
    root.put("interval_ms", History.INTERVAL.toMillis());
    ArrayNode at = root.putArray("at");
    ArrayNode lagEvents = root.putArray("lag_events");
    ArrayNode lagBytes = root.putArray("lag_bytes");
    ArrayNode oldest = root.putArray("oldest_age_seconds");
    ArrayNode delivered = root.putArray("delivered_per_second");
    ArrayNode retried = root.putArray("retried_per_second");
    ArrayNode troubled = root.putArray("troubled");
    for (Sample sample : samples) {
      at.add(sample.atMillis());
      lagEvents.add(sample.lagEvents());
      lagBytes.add(sample.lagBytes());
      oldest.add(rounded(sample.oldestSeconds()));
      delivered.add(rounded(sample.deliveredPerSecond()));
      retried.add(rounded(sample.retriedPerSecond()));
      troubled.add(sample.troubled() ? 1 : 0);
    }
    return root.toString();
  }

  private static double rounded(float value) {
    return Math.round(value * 10.0) / 10.0;
  }
}
