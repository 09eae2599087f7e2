package dev.outboxrelay.relay.kafka;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * A connection to somebody who may speak for ever, or a byte now and then: each read has a deadline
 * and so have all together, also where TLS is spoken over it.
 */
final class BriefSocket extends Socket {
  /** A handshake, and two answers. */
  private static final int MOST_WAITS = 3;

  private final long patienceNanos;
  private final long begunNanos = System.nanoTime();

  /**
   * Connects to nothing yet.
   *
   * @param patience for each read; all reads have {@value #MOST_WAITS} times as much, beside as
   *     much to connect
   */
  BriefSocket(Duration patience) {
    this.patienceNanos = patience.toNanos();
  }

  /** Whatever is done with it comes down to reads: not a filter, which would skip by itself. */
  @Override
  public InputStream getInputStream() throws IOException {
    InputStream in = super.getInputStream();
    return new InputStream() {
      @Override
      public int read() throws IOException {
        limit();
        return in.read();
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        limit();
        return in.read(bytes, offset, length);
      }

      @Override
      public int available() throws IOException {
        return in.available();
      }

      @Override
      public void close() throws IOException {
        in.close();
      }
    };
  }

  /** Of the next read. */
  private void limit() throws IOException {
    long left = (1 + MOST_WAITS) * patienceNanos - (System.nanoTime() - begunNanos);
    long millis = TimeUnit.NANOSECONDS.toMillis(Math.min(patienceNanos, left));
    if (millis <= 0) {
      throw new SocketTimeoutException("does not come to an end");
    }
    setSoTimeout(Math.toIntExact(millis));
  }
}
