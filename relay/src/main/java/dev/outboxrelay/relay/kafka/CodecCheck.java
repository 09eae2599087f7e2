package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.io.IOException;
import java.io.OutputStream;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.ByteBufferOutputStream;

/**
 * Compresses something. Libraries of codecs are unpacked and loaded when the first batch is built,
 * long after a producer was made.
 */
final class CodecCheck {
  private static final int SOMETHING = 1024;

  private CodecCheck() {}

  /**
   * Tries the codec of these settings.
   *
   * @throws KafkaRefused if it can't be used here
   */
  static void check(KafkaSettings settings) {
    String codec = settings.producerProperties().getOrDefault("compression.type", "none");
    ByteBufferOutputStream buffer = new ByteBufferOutputStream(SOMETHING);
    try (OutputStream out =
        Compression.of(codec).build().wrapForOutput(buffer, RecordBatch.CURRENT_MAGIC_VALUE)) {
      out.write(new byte[SOMETHING]);
    } catch (IOException | RuntimeException | LinkageError e) {
      throw new KafkaRefused(
          "compression.type="
              + codec
              + " can't be used here ("
              + KafkaRefused.rootMessage(e)
              + "); let java.io.tmpdir="
              + System.getProperty("java.io.tmpdir")
              + " be a directory that can be written and from which libraries can be loaded, or"
              + " set KAFKA_COMPRESSION_TYPE=gzip, which needs none",
          e);
    }
  }
}
