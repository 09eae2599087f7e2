package dev.outboxrelay.client.record;

import dev.outboxrelay.client.EventHeader;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/**
 * A decoded record. The arrays are its own copies.
 *
 * @param sequence number in the outbox, from 1
 * @param entry number in its cycle, from 0
 * @param appendTime milliseconds since the epoch, read under the writers' lock
 * @param timestamp the caller's, else the append time
 * @param eventId the caller's, or made at append
 * @param topic Kafka topic
 * @param key null without one
 * @param value null for a tombstone
 * @param headers in the order of the caller
 * @param partition of the topic, or null: then Kafka's client chooses
 * @param batch whether its batch goes on in the next record
 * @param continued whether its batch began in a record before
 * @param prologue only in entry 0, else null
 * @param length of the record on disk, bytes, padding included
 */
@SuppressWarnings("ArrayRecordComponent") // equals and hashCode compare contents
public record OutboxRecord(
    long sequence,
    int entry,
    long appendTime,
    long timestamp,
    UUID eventId,
    String topic,
    byte[] key,
    byte[] value,
    List<EventHeader> headers,
    Integer partition,
    boolean batch,
    boolean continued,
    Prologue prologue,
    int length) {

  @Override
  public boolean equals(Object other) {
    return other instanceof OutboxRecord that
        && sequence == that.sequence
        && entry == that.entry
        && appendTime == that.appendTime
        && timestamp == that.timestamp
        && length == that.length
        && eventId.equals(that.eventId)
        && topic.equals(that.topic)
        && Arrays.equals(key, that.key)
        && Arrays.equals(value, that.value)
        && headers.equals(that.headers)
        && Objects.equals(partition, that.partition)
        && batch == that.batch
        && continued == that.continued
        && Objects.equals(prologue, that.prologue);
  }

  @Override
  public int hashCode() {
    return Objects.hash(sequence, entry, eventId);
  }

  /** Without key, value and header values: what is logged must hold no payload. */
  @Override
  public String toString() {
    return "OutboxRecord[sequence="
        + sequence
        + ", entry="
        + entry
        + ", eventId="
        + eventId
        + ", topic="
        + topic
        + ", length="
        + length
        + "]";
  }
}
