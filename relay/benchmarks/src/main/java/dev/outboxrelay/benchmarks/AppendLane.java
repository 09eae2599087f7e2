package dev.outboxrelay.benchmarks;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Appends one event of 1 KB per operation: {@code floor|floor-sync|process|power DIRECTORY}, {@code
 * fill DIRECTORY TOPIC}.
 */
final class AppendLane {
  private static final String TOPIC = "bench";
  private static final byte[] VALUE = new byte[1024];
  // A record's fixed part and topic before the value.
  static final int RECORD_BYTES = 72 + TOPIC.length() + 3 + VALUE.length;
  // The header word before a record, the zeros behind it.
  private static final int WRITTEN_BYTES = 4 + RECORD_BYTES + 8;

  private AppendLane() {}

  public static void main(String[] arguments) throws Exception {
    for (int i = 0; i < VALUE.length; i++) {
      VALUE[i] = (byte) i;
    }
    Path place = Path.of(arguments[1]);
    switch (arguments[0]) {
      case "floor" -> floor(place, false);
      case "floor-sync" -> floor(place, true);
      case "process" -> outbox(place, Durability.PROCESS, TOPIC);
      case "power" -> outbox(place, Durability.POWER, TOPIC);
      case "fill" -> outbox(place, Durability.PROCESS, arguments[2]);
      default -> throw new IllegalArgumentException("no contestant " + arguments[0]);
    }
  }

  /** The least that any shared durable append has to do: lock, write, unlock. */
  private static void floor(Path place, boolean sync) throws Exception {
    ByteBuffer written = ByteBuffer.allocateDirect(WRITTEN_BYTES);
    try (FileChannel lock = created(place.resolve("floor.lock"));
        FileChannel data = created(place.resolve("floor.data"))) {
      Lane.serve(
          () -> {
            FileLock held = lock.lock(0, 1, false);
            written.clear();
            data.write(written);
            held.release();
            if (sync) {
              data.force(false);
            }
          });
    }
  }

  private static void outbox(Path place, Durability durability, String topic)
      throws Exception {
    try (Outbox outbox = Outbox.builder().path(place).durability(durability).open()) {
      Lane.serve(() -> outbox.append(OutboxEvent.of(topic, VALUE)));
    }
  }

  static FileChannel created(Path path) throws Exception {
    return FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }
}
