package dev.outboxrelay.relay.deliver;

/**
 * Permission of a window to hold records. It is kept at its highest until it is closed, as a sender
 * keeps the memory that it once needed. For one thread.
 */
public interface Lease extends AutoCloseable {
  /** For a process with one window: its own bounds are all that counts. */
  Lease WHOLE =
      new Lease() {
        @Override
        public boolean covers(int records, long bytes) {
          return true;
        }

        @Override
        public void emptied() {}

        @Override
        public void close() {}
      };

  /**
   * Whether the window may hold so much; asks for more if need be.
   *
   * @param records what it would hold then, at least 1
   * @param bytes of these records
   */
  boolean covers(int records, long bytes);

  /** The window holds nothing at this moment. */
  void emptied();

  /** Gives everything back; it may be used again. */
  @Override
  void close();
}
