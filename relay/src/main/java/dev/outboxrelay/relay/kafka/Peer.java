package dev.outboxrelay.relay.kafka;

/**
 * What answers at an address.
 *
 * @param kind whether Kafka's client can talk to it
 * @param detail what was seen, to go on behind "host:port "
 */
record Peer(Kind kind, String detail) {
  enum Kind {
    /** It answers what everybody may ask. */
    KAFKA,
    /** It wants a login first. */
    GUARDED,
    TLS,
    FOREIGN,
    UNREACHABLE
  }
}
