package dev.outboxrelay.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.record.RecordDraft;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * Says what the Java client takes, for comparison with the Python client: the file systems and
 * defaults, a {@code NAME VALUE} a line; then for each event on standard input, a JSON object a
 * line, {@code ok} or the error's name.
 */
public final class RulesMain {
  private static final ObjectMapper JSON = new ObjectMapper();

  private RulesMain() {}

  /** Prints the rules, then judges events until standard input ends. */
  public static void main(String[] args) throws IOException, ReflectiveOperationException {
    System.out.println("file-systems " + fileSystems("ALLOWED"));
    System.out.println("file-systems-with-warning " + fileSystems("ALLOWED_WITH_WARNING"));
    System.out.println("lock-timeout " + WriterOptions.USUAL_LOCK_TIMEOUT.toSeconds());
    System.out.println("roll-bytes " + WriterOptions.USUAL_ROLL_BYTES);
    BufferedReader events =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = events.readLine(); line != null; line = events.readLine()) {
      System.out.println(judge(JSON.readTree(line)));
    }
  }

  private static String fileSystems(String list) throws ReflectiveOperationException {
    Field field =
        Class.forName("dev.outboxrelay.client.writing.OutboxDirectory").getDeclaredField(list);
    field.setAccessible(true);
    return ((Set<?>) field.get(null))
        .stream().map(String::valueOf).sorted().collect(Collectors.joining(","));
  }

  private static String judge(JsonNode event) {
    try {
      OutboxEvent.Builder builder = OutboxEvent.builder(event.get("topic").asText());
      builder.value(new byte[event.path("value_bytes").asInt(0)]);
      if (event.has("key_bytes")) {
        builder.key(new byte[event.get("key_bytes").asInt()]);
      }
      for (JsonNode name : event.path("headers")) {
        builder.header(name.asText(), new byte[event.path("header_bytes").asInt(0)]);
      }
      if (event.has("timestamp")) {
        builder.timestamp(event.get("timestamp").asLong());
      }
      if (event.has("partition")) {
        builder.partition(event.get("partition").asInt());
      }
      new RecordDraft(RecordLimits.EVENTS).prepare(builder.build(), new UUID(0, 0));
      return "ok";
    } catch (OutboxError e) {
      return e.getClass().getSimpleName();
    }
  }
}
