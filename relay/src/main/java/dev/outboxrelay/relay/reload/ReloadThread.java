package dev.outboxrelay.relay.reload;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at the configuration again and again, and at once when asked to. */
public final class ReloadThread implements AutoCloseable {
  /** Contents are compared: times and links tell too little of a mounted Secret. */
  static final Duration INTERVAL = Duration.ofSeconds(10);

  private static final Logger LOG = LoggerFactory.getLogger(ReloadThread.class);

  private final ConfigWatch watch;
  private final ReloadListener listener;
  private final BlockingQueue<Boolean> asked = new LinkedBlockingQueue<>(1);
  private final Thread thread;

  private ReloadThread(ConfigWatch watch, ReloadListener listener) {
    this.watch = watch;
    this.listener = listener;
    this.thread = new Thread(this::run, "outbox-reload");
    this.thread.setDaemon(true);
  }

  /** Starts the thread. */
  public static ReloadThread start(ConfigWatch watch, ReloadListener listener) {
    ReloadThread started = new ReloadThread(watch, listener);
    started.thread.start();
    return started;
  }

  /** Looks soon. From any thread; does not wait. */
  public void lookNow() {
    asked.offer(true);
  }

  private void run() {
    try {
      while (!thread.isInterrupted()) {
        boolean wasAsked = asked.poll(INTERVAL.toMillis(), TimeUnit.MILLISECONDS) != null;
        look(wasAsked);
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private void look(boolean wasAsked) {
    try {
      Outcome outcome = watch.look();
      if (!thread.isInterrupted()) {
        listener.looked(outcome, wasAsked);
      }
    } catch (RuntimeException | Error e) {
      // The settings in use stay; delivery is not concerned, and the thread goes on.
      LOG.atError().setCause(e).log("configuration not read");
    }
  }

  /** Ends the thread; does not wait for it. */
  @Override
  public void close() {
    thread.interrupt();
  }
}
