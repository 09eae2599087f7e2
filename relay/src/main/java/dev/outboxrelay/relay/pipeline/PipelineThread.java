package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.rounds.WorkThread;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.slf4j.MDC;

/**
 * Serves an outbox on a thread of its own from the opening on, which may wait for a writer's lock
 * or a slow disk: no outbox waits for another.
 */
public final class PipelineThread implements Service {
  private final Path outbox;
  private final Supplier<Pipeline> opener;
  private volatile Stage stage = new Stage.Opening();
  private volatile boolean stopping;
  private volatile boolean givenUp;
  private volatile Pipeline pipeline;

  private PipelineThread(Path outbox, Supplier<Pipeline> opener) {
    this.outbox = outbox;
    this.opener = opener;
  }

  /**
   * Begins.
   *
   * @param lock of the outbox; it ends with the service
   * @param opener opens what is to be served with that lock, on the new thread
   * @throws PipelineRefused if there are no more threads; the lock is released then
   */
  public static Service start(Path outbox, RelayLock lock, Supplier<Pipeline> opener) {
    try {
      return start(outbox, opener);
    } catch (RuntimeException | Error e) {
      lock.closeAfter(e);
      throw e;
    }
  }

  /**
   * Begins with what the new thread opens, its lock included.
   *
   * @throws PipelineRefused if there are no more threads
   */
  static Service start(Path outbox, Supplier<Pipeline> opener) {
    PipelineThread service = new PipelineThread(outbox, opener);
    Thread thread = new WorkThread(service::run, "outbox-delivery");
    try {
      thread.start();
    } catch (WorkThread.Unavailable e) {
      throw new PipelineRefused.Unusable(outbox + ": " + e.getMessage(), e);
    }
    return service;
  }

  private void run() {
    MDC.put("outbox", outbox.toString());
    Pipeline opened;
    try {
      opened = opener.get();
    } catch (OutOfMemoryError e) {
      throw e; // ends the process
    } catch (Throwable e) {
      stage = new Stage.Refused(e);
      return;
    }
    pipeline = opened;
    stage = new Stage.Open(opened);
    if (givenUp) {
      opened.giveUp();
    } else if (stopping) {
      opened.stop();
    }
    PipelineEnd end = PipelineRunner.turn(opened);
    stage = new Stage.Ended(end, opened.status());
  }

  @Override
  public Stage stage() {
    return stage;
  }

  @Override
  public void giveUp() {
    givenUp = true;
    Pipeline open = pipeline;
    if (open != null) {
      open.giveUp();
    }
  }

  @Override
  public void stop() {
    stopping = true;
    Pipeline open = pipeline;
    if (open != null) {
      open.stop();
    }
  }
}
