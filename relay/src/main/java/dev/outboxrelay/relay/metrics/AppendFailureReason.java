package dev.outboxrelay.relay.metrics;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The counters of {@code append.failures}, in the file's order. */
enum AppendFailureReason {
  TOO_LARGE(0, "too-large"),
  INVALID(1, "invalid"),
  FULL(2, "full"),
  BUSY(3, "busy"),
  CORRUPT(4, "corrupt"),
  UNAVAILABLE(5, "unavailable");

  private final int slot;
  private final String label;

  AppendFailureReason(int slot, String label) {
    this.slot = slot;
    this.label = label;
  }

  String label() {
    return label;
  }

  /** What the clients have counted; 0 while there is no file. */
  double count(Path outbox) {
    ByteBuffer counter = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel file =
        FileChannel.open(outbox.resolve("append.failures"), StandardOpenOption.READ)) {
      return file.read(counter, (long) slot * Long.BYTES) == Long.BYTES ? counter.getLong(0) : 0;
    } catch (IOException e) {
      return 0;
    }
  }
}
