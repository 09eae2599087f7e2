package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Trouble;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/** What is wrong with the process, whichever outboxes it serves. Thread-safe. */
public final class ProcessTroubles {
  /** Without a dropped line for so long, the log is read again. */
  private static final Duration CALM = Duration.ofMinutes(1);

  private final LongSupplier droppedLines;
  private final InstantSource clock;
  private long seenDropped;
  private long lastDropMillis;
  private Trouble log;
  private Trouble config;

  /**
   * Nothing is wrong yet.
   *
   * @param droppedLines of the log, since the start of the process
   */
  public ProcessTroubles(LongSupplier droppedLines, InstantSource clock) {
    this.droppedLines = droppedLines;
    this.clock = clock;
  }

  /**
   * The files of the configuration were looked at.
   *
   * @param error why they can't be used; empty if they can
   */
  public synchronized void config(Optional<String> error) {
    config = error.map(why -> more(config, new Cause.PartFailed(Part.CONFIG, why))).orElse(null);
  }

  /** All that is wrong now. */
  public synchronized List<Trouble> now() {
    lookAtTheLog();
    return Stream.of(log, config).filter(Objects::nonNull).toList();
  }

  private void lookAtTheLog() {
    long dropped = droppedLines.getAsLong();
    long now = clock.millis();
    if (dropped > seenDropped) {
      seenDropped = dropped;
      lastDropMillis = now;
      log = more(log, new Cause.PartFailed(Part.LOG, dropped + " lines since the start"));
    } else if (now - lastDropMillis > CALM.toMillis()) {
      log = null;
    }
  }

  private Trouble more(Trouble before, Cause cause) {
    return before == null ? new Trouble(cause, clock.millis(), 1) : before.again(cause);
  }
}
