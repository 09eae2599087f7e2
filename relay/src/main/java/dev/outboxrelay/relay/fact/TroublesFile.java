package dev.outboxrelay.relay.fact;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.disk.SafeFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * {@code relay.troubles}: what the relay last told to be wrong, for who can only look at files. One
 * JSON object in a block of a fixed size, overwritten in place, so that a full disk takes it, too.
 * It is news, not a record: never synced. An instance is for one thread.
 */
public final class TroublesFile implements Closeable {
  private static final int BYTES = 4096;
  private static final int LONGEST_ERROR = 400;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Path file;
  private FileChannel channel;

  /** Opens nothing yet. */
  public TroublesFile(Path file) {
    this.file = file;
  }

  /**
   * What the file says.
   *
   * @param writtenMillis when, milliseconds since the epoch
   * @param troubles each as in {@code /status.json}
   * @param leftOut how many more did not fit
   */
  public record Told(long writtenMillis, List<JsonNode> troubles, int leftOut) {
    public Told {
      troubles = List.copyOf(troubles);
    }
  }

  /** Overwrites it. */
  public void write(List<Trouble> troubles, long nowMillis) throws IOException {
    if (channel == null) {
      channel = SafeFiles.openOrCreate(file);
    }
    ByteBuffer block = ByteBuffer.wrap(block(troubles, nowMillis));
    while (block.hasRemaining()) {
      channel.write(block, block.position());
    }
  }

  private static byte[] block(List<Trouble> troubles, long nowMillis) {
    SortedMap<Integer, ObjectNode> kept = new TreeMap<>();
    byte[] text = text(kept.values(), troubles.size(), nowMillis);
    for (int index : byWeight(troubles)) {
      kept.put(index, node(troubles.get(index)));
      byte[] longer = text(kept.values(), troubles.size() - kept.size(), nowMillis);
      if (longer.length < BYTES) {
        text = longer;
      } else {
        kept.remove(index);
      }
    }
    byte[] block = Arrays.copyOf(text, BYTES);
    Arrays.fill(block, text.length, BYTES, (byte) ' ');
    block[BYTES - 1] = '\n';
    return block;
  }

  /** The first one, then what fails of the relay's work: topics may be many. */
  private static List<Integer> byWeight(List<Trouble> troubles) {
    Predicate<Integer> isFurtherTopic =
        index -> index > 0 && troubles.get(index).cause() instanceof Verdict.PauseTopic;
    return IntStream.range(0, troubles.size())
        .boxed()
        .sorted(Comparator.comparing(isFurtherTopic::test))
        .toList();
  }

  private static ObjectNode node(Trouble trouble) {
    ObjectNode node = TroubleJson.of(trouble);
    String error = trouble.cause().error();
    if (error.length() > LONGEST_ERROR) {
      node.put("error", error.substring(0, LONGEST_ERROR) + "…");
    }
    return node;
  }

  private static byte[] text(Collection<ObjectNode> troubles, int leftOut, long nowMillis) {
    ObjectNode root = JsonNodeFactory.instance.objectNode().put("written", nowMillis);
    root.put("left_out", leftOut);
    root.putArray("troubles").addAll(troubles);
    return root.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Reads it; empty if there is none, or nothing that can be understood. */
  public static Optional<Told> read(Path file) throws IOException {
    byte[] block = SafeFiles.read(file, BYTES).orElse(null);
    if (block == null) {
      return Optional.empty();
    }
    try {
      JsonNode root = MAPPER.readTree(new String(block, StandardCharsets.UTF_8).trim());
      List<JsonNode> troubles = new ArrayList<>();
      root.path("troubles").forEach(troubles::add);
      return root.path("written").isIntegralNumber()
          ? Optional.of(
              new Told(root.path("written").asLong(), troubles, root.path("left_out").asInt()))
          : Optional.empty();
    } catch (JacksonException e) {
      return Optional.empty();
    }
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }
}
