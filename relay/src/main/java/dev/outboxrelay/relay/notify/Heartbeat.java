package dev.outboxrelay.relay.notify;

import dev.outboxrelay.relay.fleet.FleetStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A duty cycle that tells how it goes and feeds the watchdog, which it does only while all loops
 * turn: the rule of {@code /healthz}. Kafka being away is no reason to starve it. Single-threaded.
 */
final class Heartbeat {
  private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);

  /** Where nobody waits for a sign of life. */
  private static final Duration UNWATCHED = Duration.ofSeconds(30);

  /** One lost or late message must not be taken for a hang. */
  private static final int BEATS_PER_TIMEOUT = 4;

  private final Supplier<FleetStatus> fleet;
  private final Messenger messenger;
  private final LongSupplier nanoClock;
  private final boolean watched;
  private final Duration period;

  private long nextNanos;
  private String told = "";
  private boolean starving;

  /**
   * @param nanoClock the clock of the loops' ticks
   * @param watchdog the time without a sign of life after which the service is ended; empty: never
   */
  Heartbeat(
      Supplier<FleetStatus> fleet,
      Messenger messenger,
      LongSupplier nanoClock,
      Optional<Duration> watchdog) {
    this.fleet = fleet;
    this.messenger = messenger;
    this.nanoClock = nanoClock;
    this.watched = watchdog.isPresent();
    this.period = watchdog.map(timeout -> timeout.dividedBy(BEATS_PER_TIMEOUT)).orElse(UNWATCHED);
    this.nextNanos = nanoClock.getAsLong();
  }

  /** Tells what is due. Returns nanoseconds until something will be due again. */
  long doWork() {
    long now = nanoClock.getAsLong();
    if (now - nextNanos >= 0) {
      nextNanos = now + period.toNanos();
      beat(fleet.get(), now);
    }
    return nextNanos - now;
  }

  private void beat(FleetStatus status, long now) {
    List<String> words = new ArrayList<>();
    Optional<String> stuck = status.stuck(now, FleetStatus.PATIENCE);
    if (watched && stuck.isEmpty()) {
      words.add("WATCHDOG=1");
    }
    stuck.ifPresent(this::logStarving);
    starving = stuck.isPresent();
    String sentence = stuck.map(loop -> "Stuck: " + loop).orElseGet(() -> Sentence.of(status));
    if (!sentence.equals(told)) {
      words.add("STATUS=" + sentence);
      told = sentence;
    }
    if (!words.isEmpty()) {
      messenger.tell(words);
    }
  }

  private void logStarving(String loop) {
    if (watched && !starving) {
      LOG.atError().addKeyValue("stuck", loop).log("watchdog not fed");
    }
  }
}
