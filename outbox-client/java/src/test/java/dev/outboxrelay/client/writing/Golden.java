package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.Prologue;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/** One state of the golden files in {@code outbox-client/vectors}. */
final class Golden {
  private static final int BLOCK_BYTES = 64 << 10;
  private static final byte[] ZEROS = new byte[BLOCK_BYTES];
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

  /** A file's length, and its blocks by their offsets, without those that are zero. */
  record Contents(long size, SortedMap<Long, ByteBuffer> blocks) {

    /** The first offset at which another one of the same length differs; −1 if none does. */
    long mismatch(Contents other) {
      SortedMap<Long, ByteBuffer> all = new TreeMap<>(blocks);
      all.putAll(other.blocks);
      ByteBuffer zeros = ByteBuffer.wrap(ZEROS);
      for (long at : all.keySet()) {
        ByteBuffer one = blocks.getOrDefault(at, zeros);
        int difference = one.mismatch(other.blocks.getOrDefault(at, zeros));
        if (difference >= 0) {
          return at + difference;
        }
      }
      return -1;
    }
  }

  boolean writable() {
    return (Boolean) expected.get("writable");
  }

  long rollBytes() {
    return (Long) expected.get("roll_bytes");
  }

  long maxBytes() {
    Object cap = expected.get("max_bytes");
    return cap == null ? Long.MAX_VALUE : (Long) cap;
  }

  /** One event, or those of a batch. */
  List<Map<String, Object>> appended() {
    return expected.get("appended") instanceof List<?>
        ? objects("appended")
        : List.of(object(expected.get("appended")));
  }

  /** Why the append must be refused, or null. */
  String refused() {
    return (String) expected.get("refused");
  }

  /** Where a reader must stop, and why; or null. */
  Map<String, Object> stopped() {
    return object(expected.get("stopped"));
  }

  /** Second names of files, with the name that they have too. */
  Map<String, Object> links() {
    return object(expected.get("links"));
  }

  List<Map<String, Object>> recordsAfter() {
    if (expected.get("records_after") != null) {
      return objects("records_after");
    }
    List<Map<String, Object>> all = new ArrayList<>(records());
    if (refused() == null) {
      all.addAll(appended());
    }
    return all;
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

  /** Writes the state before the append into a directory. */
  void materialise(Path outbox) throws IOException {
    materialise(before(), outbox);
    for (Map.Entry<String, Object> link : links().entrySet()) {
      Files.createLink(outbox.resolve(link.getKey()), outbox.resolve((String) link.getValue()));
    }
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
        for (Map.Entry<Long, ByteBuffer> block : file.getValue().blocks().entrySet()) {
          out.seek(block.getKey());
          out.write(block.getValue().array());
        }
        out.setLength(file.getValue().size());
      }
    }
  }

  /** Reads a file. */
  static Contents load(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return load(in, Files.size(file));
    }
  }

  private Contents load(String part, String path, long size) throws IOException {
    Path file = folder.resolve(part).resolve(path + ".gz");
    try (InputStream in = new GZIPInputStream(Files.newInputStream(file), BLOCK_BYTES)) {
      return load(in, size);
    }
  }

  private static Contents load(InputStream in, long size) throws IOException {
    SortedMap<Long, ByteBuffer> blocks = new TreeMap<>();
    byte[] block = new byte[BLOCK_BYTES];
    long at = 0;
    for (int read = in.readNBytes(block, 0, BLOCK_BYTES); read > 0; ) {
      Arrays.fill(block, read, BLOCK_BYTES, (byte) 0);
      if (!Arrays.equals(block, ZEROS)) {
        blocks.put(at, ByteBuffer.wrap(block));
        block = new byte[BLOCK_BYTES];
      }
      at += BLOCK_BYTES;
      read = in.readNBytes(block, 0, BLOCK_BYTES);
    }
    return new Contents(size, blocks);
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
