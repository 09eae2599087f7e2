package dev.outboxrelay.relay.rounds;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Visits one after the other on another thread. Whoever does not let the visitor go is left behind
 * with that thread, and the round goes on on a new one: a disk that hangs costs a thread, and holds
 * up nobody else. Who was left behind is visited again once that visit has ended. {@link #visit} is
 * for one thread, {@link #isLeftBehind} for any.
 *
 * @param <T> who is visited; told apart by {@code equals}
 */
public final class Rounds<T> {
  /** Where one disk hangs, all that is on it does; the others shall not wait for each of them. */
  private static final long LEAST_PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final Executor threads;
  private final long patienceNanos;
  private final Set<T> leftBehind = ConcurrentHashMap.newKeySet();

  /**
   * Has visited nobody.
   *
   * @param threads where visits may hang
   * @param patience how long a visit may take before the round goes on without it; each one that is
   *     left behind halves it for the rest of the round
   */
  public Rounds(Executor threads, Duration patience) {
    this.threads = threads;
    this.patienceNanos = patience.toNanos();
  }

  /** Returns when each was visited or left behind. What a visit throws ends the round. */
  public void visit(Collection<T> all, Consumer<T> visit) {
    List<T> left = all.stream().filter(each -> !leftBehind.contains(each)).toList();
    for (long patience = patienceNanos; !left.isEmpty(); patience /= 2) {
      Round round = new Round(left, visit);
      threads.execute(round);
      left = round.await(Math.max(LEAST_PATIENCE_NANOS, patience));
    }
  }

  /** Whether a visit has not ended yet, and nobody waits for it any more. */
  public boolean isLeftBehind(T one) {
    return leftBehind.contains(one);
  }

  /** All of them, at this moment. */
  public Set<T> leftBehind() {
    return Set.copyOf(leftBehind);
  }

  private final class Round implements Runnable {
    private final List<T> all;
    private final Consumer<T> visit;

    /** Which one is being visited. */
    private int at;

    private boolean over;
    private boolean abandoned;
    private Throwable failure;

    private Round(List<T> all, Consumer<T> visit) {
      this.all = all;
      this.visit = visit;
    }

    @Override
    public void run() {
      try {
        for (T each : all) {
          visit.accept(each);
          if (!mayGoOn()) {
            return;
          }
        }
      } catch (RuntimeException | Error e) {
        if (!failed(e)) {
          throw e; // nobody else would hear of it
        }
      }
    }

    private synchronized boolean mayGoOn() {
      if (abandoned) {
        leftBehind.remove(all.get(at));
        return false;
      }
      at++;
      over = at == all.size();
      if (over) {
        notifyAll();
      }
      return true;
    }

    /** Whether somebody waits for it. */
    private synchronized boolean failed(Throwable error) {
      leftBehind.remove(all.get(at));
      failure = error;
      over = true;
      notifyAll();
      return !abandoned;
    }

    /** Those behind the one that is left behind; none if all were visited. */
    private synchronized List<T> await(long patience) {
      int before = -1;
      while (!over && at != before) {
        before = at;
        sleep(patience);
      }
      if (failure instanceof Error error) {
        throw error;
      } else if (failure instanceof RuntimeException exception) {
        throw exception;
      }
      abandoned = !over;
      if (over) {
        return List.of();
      }
      leftBehind.add(all.get(at));
      return all.subList(at + 1, all.size());
    }

    private void sleep(long patience) {
      long begin = System.nanoTime();
      try {
        for (long left = patience; !over && left > 0; ) {
          TimeUnit.NANOSECONDS.timedWait(this, left);
          left = patience - (System.nanoTime() - begin);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
