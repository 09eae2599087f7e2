package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** Makes a Kafka record of an outbox record: the same bytes, and the event id as a header. */
final class RecordMapper {
  static final String EVENT_ID_HEADER = "outbox-event-id";

  /** The event's own time, milliseconds since the epoch, where brokers refuse it. */
  static final String TIMESTAMP_HEADER = "outbox-timestamp";

  private final RecordTimes times;

  RecordMapper(RecordTimes times) {
    this.times = times;
  }

  ProducerRecord<byte[], byte[]> map(OutboxRecord record, int partition) {
    RecordHeaders headers = new RecordHeaders();
    for (EventHeader header : record.headers()) {
      headers.add(new RecordHeader(header.name(), header.value()));
    }
    byte[] eventId = record.eventId().toString().getBytes(StandardCharsets.US_ASCII);
    headers.add(new RecordHeader(EVENT_ID_HEADER, eventId));
    if (times.isTooFarAhead(record)) {
      byte[] time = Long.toString(record.timestamp()).getBytes(StandardCharsets.US_ASCII);
      headers.add(new RecordHeader(TIMESTAMP_HEADER, time));
    }
    Integer target = partition == TopicSource.ANY ? null : (Integer) partition;
    return new ProducerRecord<>(
        record.topic(), target, times.of(record), record.key(), record.value(), headers);
  }
}
