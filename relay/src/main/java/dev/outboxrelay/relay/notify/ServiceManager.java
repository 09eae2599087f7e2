package dev.outboxrelay.relay.notify;

import dev.outboxrelay.relay.fleet.FleetStatus;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * systemd, where it started this process and waits for its messages ({@code Type=notify}); without
 * {@code NOTIFY_SOCKET} nothing happens. Messages go out on a thread of their own: nobody waits for
 * them. Thread-safe.
 */
public final class ServiceManager implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ServiceManager.class);

  private final Optional<Messenger> messenger;
  private final Optional<Duration> watchdog;
  private final LongSupplier nanoClock;
  private final ScheduledExecutorService thread;

  ServiceManager(
      Optional<Messenger> messenger, Optional<Duration> watchdog, LongSupplier nanoClock) {
    this.messenger = messenger;
    this.watchdog = watchdog;
    this.nanoClock = nanoClock;
    this.thread =
        Executors.newSingleThreadScheduledExecutor(
            work -> {
              Thread made = new Thread(work, "outbox-notify");
              made.setDaemon(true);
              return made;
            });
  }

  /**
   * The one that the environment names.
   *
   * @param pid of this process: a watchdog of another is none of ours
   * @param nanoClock the clock of the loops' ticks
   */
  public static ServiceManager of(Map<String, String> env, long pid, LongSupplier nanoClock) {
    String socket = env.getOrDefault("NOTIFY_SOCKET", "");
    return new ServiceManager(
        socket.isEmpty()
            ? Optional.empty()
            : Optional.of(new SystemdNotify("systemd-notify", socket)),
        watchdog(env, pid),
        nanoClock);
  }

  /** The watchdog's timeout, from {@code WATCHDOG_USEC}, if it is meant for {@code pid}. */
  static Optional<Duration> watchdog(Map<String, String> env, long pid) {
    String micros = env.getOrDefault("WATCHDOG_USEC", "");
    String whose = env.getOrDefault("WATCHDOG_PID", "");
    if (micros.isEmpty() || !(whose.isEmpty() || whose.equals(Long.toString(pid)))) {
      return Optional.empty();
    }
    try {
      Duration timeout = Duration.of(Long.parseLong(micros), ChronoUnit.MICROS);
      return timeout.isNegative() || timeout.isZero() ? Optional.empty() : Optional.of(timeout);
    } catch (NumberFormatException e) {
      LOG.atWarn().addKeyValue("WATCHDOG_USEC", micros).log("not a number, no watchdog is fed");
      return Optional.empty();
    }
  }

  /** The outboxes are open: tells so, and goes on telling how it goes. Once. */
  public void ready(Supplier<FleetStatus> fleet) {
    messenger.ifPresent(
        found -> {
          Heartbeat heartbeat = new Heartbeat(fleet, found, nanoClock, watchdog);
          submit(() -> found.tell(List.of("READY=1")));
          submit(() -> turn(heartbeat));
        });
  }

  /** A stop was asked for. Returns at once. */
  public void stopping() {
    messenger.ifPresent(
        found -> submit(() -> found.tell(List.of("STOPPING=1", "STATUS=Stopping"))));
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }

  private void turn(Heartbeat heartbeat) {
    long pause = TimeUnit.SECONDS.toNanos(1);
    try {
      pause = heartbeat.doWork();
    } catch (RuntimeException | Error e) {
      // An outbox that can't be looked at now; whether loops turn will be seen next time.
      LOG.atWarn().setCause(e).log("no heartbeat");
    }
    try {
      var unused = thread.schedule(() -> turn(heartbeat), pause, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException closed) {
      // The relay has ended.
    }
  }

  private void submit(Runnable work) {
    try {
      thread.execute(work);
    } catch (RejectedExecutionException closed) {
      // The relay has ended.
    }
  }
}
