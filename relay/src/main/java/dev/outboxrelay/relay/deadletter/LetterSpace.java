package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How much space the dead letters of an outbox hold, from the first of which nothing was done on.
 * It looks at files, at most once a second. Thread-safe.
 */
public final class LetterSpace implements LongSupplier {
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final OutboxPaths outbox;
  private final LongSupplier nanos;
  private long bytes;
  private long nextNanos;

  /**
   * Looks at once.
   *
   * @param outbox whose dead letters they are
   * @param nanos the monotonic clock
   */
  public LetterSpace(OutboxPaths outbox, LongSupplier nanos) {
    this.outbox = outbox;
    this.nanos = nanos;
    this.bytes = of(outbox);
    this.nextNanos = nanos.getAsLong() + INTERVAL_NANOS;
  }

  @Override
  public synchronized long getAsLong() {
    long now = nanos.getAsLong();
    if (now - nextNanos >= 0) {
      nextNanos = now + INTERVAL_NANOS;
      bytes = of(outbox);
    }
    return bytes;
  }

  /** How much they hold now; 0 if that can't be read. */
  public static long of(OutboxPaths outbox) {
    OutboxPaths letters = outbox.deadLetters();
    try {
      SafeFiles.Attributes there = SafeFiles.attributes(letters.root());
      return there != null && there.directory() ? new OutboxReader(letters).status().lagBytes() : 0;
    } catch (IOException | OutboxError e) {
      return 0; // it is told where something is to be written there
    }
  }
}
