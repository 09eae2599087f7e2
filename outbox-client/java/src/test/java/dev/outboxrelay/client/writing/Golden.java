package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.Prologue;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/** One state of the golden files in {@code outbox-client/vectors}. */
final class Golden {
  private static final Path VECTORS = Path.of("..", "vectors");

  private final Path folder;
  private final Map<String, Object> expected;

  Golden(String name) {
    folder = VECTORS.resolve(name);
    try {
      expected = Json.parseObject(Files.readString(folder.resolve("expected.json")));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  static List<String> names() throws IOException {
    try (Stream<Path> folders = Files.list(VECTORS)) {
      return folders
          .filter(Files::isDirectory)
          .map(folder -> folder.getFileName().toString())
          .sorted()
          .toList();
    }
  }

  /** A file's length, and its bytes without the zeros at their end. */
  @SuppressWarnings("ArrayRecordComponent")
  record Contents(long size, byte[] bytes) {}

  boolean writable() {
    return (Boolean) expected.get("writable");
  }

  long rollBytes() {
    return (Long) expected.get("roll_bytes");
  }

  Map<String, Object> appended() {
    return object(expected.get("appended"));
  }

  List<Map<String, Object>> records() {
    return objects("records");
  }

  List<Map<String, Object>> objects(String key) {
    return ((List<?>) expected.get(key)).stream().map(Golden::object).toList();
  }

  Map<String, Contents> before() throws IOException {
    Map<String, Contents> files = new TreeMap<>();
    for (Map.Entry<String, Object> file : object(expected.get("before")).entrySet()) {
      files.put(file.getKey(), load("before", file.getKey(), (Long) file.getValue()));
    }
    return files;
  }

  Map<String, Contents> after() throws IOException {
    Map<String, Contents> files = before();
    for (Map.Entry<String, Object> file : object(expected.get("after")).entrySet()) {
      if (file.getValue() == null) {
        files.remove(file.getKey());
      } else {
        files.put(file.getKey(), load("after", file.getKey(), (Long) file.getValue()));
      }
    }
    return files;
  }

  static OutboxEvent event(Map<String, Object> described) {
    OutboxEvent.Builder event =
        OutboxEvent.builder((String) described.get("topic"))
            .key(bytes(described.get("key")))
            .value(bytes(described.get("value")))
            .eventId(UUID.fromString((String) described.get("event_id")));
    if (!described.get("timestamp").equals(described.get("append_time"))) {
      event.timestamp((Long) described.get("timestamp"));
    }
    if (described.get("partition") != null) {
      event.partition(((Long) described.get("partition")).intValue());
    }
    return event.headers(headers(described)).build();
  }

  static OutboxRecord record(Map<String, Object> described, int length) {
    Map<String, Object> prologue = object(described.get("prologue"));
    return new OutboxRecord(
        (Long) described.get("sequence"),
        ((Long) described.get("entry")).intValue(),
        (Long) described.get("append_time"),
        (Long) described.get("timestamp"),
        UUID.fromString((String) described.get("event_id")),
        (String) described.get("topic"),
        bytes(described.get("key")),
        bytes(described.get("value")),
        headers(described),
        described.get("partition") == null ? null : ((Long) described.get("partition")).intValue(),
        Boolean.TRUE.equals(described.get("batch")),
        Boolean.TRUE.equals(described.get("continued")),
        prologue == null
            ? null
            : new Prologue(
                UUID.fromString((String) prologue.get("outbox_id")),
                ((Long) prologue.get("generation")).intValue(),
                (Long) prologue.get("base"),
                (Long) prologue.get("cycle_hour")),
        length);
  }

  /** Writes the files into a directory, with the modes of an outbox. */
  static void materialise(Map<String, Contents> files, Path outbox) throws IOException {
    SafeFiles.createDirectory(outbox, SafeFiles.ANY_GROUP);
    SafeFiles.createDirectory(outbox.resolve("queue"), SafeFiles.ANY_GROUP);
    for (Map.Entry<String, Contents> file : files.entrySet()) {
      Path path = outbox.resolve(file.getKey());
      Files.deleteIfExists(path);
      SafeFiles.create(path).close();
      try (RandomAccessFile out = new RandomAccessFile(path.toFile(), "rw")) {
        out.write(file.getValue().bytes());
        out.setLength(file.getValue().size());
      }
    }
  }

  /** Reads a file; holes cost nothing. */
  static Contents load(Path file) throws IOException {
    long size = Files.size(file);
    int used = 0;
    byte[] bytes;
    try (FileWindow window = FileWindow.open(file)) {
      bytes = new byte[(int) Math.min(size, 2 << 20)];
      window.slice(0, bytes.length).get(bytes);
    }
    for (int i = 0; i < bytes.length; i++) {
      used = bytes[i] == 0 ? used : i + 1;
    }
    return new Contents(size, java.util.Arrays.copyOf(bytes, used));
  }

  private Contents load(String part, String path, long size) throws IOException {
    try (InputStream in =
        new GZIPInputStream(Files.newInputStream(folder.resolve(part).resolve(path + ".gz")))) {
      return new Contents(size, in.readAllBytes());
    }
  }

  private static List<EventHeader> headers(Map<String, Object> described) {
    List<EventHeader> headers = new ArrayList<>();
    for (Object header : (List<?>) described.get("headers")) {
      List<?> pair = (List<?>) header;
      headers.add(new EventHeader((String) pair.get(0), bytes(pair.get(1))));
    }
    return headers;
  }

  private static byte[] bytes(Object hexadecimal) {
    return hexadecimal == null ? null : HexFormat.of().parseHex((String) hexadecimal);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }
}
