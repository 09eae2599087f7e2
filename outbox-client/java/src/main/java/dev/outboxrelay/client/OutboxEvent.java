package dev.outboxrelay.client;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * An event to append. Immutable but for its byte arrays, which are not copied: leave them alone
 * until {@code append} has returned. Limits are checked by {@link Outbox#append}, as they belong to
 * the outbox.
 */
public final class OutboxEvent {
  private final String topic;
  private final byte[] key;
  private final byte[] value;
  private final List<EventHeader> headers;
  private final UUID eventId;
  private final OptionalLong timestamp;
  private final OptionalInt partition;

  private OutboxEvent(Builder builder) {
    topic = builder.topic;
    key = builder.key;
    value = builder.value;
    headers = builder.headers.isEmpty() ? List.of() : List.copyOf(builder.headers);
    eventId = builder.eventId;
    timestamp = builder.timestamp;
    partition = builder.partition;
  }

  /** An event with a value and nothing else; a null value is a Kafka tombstone. */
  public static OutboxEvent of(String topic, byte[] value) {
    return builder(topic).value(value).build();
  }

  /** An event with a text value, as UTF-8; a null value is a Kafka tombstone. */
  public static OutboxEvent of(String topic, String value) {
    return builder(topic).value(value).build();
  }

  /**
   * Starts an event for the given Kafka topic: {@code [a-zA-Z0-9._-]{1,249}}, not {@code .} or
   * {@code ..}.
   */
  public static Builder builder(String topic) {
    return new Builder(topic);
  }

  public String topic() {
    return topic;
  }

  /** The key's bytes, or null. */
  public byte[] key() {
    return key;
  }

  /** The value's bytes, or null for a tombstone. */
  public byte[] value() {
    return value;
  }

  public List<EventHeader> headers() {
    return headers;
  }

  /** The caller's event id, or null: the append then makes one. */
  public UUID eventId() {
    return eventId;
  }

  /** Milliseconds since the epoch, or empty: then the append time counts. */
  public OptionalLong timestamp() {
    return timestamp;
  }

  /** The partition of the topic to send it to, or empty: then Kafka's client chooses. */
  public OptionalInt partition() {
    return partition;
  }

  /** Without key and value: what is logged must hold no payload. */
  @Override
  public String toString() {
    return "OutboxEvent[topic=" + topic + ", eventId=" + eventId + "]";
  }

  /** Collects the parts of an event. Not for use by several threads. */
  public static final class Builder {
    private final String topic;
    private final List<EventHeader> headers = new ArrayList<>();
    private byte[] key;
    private byte[] value;
    private UUID eventId;
    private OptionalLong timestamp = OptionalLong.empty();
    private OptionalInt partition = OptionalInt.empty();

    private Builder(String topic) {
      this.topic = Objects.requireNonNull(topic, "topic");
    }

    /** The key's bytes; null for none. */
    public Builder key(byte[] bytes) {
      key = bytes;
      return this;
    }

    /** The key as UTF-8; {@link InvalidEvent} if it holds an unpaired surrogate. */
    public Builder key(String text) {
      return key(utf8("key", text));
    }

    /** The value's bytes; null for a tombstone. */
    public Builder value(byte[] bytes) {
      value = bytes;
      return this;
    }

    /** The value as UTF-8; {@link InvalidEvent} if it holds an unpaired surrogate. */
    public Builder value(String text) {
      return value(utf8("value", text));
    }

    /** Adds a header; a name may repeat, a value may be null. */
    public Builder header(String name, byte[] bytes) {
      headers.add(new EventHeader(name, bytes));
      return this;
    }

    /**
     * Adds a header with a text value, as UTF-8; {@link InvalidEvent} if it holds an unpaired
     * surrogate.
     */
    public Builder header(String name, String text) {
      headers.add(EventHeader.of(name, text));
      return this;
    }

    /** Adds all of them, in order. */
    public Builder headers(Iterable<EventHeader> more) {
      more.forEach(headers::add);
      return this;
    }

    /**
     * Gives the event an id of your own, so that a retry can be told from a second event; null for
     * a new one.
     */
    public Builder eventId(UUID id) {
      eventId = id;
      return this;
    }

    /** The event's own time, milliseconds since the epoch. */
    public Builder timestamp(long epochMillis) {
      timestamp = OptionalLong.of(epochMillis);
      return this;
    }

    /** The event's own time, cut to milliseconds. */
    public Builder timestamp(Instant time) {
      return timestamp(time.toEpochMilli());
    }

    /** The partition of the topic to send it to, from 0. */
    public Builder partition(int number) {
      partition = OptionalInt.of(number);
      return this;
    }

    public OutboxEvent build() {
      return new OutboxEvent(this);
    }
  }

  static byte[] utf8(String what, String text) {
    if (text == null) {
      return null;
    }
    try {
      ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] exact = new byte[bytes.remaining()];
      bytes.get(exact);
      return exact;
    } catch (CharacterCodingException e) {
      throw new InvalidEvent(
          "the " + what + " is no valid text (an unpaired surrogate): pass bytes instead", e);
    }
  }
}
