package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.config.Partitioner;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import java.util.zip.CRC32;
import org.apache.kafka.common.utils.Utils;

/**
 * Which partition a record goes to: its own, else that of its key. Nothing else decides it, so that
 * who asks whether a partition is known and who sends can't differ.
 */
final class Partitioning {
  private static final int FNV_OFFSET = 0x811C9DC5;
  private static final int FNV_PRIME = 0x01000193;

  private final Partitioner partitioner;

  Partitioning(Partitioner partitioner) {
    this.partitioner = partitioner;
  }

  /**
   * The partition of a record, or {@link TopicSource#ANY}: Kafka's client spreads what has neither
   * partition nor key.
   *
   * @param partitions how many its topic has
   */
  int of(OutboxRecord record, int partitions) {
    return record.partition() == null ? ofKey(record.key(), partitions) : record.partition();
  }

  int ofKey(byte[] key, int partitions) {
    if (key == null || (key.length == 0 && partitioner == Partitioner.CRC32)) {
      return TopicSource.ANY;
    }
    return switch (partitioner) {
      case MURMUR2 -> Utils.toPositive(Utils.murmur2(key)) % partitions;
      case CRC32 -> crc32(key, partitions);
      case FNV1A -> Integer.remainderUnsigned(fnv1a(key), partitions);
    };
  }

  private static int crc32(byte[] key, int partitions) {
    CRC32 crc = new CRC32();
    crc.update(key);
    return (int) (crc.getValue() % partitions);
  }

  /** Of signed numbers: where the sign bit is set, the others negate it, and so does this. */
  private static int fnv1a(byte[] key) {
    int hash = FNV_OFFSET;
    for (byte each : key) {
      hash ^= each & 0xFF;
      hash *= FNV_PRIME;
    }
    return hash < 0 ? -hash : hash;
  }
}
