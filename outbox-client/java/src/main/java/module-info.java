/** The Java client of the outbox: all that users may touch is {@code dev.outboxrelay.client}. */
module dev.outboxrelay.client {
  exports dev.outboxrelay.client;
}
