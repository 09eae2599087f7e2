package dev.outboxrelay.relay.rounds;

/**
 * A daemon of the relay. That the machine has no more threads is {@link Unavailable} here, for
 * which one outbox waits; the JVM tells it by the error of a heap that is full, which ends the
 * process.
 */
public final class WorkThread extends Thread {

  /** Not started yet. */
  public WorkThread(Runnable work, String name) {
    super(work, name);
    setDaemon(true);
  }

  /**
   * Starts it.
   *
   * @throws Unavailable if there are no more threads
   */
  @Override
  public synchronized void start() {
    try {
      super.start();
    } catch (OutOfMemoryError e) {
      if (!isLackOfThreads(e)) {
        throw e;
      }
      throw new Unavailable(getName());
    }
  }

  /**
   * Starts one and waits for its end, for who is about to let a library start one.
   *
   * @throws Unavailable if there are no more threads
   */
  public static void tryOne(String name) {
    WorkThread one = new WorkThread(() -> {}, name);
    one.start();
    try {
      one.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether it is threads that the JVM could not have, and not memory of its heap. */
  public static boolean isLackOfThreads(Throwable error) {
    return error instanceof OutOfMemoryError && isLackOfThreads(error.getMessage());
  }

  /** The same of the message of such an error; null if it has none. */
  public static boolean isLackOfThreads(String message) {
    return message != null && message.contains("native thread");
  }

  /** There are no more threads. */
  public static final class Unavailable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * For one that could not be started.
     *
     * @param name of the thread
     */
    public Unavailable(String name) {
      // Without the error as its cause: where that is logged the process ends.
      super(
          "no thread for "
              + name
              + ": let the relay have more (TasksMax, a pod's limit of pids, ulimit -u), or fewer"
              + " outboxes");
    }
  }
}
