package dev.outboxrelay.benchmarks;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Threads that append events of 1 KB to one outbox at once: {@code process|power DIRECTORY THREADS};
 * a round's operations are those of all threads together.
 */
final class CrowdLane implements Lane.Batch {
  private static final String TOPIC = "bench";
  private static final byte[] VALUE = new byte[1024];

  private final Outbox outbox;
  private final int threads;
  private final ExecutorService pool;

  private CrowdLane(Outbox outbox, int threads) {
    this.outbox = outbox;
    this.threads = threads;
    pool = Executors.newFixedThreadPool(threads);
  }

  public static void main(String[] arguments) throws Exception {
    Durability durability = Durability.valueOf(arguments[0].toUpperCase(Locale.ROOT));
    Path place = Path.of(arguments[1]);
    try (Outbox outbox = Outbox.builder().path(place).durability(durability).open()) {
      CrowdLane crowd = new CrowdLane(outbox, Integer.parseInt(arguments[2]));
      try {
        Lane.serve(crowd);
      } finally {
        crowd.pool.shutdown();
      }
    }
  }

  @Override
  public long[] run(int count) throws Exception {
    long[] took = new long[count];
    Future<?>[] started = new Future<?>[threads];
    for (int i = 0; i < threads; i++) {
      int first = (int) ((long) count * i / threads);
      int end = (int) ((long) count * (i + 1) / threads);
      started[i] = pool.submit(() -> append(took, first, end));
    }
    for (Future<?> each : started) {
      each.get();
    }
    return took;
  }

  private void append(long[] took, int first, int end) {
    long[] mine = new long[end - first]; // not beside those of others in one cache line
    for (int i = 0; i < mine.length; i++) {
      long start = System.nanoTime();
      outbox.append(OutboxEvent.of(TOPIC, VALUE));
      mine[i] = System.nanoTime() - start;
      Lane.note(mine[i]);
    }
    System.arraycopy(mine, 0, took, first, mine.length);
  }
}
