package dev.outboxrelay.relay.simulation;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Looks for a seed whose history fails: {@code Search FIRST COUNT THREADS}. Prints it, and ends
 * with 1 if there is one.
 */
public final class Search {
  private Search() {}

  public static void main(String[] arguments) throws InterruptedException {
    AtomicLong next = new AtomicLong(Long.parseLong(arguments[0]));
    long end = next.get() + Long.parseLong(arguments[1]);
    AtomicLong histories = new AtomicLong();
    AtomicBoolean found = new AtomicBoolean();
    Thread[] threads = new Thread[Integer.parseInt(arguments[2])];
    long begin = System.nanoTime();
    for (int i = 0; i < threads.length; i++) {
      threads[i] = new Thread(() -> search(next, end, histories, found));
      threads[i].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    System.out.printf("%d histories, %.1f s%n", histories.get(), (System.nanoTime() - begin) / 1e9);
    System.exit(found.get() ? 1 : 0);
  }

  private static void search(AtomicLong next, long end, AtomicLong histories, AtomicBoolean found) {
    for (long seed = next.getAndIncrement(); seed < end; seed = next.getAndIncrement()) {
      for (History history : History.values()) {
        if (found.get()) {
          return;
        }
        try {
          history.run(seed);
          histories.incrementAndGet();
        } catch (Throwable e) {
          if (!found.getAndSet(true)) {
            String what = String.valueOf(e.getMessage()).strip().replace('\n', ' ');
            System.out.printf(
                "found: seed=%d history=%s %s%n",
                seed, history, e.getClass().getSimpleName() + ": " + what);
            if (!(e instanceof AssertionError)) {
              e.printStackTrace(System.out);
            }
          }
          return;
        }
      }
    }
  }
}
