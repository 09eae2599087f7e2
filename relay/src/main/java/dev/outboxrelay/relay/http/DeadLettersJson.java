package dev.outboxrelay.relay.http;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.inspect.RecentDeadLetters;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * The form of {@code /dead-letters.json}: times in milliseconds since the epoch, never a key or a
 * value. Thread-safe.
 */
final class DeadLettersJson {
  /** One of two threads is busy meanwhile, and the other pages have the other. */
  private static final Duration BUDGET = Duration.ofMillis(300);

  private final ObjectMapper mapper = new ObjectMapper();
  private final Map<Path, RecentDeadLetters> outboxes = new ConcurrentHashMap<>();
  private final LongSupplier nanoClock;

  DeadLettersJson(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
  }

  /**
   * Reads on, and writes what is known of one outbox.
   *
   * @param served all outboxes of now; others are forgotten
   */
  String write(Path outbox, Set<Path> served) {
    outboxes.keySet().retainAll(served);
    RecentDeadLetters letters =
        outboxes.computeIfAbsent(
            outbox, path -> new RecentDeadLetters(new OutboxPaths(path), nanoClock));
    try {
      return form(outbox, letters.read(BUDGET));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String form(Path outbox, RecentDeadLetters.Reading reading) {
    ObjectNode root = mapper.createObjectNode();
    root.put("outbox", outbox.toString());
    root.put("total", reading.total());
    root.put("complete", reading.complete());
    ObjectNode reasons = root.putObject("reasons");
    reading.reasons().forEach(reasons::put);
    ArrayNode latest = root.putArray("latest");
    for (RecentDeadLetters.Entry letter : reading.latest()) {
      ObjectNode node = latest.addObject();
      node.put("number", letter.number());
      node.put("at", letter.atMillis());
      node.put("reason", letter.reason());
      node.put("error", letter.error());
      node.put("topic", letter.topic());
      node.put("event_id", letter.eventId());
      node.put("sequence", letter.sequence());
      node.put("appended", letter.appendMillis());
    }
    return root.toString();
  }
}
