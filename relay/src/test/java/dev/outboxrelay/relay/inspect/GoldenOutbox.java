package dev.outboxrelay.relay.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/**
 * A golden file of {@code outbox-client/vectors}, put on disk as the outbox that it is.
 *
 * @param after whether as it is behind the next append
 */
public record GoldenOutbox(String name, boolean after, JsonNode expected, OutboxPaths paths) {
  private static final Path VECTORS = Path.of("../outbox-client/vectors");

  /** Whether a reader stops at what another version wrote. */
  boolean isStopped() {
    return !expected.get("stopped").isNull();
  }

  /** All of them. */
  public static List<String> names() throws IOException {
    try (Stream<Path> entries = Files.list(VECTORS)) {
      return entries
          .filter(Files::isDirectory)
          .map(dir -> dir.getFileName().toString())
          .sorted()
          .toList();
    }
  }

  /** Makes one, as it is before the next append. */
  public static GoldenOutbox create(String name, Path outbox) throws IOException {
    return create(name, false, outbox);
  }

  /** Makes one. */
  public static GoldenOutbox create(String name, boolean after, Path outbox) throws IOException {
    Path golden = VECTORS.resolve(name);
    JsonNode expected = new ObjectMapper().readTree(golden.resolve("expected.json").toFile());
    write(golden.resolve("before"), expected.get("before"), outbox);
    if (after) {
      write(golden.resolve("after"), expected.get("after"), outbox);
    } else {
      for (Map.Entry<String, JsonNode> link : expected.get("links").properties()) {
        Files.createLink(outbox.resolve(link.getKey()), outbox.resolve(link.getValue().asText()));
      }
    }
    return new GoldenOutbox(name, after, expected, new OutboxPaths(outbox));
  }

  private static void write(Path golden, JsonNode files, Path outbox) throws IOException {
    for (Map.Entry<String, JsonNode> file : files.properties()) {
      Path target = outbox.resolve(file.getKey());
      Files.createDirectories(target.getParent());
      Files.deleteIfExists(target);
      if (file.getValue().isNull()) {
        continue;
      }
      try (InputStream in =
              new GZIPInputStream(Files.newInputStream(golden.resolve(file.getKey() + ".gz")));
          RandomAccessFile out = new RandomAccessFile(target.toFile(), "rw")) {
        out.write(in.readAllBytes());
        out.setLength(file.getValue().asLong());
      }
    }
  }

  /** What a reader finds, described. */
  public List<String> records() {
    List<String> described = new ArrayList<>();
    nodes().forEach(record -> described.add(describe(record)));
    return described;
  }

  /** The same, their sequences alone. */
  public List<Long> sequences() {
    return nodes().stream().map(record -> record.get("sequence").asLong()).toList();
  }

  private List<JsonNode> nodes() {
    List<JsonNode> nodes = new ArrayList<>();
    if (after && expected.has("records_after")) {
      expected.get("records_after").forEach(nodes::add);
      return nodes;
    }
    expected.get("records").forEach(nodes::add);
    if (after && expected.get("refused").isNull()) {
      JsonNode appended = expected.get("appended");
      (appended.isArray() ? appended : List.of(appended)).forEach(nodes::add);
    }
    return nodes;
  }

  /** Which problems it reports, as {@code kind cycle offset}. */
  public List<String> problems() {
    List<String> problems = new ArrayList<>();
    for (JsonNode problem : expected.get(after ? "problems_after" : "problems")) {
      problems.add(
          problem.get("kind").asText() + " " + problem.get("cycle") + " " + problem.get("offset"));
    }
    return problems;
  }

  /** Where it stops, in the same form, with −1 for what it is not in; null if nowhere. */
  public String stopped() {
    JsonNode stopped = expected.get("stopped");
    return stopped.isNull()
        ? null
        : stopped.get("kind").asText()
            + " "
            + stopped.get("cycle").asLong(-1)
            + " "
            + stopped.get("offset").asLong(-1);
  }

  /** Describes a record that was found, as {@link #records} does those that are to be found. */
  public static String describe(long cycle, long offset, OutboxRecord record) {
    return String.join(
        " ",
        List.of(
            "" + cycle,
            "" + offset,
            "" + record.entry(),
            "" + record.sequence(),
            "" + record.eventId(),
            "" + record.appendTime(),
            "" + record.timestamp(),
            record.topic(),
            hex(record.key()),
            hex(record.value()),
            "" + record.headers().size(),
            "" + record.partition(),
            "" + record.batch(),
            "" + record.continued()));
  }

  private static String describe(JsonNode record) {
    return String.join(
        " ",
        List.of(
            record.get("cycle").asText(),
            record.get("offset").asText(),
            record.get("entry").asText(),
            record.get("sequence").asText(),
            record.get("event_id").asText(),
            record.get("append_time").asText(),
            record.get("timestamp").asText(),
            record.get("topic").asText(),
            record.get("key").asText("null"),
            record.get("value").asText("null"),
            "" + record.get("headers").size(),
            record.get("partition").asText("null"),
            record.get("batch").asText(),
            record.get("continued").asText()));
  }

  private static String hex(byte[] bytes) {
    return bytes == null ? "null" : HexFormat.of().formatHex(bytes);
  }
}
