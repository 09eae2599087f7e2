package dev.outboxrelay.relay.fleet;

import java.nio.file.Path;

/**
 * An outbox that can't be served at this moment; it is tried again by itself.
 *
 * @param outbox its directory
 * @param reason a stable name: {@code held}, {@code unusable}, {@code needs-operator}, {@code
 *     fenced} or {@code failed}
 * @param error what, which value, and the way out
 * @param sinceMillis since when, milliseconds since the epoch
 * @param attempts how often it was tried since then
 */
public record OutboxOnHold(
    Path outbox, String reason, String error, long sinceMillis, int attempts) {}
