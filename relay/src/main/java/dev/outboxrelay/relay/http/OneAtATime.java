package dev.outboxrelay.relay.http;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * An endpoint that reads files, for one request at a time: a disk that hangs takes one of the
 * threads that make pages, and not all. Who comes meanwhile waits a little, but not behind one that
 * hangs. Thread-safe.
 */
final class OneAtATime implements Endpoint {
  private final Endpoint endpoint;
  private final Duration patience;
  private final LongSupplier nanoClock;
  private final Semaphore free = new Semaphore(1);
  private volatile long begunNanos;

  /**
   * Wraps an endpoint.
   *
   * @param patience how long a request may take before others do not wait for it
   */
  OneAtATime(Endpoint endpoint, Duration patience, LongSupplier nanoClock) {
    this.endpoint = endpoint;
    this.patience = patience;
    this.nanoClock = nanoClock;
  }

  @Override
  public Response get(Request request) {
    if (!enter()) {
      return Response.plain(
          Response.UNAVAILABLE, "another request for this is not answered yet; ask again");
    }
    begunNanos = nanoClock.getAsLong();
    try {
      return endpoint.get(request);
    } finally {
      free.release();
    }
  }

  private boolean enter() {
    if (free.tryAcquire()) {
      return true;
    }
    long left = patience.toNanos() - (nanoClock.getAsLong() - begunNanos);
    try {
      return free.tryAcquire(left, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false; // the server ends
    }
  }
}
