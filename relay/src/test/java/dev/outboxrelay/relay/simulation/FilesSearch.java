package dev.outboxrelay.relay.simulation;

import java.io.IOException;

/**
 * Looks for a seed whose history on real files fails: {@code FilesSearch FIRST COUNT}. Prints it,
 * and ends with 1 if there is one.
 */
public final class FilesSearch {
  private FilesSearch() {}

  public static void main(String[] arguments) {
    long first = Long.parseLong(arguments[0]);
    long end = first + Long.parseLong(arguments[1]);
    long begin = System.nanoTime();
    boolean found = false;
    long seed = first;
    for (; seed < end && !found; seed++) {
      try {
        FilesHistory.run(seed);
      } catch (AssertionError | RuntimeException | IOException e) {
        found = true;
        String what = String.valueOf(e.getMessage()).strip().replace('\n', ' ');
        System.out.printf(
            "found: seed=%d history=FILES %s: %s%n", seed, e.getClass().getSimpleName(), what);
        if (!(e instanceof AssertionError)) {
          e.printStackTrace(System.out);
        }
      }
    }
    System.out.printf("%d histories, %.1f s%n", seed - first, (System.nanoTime() - begin) / 1e9);
    System.exit(found ? 1 : 0);
  }
}
