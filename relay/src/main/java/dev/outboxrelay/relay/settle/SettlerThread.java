package dev.outboxrelay.relay.settle;

import dev.outboxrelay.relay.rounds.WorkThread;
import java.io.IOException;
import java.util.concurrent.locks.LockSupport;

/** Turns a settler's loop on a thread of its own, so that a slow disk never holds up delivery. */
public final class SettlerThread implements AutoCloseable {
  private final Settler settler;
  private final Thread thread;
  private volatile boolean stopped;
  private volatile Throwable failure;

  private SettlerThread(Settler settler) {
    this.settler = settler;
    this.thread = new WorkThread(this::run, "outbox-settle");
  }

  /**
   * Starts the thread.
   *
   * @throws WorkThread.Unavailable if there is none; the settler is closed then
   */
  public static SettlerThread start(Settler settler) {
    SettlerThread started = new SettlerThread(settler);
    try {
      started.thread.start();
      return started;
    } catch (RuntimeException | Error e) {
      closeAfter(e, settler);
      throw e;
    }
  }

  /** It has files open, and nobody will turn it. */
  private static void closeAfter(Throwable failure, Settler settler) {
    try {
      settler.close();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  private void run() {
    try {
      while (!stopped) {
        if (settler.doWork() == 0) {
          settler.await();
        }
      }
    } catch (OutOfMemoryError e) {
      throw e; // ends the process
    } catch (Throwable e) {
      failure = e;
    }
  }

  /** Throws what ended the thread before its time: without it nothing would ever be saved. */
  public void check() {
    if (failure != null) {
      throw new IllegalStateException("the settling thread has ended", failure);
    }
  }

  /** Ends the thread and closes the settler's files. */
  @Override
  public void close() throws IOException {
    stopped = true;
    LockSupport.unpark(thread);
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    settler.close();
  }
}
