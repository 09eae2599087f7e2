package dev.outboxrelay.relay.kafka;

import org.apache.kafka.common.errors.InvalidTimestampException;

/** Brokers refuse a record's time, which has not come yet. */
final class AheadOfTime extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final long leadMillis;

  AheadOfTime(long leadMillis, InvalidTimestampException cause) {
    super("the event's time is " + leadMillis / 1000 + " s ahead; it gets the present one", cause);
    this.leadMillis = leadMillis;
  }

  long leadMillis() {
    return leadMillis;
  }
}
