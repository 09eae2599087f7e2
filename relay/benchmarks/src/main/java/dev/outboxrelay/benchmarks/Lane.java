package dev.outboxrelay.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

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

  private Lane() {}

  static void serve(Operation operation) throws Exception {
    serve((Batch) count -> oneAfterAnother(operation, count));
  }

  static void serve(Batch batch) throws Exception {
    BufferedReader commands =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    answer("ready");
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      answer(summary(batch.run(Integer.parseInt(line))));
    }
  }

  private static long[] oneAfterAnother(Operation operation, int count) throws Exception {
    long[] took = new long[count];
    for (int i = 0; i < count; i++) {
      long start = System.nanoTime();
      operation.run();
      took[i] = System.nanoTime() - start;
    }
    return took;
  }

  private static String summary(long[] took) {
    Arrays.sort(took);
    return String.format(
        Locale.ROOT,
        "{\"p50\": %d, \"p99\": %d, \"mean\": %.1f, \"operations\": %d}",
        took[took.length / 2],
        took[(int) (took.length * 99L / 100)],
        Arrays.stream(took).average().orElseThrow(),
        took.length);
  }

  private static void answer(String line) throws IOException {
    // Not System.out: libraries may print there.
    System.out.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
    System.out.flush();
  }
}
