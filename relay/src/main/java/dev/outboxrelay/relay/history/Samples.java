package dev.outboxrelay.relay.history;

import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.util.ArrayList;
import java.util.List;

/**
 * The latest samples of one outbox, in arrays of a fixed length: 37 bytes each, whatever happens.
 * Not thread-safe.
 */
final class Samples {
  private final long[] atMillis;
  private final long[] lagEvents;
  private final long[] lagBytes;
  private final float[] oldestSeconds;
  private final float[] deliveredPerSecond;
  private final float[] retriedPerSecond;
  private final boolean[] troubled;
  private long taken;
  private long lastNanos;
  private long lastDelivered;
  private long lastRetried;

  Samples(int capacity) {
    atMillis = new long[capacity];
    lagEvents = new long[capacity];
    lagBytes = new long[capacity];
    oldestSeconds = new float[capacity];
    deliveredPerSecond = new float[capacity];
    retriedPerSecond = new float[capacity];
    troubled = new boolean[capacity];
  }

  void add(PipelineStatus status, float oldest, long nowMillis, long nowNanos) {
    int at = (int) (taken % atMillis.length);
    double seconds = taken == 0 ? 0 : (nowNanos - lastNanos) / 1e9;
    atMillis[at] = nowMillis;
    lagEvents[at] = status.lagEvents();
    lagBytes[at] = status.lagBytes();
    oldestSeconds[at] = oldest;
    deliveredPerSecond[at] = rate(lastDelivered, status.delivered(), seconds);
    retriedPerSecond[at] = rate(lastRetried, status.retried(), seconds);
    troubled[at] = status.trouble().isPresent();
    lastNanos = nowNanos;
    lastDelivered = status.delivered();
    lastRetried = status.retried();
    taken++;
  }

  /** A counter that went back began anew: the outbox was closed and opened again. */
  private static float rate(long before, long now, double seconds) {
    long more = now < before ? now : now - before;
    return seconds <= 0 ? 0 : (float) (more / seconds);
  }

  /** Oldest first. */
  List<Sample> list() {
    int capacity = atMillis.length;
    int count = (int) Math.min(taken, capacity);
    List<Sample> samples = new ArrayList<>(count);
    for (long number = taken - count; number < taken; number++) {
      int at = (int) (number % capacity);
      samples.add(
          new Sample(
              atMillis[at],
              lagEvents[at],
              lagBytes[at],
              oldestSeconds[at],
              deliveredPerSecond[at],
              retriedPerSecond[at],
              troubled[at]));
    }
    return samples;
  }
}
