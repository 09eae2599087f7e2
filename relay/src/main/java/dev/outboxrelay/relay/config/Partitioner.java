package dev.outboxrelay.relay.config;

/**
 * What chooses the partition of an event that has a key and names none ({@code
 * OUTBOX_PARTITIONER}). Named after their hash; each gives what the producer gives that is named.
 */
public enum Partitioner {
  /** Kafka's own clients; librdkafka's {@code murmur2_random}. */
  MURMUR2,
  /** librdkafka's {@code consistent_random}, its default: an empty key counts as none. */
  CRC32,
  /** librdkafka's {@code fnv1a_random}; Sarama's hash partitioner. */
  FNV1A
}
