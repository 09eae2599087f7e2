package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.config.RecordTimestamp;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;

/**
 * Which time a record gets in Kafka: its own or none, and the present one where brokers refuse what
 * is so far ahead. A clock that was wrong once is no reason to lose an event, nor to wait until its
 * time has come, with all behind it. For the delivery thread.
 */
public final class RecordTimes {
  /** A topic may be mended. */
  private static final long REMEMBERED_MILLIS = Duration.ofMinutes(10).toMillis();

  private final RecordTimestamp timestamp;
  private final InstantSource clock;
  private final Map<String, Refused> refused = new HashMap<>();

  private record Refused(long leadMillis, long atMillis) {}

  /** Nothing was refused yet. */
  public RecordTimes(RecordTimestamp timestamp, InstantSource clock) {
    this.timestamp = timestamp;
    this.clock = clock;
  }

  /** The time to send; null for Kafka's client to choose it. */
  Long of(OutboxRecord record) {
    if (timestamp == RecordTimestamp.SEND) {
      return null;
    }
    return isTooFarAhead(record) ? (Long) clock.millis() : (Long) record.timestamp();
  }

  /** How far ahead of the clock the time is that is sent with it; not positive if it is not. */
  long leadMillis(OutboxRecord record) {
    return timestamp == RecordTimestamp.SEND || isTooFarAhead(record)
        ? 0
        : record.timestamp() - clock.millis();
  }

  /**
   * Brokers refuse what is so far ahead in this topic. The half of it is too far from now on: how
   * much they take is not told, and what was refused is nearer when it is sent again.
   */
  void refused(String topic, long leadMillis) {
    refused.put(topic, new Refused(leadMillis / 2, clock.millis()));
  }

  boolean isTooFarAhead(OutboxRecord record) {
    if (refused.isEmpty()) {
      return false;
    }
    long now = clock.millis();
    Refused limit = refused.get(record.topic());
    return limit != null
        && now - limit.atMillis < REMEMBERED_MILLIS
        && record.timestamp() - now > limit.leadMillis;
  }
}
