package dev.outboxrelay.relay.log;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;

/**
 * Lines on their way out, held in a bounded queue: who logs never waits for who reads. What does
 * not fit is dropped and counted, the newest first, as the oldest tells how it began; once half of
 * the queue is free again, the number is told. An output that fails is tried again: a pipe drains,
 * a disk gets space.
 */
final class LogPipe {
  /** What a line costs beyond its bytes. */
  private static final int OVERHEAD = 64;

  private static final Duration RETRY = Duration.ofMillis(100);

  private final OutputStream out;
  private final long capacity;
  private final LongConsumer tellDropped;
  private final AtomicLong dropped = new AtomicLong();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<byte[]> lines = new ArrayDeque<>();
  private long held;

  /** Only the writing thread's. */
  private long told;

  /**
   * Makes a pipe that nobody empties yet.
   *
   * @param out where lines go; may block for ever
   * @param capacity bytes that may wait
   * @param tellDropped called on the writing thread with how many lines were dropped since the last
   *     call; what it logs goes through this pipe
   */
  LogPipe(OutputStream out, long capacity, LongConsumer tellDropped) {
    this.out = out;
    this.capacity = capacity;
    this.tellDropped = tellDropped;
  }

  /** Takes a line, or counts it as dropped. Never waits for the output. */
  void offer(byte[] line) {
    lock.lock();
    try {
      if (held + cost(line) > capacity) {
        dropped.incrementAndGet();
        return;
      }
      lines.add(line);
      held += cost(line);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Lines that were dropped, ever. */
  long dropped() {
    return dropped.get();
  }

  /** Writes what is offered, until the thread is interrupted. */
  void run() {
    try {
      while (true) {
        byte[] line = await();
        write(line);
        boolean roomy = written(line);
        long lost = dropped.get() - told;
        if (roomy && lost > 0) {
          told += lost;
          tellDropped.accept(lost);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private byte[] await() throws InterruptedException {
    lock.lock();
    try {
      while (lines.isEmpty()) {
        changed.await();
      }
      return lines.poll();
    } finally {
      lock.unlock();
    }
  }

  private void write(byte[] line) throws InterruptedException {
    while (true) {
      try {
        out.write(line);
        out.flush();
        return;
      } catch (IOException e) {
        LockSupport.parkNanos(RETRY.toNanos());
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
      }
    }
  }

  /** Gives its place back; whether half of the room is free. */
  private boolean written(byte[] line) {
    lock.lock();
    try {
      held -= cost(line);
      changed.signalAll();
      return held <= capacity / 2;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until all lines are written, but not longer than this; whether they are. */
  boolean drain(Duration patience) throws InterruptedException {
    long nanos = patience.toNanos();
    lock.lock();
    try {
      while (held > 0) {
        if (nanos <= 0) {
          return false;
        }
        nanos = changed.awaitNanos(nanos);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private static long cost(byte[] line) {
    return (long) line.length + OVERHEAD;
  }
}
