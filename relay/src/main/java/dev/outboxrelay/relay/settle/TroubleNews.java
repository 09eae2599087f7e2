package dev.outboxrelay.relay.settle;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fact.Trouble;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Keeps {@code relay.troubles} at what is wrong. Told on the delivery thread; written on the
 * settling thread, at most once a second.
 */
final class TroubleNews {
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final SettledFiles files;
  private final Clocks clocks;
  private volatile List<Trouble> now = List.of();

  /** What the file says; null while that is what an earlier relay said. */
  private List<Trouble> written;

  private long nextNanos;

  TroubleNews(SettledFiles files, Clocks clocks) {
    this.files = files;
    this.clocks = clocks;
    this.nextNanos = clocks.nanos();
  }

  /** Returns whether that is news. */
  boolean tell(List<Trouble> troubles) {
    if (troubles == now) {
      return false;
    }
    now = troubles;
    return true;
  }

  /** How long until there is something to do; not positive if there is now. */
  long nanosToNext(long nanos) {
    return now.equals(written) ? Long.MAX_VALUE : nextNanos - nanos;
  }

  void work(long nanos) {
    if (nanosToNext(nanos) <= 0) {
      nextNanos = nanos + INTERVAL_NANOS;
      write();
    }
  }

  private void write() {
    List<Trouble> latest = now;
    try {
      files.writeTroubles(latest, clocks.millis());
      written = latest;
    } catch (IOException | RuntimeException e) {
      // The page and the metrics tell it, too; it is tried again.
    }
  }

  /** Writes it if need be, before the files are closed. */
  void close() {
    if (!now.equals(written)) {
      write();
    }
  }
}
