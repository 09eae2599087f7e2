package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.config.RecordTimestamp;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Makes a Kafka record of an outbox record: the same bytes, and the event id as a header. */
final class RecordMapper {
  static final String EVENT_ID_HEADER = "outbox-event-id";

  private final RecordTimestamp timestamp;

  RecordMapper(RecordTimestamp timestamp) {
    this.timestamp = timestamp;
  }

  ProducerRecord<byte[], byte[]> map(OutboxRecord record, int partition) {
    RecordHeaders headers = new RecordHeaders();
    for (EventHeader header : record.headers()) {
      headers.add(new RecordHeader(header.name(), header.value()));
    }
    byte[] eventId = record.eventId().toString().getBytes(StandardCharsets.US_ASCII);
    headers.add(new RecordHeader(EVENT_ID_HEADER, eventId));
    Long time = timestamp == RecordTimestamp.APPEND ? (Long) record.timestamp() : null;
    Integer target = partition == Partitioning.ANY ? null : (Integer) partition;
    return new ProducerRecord<>(
        record.topic(), target, time, record.key(), record.value(), headers);
  }
}
