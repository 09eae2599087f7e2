package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.config.RecordTimestamp;
import dev.outboxrelay.relay.deliver.route.TopicSource;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;

class RecordTimesTest {
  private static final long HOUR = Duration.ofHours(1).toMillis();
  private long now = 1_700_000_000_000L;
  private final RecordTimes times =
      new RecordTimes(RecordTimestamp.APPEND, () -> Instant.ofEpochMilli(now));

  private static OutboxRecord record(String topic, long timestamp) {
    return new OutboxRecord(
        1,
        0,
        timestamp,
        timestamp,
        new UUID(0, 1),
        topic,
        null,
        new byte[0],
        List.of(),
        null,
        false,
        false,
        null,
        100);
  }

  @Test
  void aTimeAheadIsSentAsItIsUntilBrokersRefuseIt() {
    OutboxRecord ahead = record("orders", now + 2 * HOUR);
    assertThat(times.of(ahead)).isEqualTo(now + 2 * HOUR);
    assertThat(times.leadMillis(ahead)).isEqualTo(2 * HOUR);
    times.refused("orders", 2 * HOUR);
    now += 5_000;
    assertThat(times.of(ahead)).isEqualTo(now);
    assertThat(times.leadMillis(ahead)).isNotPositive();
  }

  @Test
  void whatIsNearerAndWhatIsOfOtherTopicsKeepsItsTime() {
    times.refused("orders", 2 * HOUR);
    assertThat(times.of(record("orders", now + 1_000))).isEqualTo(now + 1_000);
    assertThat(times.of(record("orders", now - HOUR))).isEqualTo(now - HOUR);
    assertThat(times.of(record("audit", now + 2 * HOUR))).isEqualTo(now + 2 * HOUR);
  }

  @Test
  void aTopicIsTriedAgainAfterAWhile() {
    times.refused("orders", 2 * HOUR);
    now += HOUR;
    assertThat(times.of(record("orders", now + 2 * HOUR))).isEqualTo(now + 2 * HOUR);
  }

  @Test
  void theTimeThatIsNotSentGoesAlongAsAHeader() {
    times.refused("orders", 2 * HOUR);
    RecordMapper mapper = new RecordMapper(times);
    ProducerRecord<byte[], byte[]> sent =
        mapper.map(record("orders", now + 2 * HOUR), TopicSource.ANY);
    assertThat(sent.timestamp()).isEqualTo(now);
    byte[] header = sent.headers().lastHeader(RecordMapper.TIMESTAMP_HEADER).value();
    assertThat(new String(header, StandardCharsets.US_ASCII))
        .isEqualTo(Long.toString(now + 2 * HOUR));
    assertThat(
            mapper
                .map(record("orders", now), TopicSource.ANY)
                .headers()
                .lastHeader("outbox-timestamp"))
        .isNull();
  }
}
