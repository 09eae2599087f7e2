package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deadletter.DeadLetters;
import dev.outboxrelay.relay.park.ParkedOutboxes;
import dev.outboxrelay.relay.settle.Outcomes;
import java.io.IOException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/**
 * Where requests are applied: an outbox of which this process holds the relay's lock.
 *
 * @param paths of it, as it is held
 * @param identity of it
 * @param like its options
 * @param saved the sequence that its saved position covers, 0 if there is none
 * @param outcomes of its events
 * @param parked what of it is parked
 * @param lanes which deliver that
 * @param mostLetters beyond which the oldest dead letters are discarded; empty = any number
 */
public record Workplace(
    OutboxPaths paths,
    OutboxIdentity identity,
    WriterOptions like,
    LongSupplier saved,
    Outcomes outcomes,
    ParkedOutboxes parked,
    LaneLock lanes,
    OptionalLong mostLetters) {
  private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(1);

  /** How the dead letters' own outbox is changed. */
  WriterOptions letters() throws IOException {
    return DeadLetters.options(paths, like).withLockTimeout(LOCK_TIMEOUT);
  }
}
