package dev.outboxrelay.relay.kafka;

import java.util.List;

/**
 * What answers at an address.
 *
 * @param kind whether Kafka's client can talk to it
 * @param detail what was seen, to go on behind "host:port "
 * @param brokers where it says that the brokers of its cluster are
 */
record Peer(Kind kind, String detail, List<String> brokers) {
  Peer(Kind kind, String detail) {
    this(kind, detail, List.of());
  }

  enum Kind {
    /** It answers what everybody may ask. */
    KAFKA,
    /** It wants a login first. */
    GUARDED,
    TLS,
    FOREIGN,
    /** It takes the connection and says nothing; that may pass. */
    SILENT,
    UNREACHABLE
  }
}
