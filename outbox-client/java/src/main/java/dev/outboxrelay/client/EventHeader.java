package dev.outboxrelay.client;

import java.util.Arrays;
import java.util.Objects;

/**
 * One header of an event. Order and repetition of headers are kept up to Kafka.
 *
 * @param name 1 to 255 bytes of UTF-8, not beginning with {@code outbox-}
 * @param value any bytes, or null
 */
@SuppressWarnings("ArrayRecordComponent") // equals and hashCode compare contents
public record EventHeader(String name, byte[] value) {

  public EventHeader {
    Objects.requireNonNull(name, "name");
  }

  /**
   * A header with a text value, as UTF-8; {@link InvalidEvent} if it holds an unpaired surrogate.
   */
  public static EventHeader of(String name, String value) {
    return new EventHeader(name, OutboxEvent.utf8("value of the header '" + name + "'", value));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof EventHeader that
        && name.equals(that.name)
        && Arrays.equals(value, that.value);
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + Arrays.hashCode(value);
  }

  /** Without the value: what is logged must hold no payload. */
  @Override
  public String toString() {
    return name + "=" + (value == null ? "null" : value.length + " bytes");
  }
}
