package dev.outboxrelay.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;

/** Answers each line "N" on stdin by doing N operations and telling their quantiles on stdout. */
final class Lane {

  /** What is measured: one call is one sample. */
  interface Operation {
    void run() throws Exception;
  }

  /** A whole round, for operations that overlap. */
  interface Batch {
    /** Returns what each of {@code count} operations took, in nanoseconds. */
    long[] run(int count) throws Exception;
  }

  /** The longest operation of the round, and when it began. */
  private record Longest(long nanos, long since, String by) {}

  private static final AtomicReference<Longest> LONGEST = new AtomicReference<>();

  private Lane() {}

  /** Remembers an operation that has just ended, if none has lasted longer in this round. */
  static void note(long nanos) {
    Longest before = LONGEST.get();
    if (before != null && before.nanos >= nanos) {
      return;
    }
    long since = System.currentTimeMillis() * 1_000_000 - nanos;
    Longest longest = new Longest(nanos, since, Thread.currentThread().getName());
    LONGEST.accumulateAndGet(longest, (a, b) -> a == null || a.nanos < b.nanos ? b : a);
  }

  static void serve(Operation operation) throws Exception {
    serve((Batch) count -> oneAfterAnother(operation, count));
  }

  static void serve(Batch batch) throws Exception {
    BufferedReader commands =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    answer("ready");
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      LONGEST.set(null);
      answer(summary(batch.run(Integer.parseInt(line))));
    }
  }

  private static long[] oneAfterAnother(Operation operation, int count) throws Exception {
    long[] took = new long[count];
    for (int i = 0; i < count; i++) {
      long start = System.nanoTime();
      operation.run();
      took[i] = System.nanoTime() - start;
      note(took[i]);
    }
    return took;
  }

  private static String summary(long[] took) {
    Arrays.sort(took);
    Longest longest = LONGEST.get();
    return String.format(
        Locale.ROOT,
        "{\"p50\": %d, \"p99\": %d, \"p999\": %d, \"mean\": %.1f, \"operations\": %d,"
            + " \"longest\": %d, \"longest_at\": %d, \"longest_by\": \"%s\"}",
        took[took.length / 2],
        took[(int) (took.length * 99L / 100)],
        took[(int) (took.length * 999L / 1000)],
        Arrays.stream(took).average().orElseThrow(),
        took.length,
        took[took.length - 1],
        longest == null ? 0 : longest.since,
        longest == null ? "" : longest.by);
  }

  private static void answer(String line) throws IOException {
    // Not System.out: libraries may print there.
    System.out.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
    System.out.flush();
  }
}
