package dev.outboxrelay.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outboxrelay.client.OutboxBuilder;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.record.RecordDraft;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * Says what the Java client takes, for comparison with the Python client: the file systems and
 * defaults, a {@code NAME VALUE} a line; then for each event on standard input, a JSON object a
 * line, {@code ok} or the error's name; for each environment there, an object {@code {"OUTBOX_DIR":
 * …}}, the settings it makes or the error's name.
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
    System.out.println(
        "internal-topics "
            + RecordLimits.INTERNAL_TOPICS.stream().sorted().collect(Collectors.joining(",")));
    BufferedReader events =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = events.readLine(); line != null; line = events.readLine()) {
      JsonNode read = JSON.readTree(line);
      System.out.println(read.has("topic") ? judge(read) : settings(read));
    }
  }

  private static String fileSystems(String list) throws ReflectiveOperationException {
    Field field =
        Class.forName("dev.outboxrelay.client.writing.OutboxDirectory").getDeclaredField(list);
    field.setAccessible(true);
    return ((Set<?>) field.get(null))
        .stream().map(String::valueOf).sorted().collect(Collectors.joining(","));
  }

  private static String settings(JsonNode environment) throws ReflectiveOperationException {
    Map<String, String> variables = new HashMap<>();
    for (Map.Entry<String, JsonNode> each : environment.properties()) {
      variables.put(each.getKey(), each.getValue().asText());
    }
    Constructor<OutboxBuilder> made = OutboxBuilder.class.getDeclaredConstructor(Map.class);
    made.setAccessible(true);
    Method options = OutboxBuilder.class.getDeclaredMethod("options");
    options.setAccessible(true);
    try {
      WriterOptions found = (WriterOptions) options.invoke(made.newInstance(variables));
      return String.join(
          " ",
          found.paths().root().toString(),
          found.durability().toString(),
          Long.toString(found.maxBytes()),
          Boolean.toString(found.trustParent()));
    } catch (InvocationTargetException e) {
      return e.getCause().getClass().getSimpleName();
    }
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
