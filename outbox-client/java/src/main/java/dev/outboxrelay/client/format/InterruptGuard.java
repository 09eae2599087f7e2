package dev.outboxrelay.client.format;

/**
 * Keeps interrupts from closing file channels: an interrupted thread that touches a {@code
 * FileChannel} closes it for everybody. The flag is cleared while the guard is open and set again
 * when it closes, if it ever was set.
 */
final class InterruptGuard implements AutoCloseable {
  private boolean interrupted;

  InterruptGuard() {
    clear();
  }

  /** Clears the thread's interrupt flag and remembers it. */
  void clear() {
    interrupted |= Thread.interrupted();
  }

  @Override
  public void close() {
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
