package dev.outboxrelay.relay.cli;

import java.io.PrintWriter;

/** Tells something if the process is ended while it is open, as by Ctrl-C. */
final class Interrupted implements AutoCloseable {
  private final Thread hook;

  private Interrupted(Thread hook) {
    this.hook = hook;
  }

  /** From now on. */
  static Interrupted telling(PrintWriter err, String what) {
    Thread hook =
        new Thread(
            () -> {
              err.println("outbox-relay: interrupted; " + what);
              err.flush();
            },
            "interrupted");
    Runtime.getRuntime().addShutdownHook(hook);
    return new Interrupted(hook);
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process ends just now, and it is told.
    }
  }
}
