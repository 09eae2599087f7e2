package dev.outboxrelay.benchmarks;

import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptAppender;
import net.openhft.chronicle.queue.RollCycles;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;

/**
 * Chronicle's own appender, under the kernel lock that lets processes share a queue safely; each
 * operation appends as many bytes as {@link AppendLane}'s. The argument is a directory.
 */
final class ChronicleLane {
  private ChronicleLane() {}

  public static void main(String[] arguments) throws Exception {
    Path place = Path.of(arguments[0]);
    Bytes<byte[]> record = Bytes.wrapForRead(new byte[AppendLane.RECORD_BYTES]);
    try (FileChannel lock = AppendLane.created(place.resolve("queue.lock"));
        ChronicleQueue queue =
            SingleChronicleQueueBuilder.single(place.resolve("queue").toFile())
                .rollCycle(RollCycles.FAST_HOURLY)
                .build();
        ExcerptAppender appender = queue.createAppender()) {
      Lane.serve(
          () -> {
            FileLock held = lock.lock(0, 1, false);
            record.readPosition(0);
            appender.writeBytes(record);
            held.release();
          });
    }
  }
}
