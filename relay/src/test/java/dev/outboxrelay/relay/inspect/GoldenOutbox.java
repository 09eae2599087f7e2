package dev.outboxrelay.relay.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/** A golden file of {@code outbox-client/vectors}, put on disk as the outbox that it is. */
public record GoldenOutbox(String name, JsonNode expected, OutboxPaths paths) {
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
    Path golden = VECTORS.resolve(name);
    JsonNode expected = new ObjectMapper().readTree(golden.resolve("expected.json").toFile());
    for (Map.Entry<String, JsonNode> file : expected.get("before").properties()) {
      Path target = outbox.resolve(file.getKey());
      Files.createDirectories(target.getParent());
      try (InputStream in =
              new GZIPInputStream(
                  Files.newInputStream(golden.resolve("before").resolve(file.getKey() + ".gz")));
          RandomAccessFile out = new RandomAccessFile(target.toFile(), "rw")) {
        out.write(in.readAllBytes());
        out.setLength(file.getValue().asLong());
      }
    }
    for (Map.Entry<String, JsonNode> link : expected.get("links").properties()) {
      Files.createLink(outbox.resolve(link.getKey()), outbox.resolve(link.getValue().asText()));
    }
    return new GoldenOutbox(name, expected, new OutboxPaths(outbox));
  }
}
