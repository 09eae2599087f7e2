package dev.outboxrelay.client.lock;

/**
 * A stack that ends within the JDK's {@code tryLock} or {@code release} leaves behind it a table
 * that says "held", and a channel that cannot be closed without waiting for ever. So it is made to
 * end before: whoever is about to take a lock goes down first as deep as taking it and giving it
 * back may.
 */
final class StackReserve {
  /**
   * 64 are too few where these frames are compiled and the JDK's are not. They cost a twentieth of
   * an append.
   */
  private static final int FRAMES = 256;

  private StackReserve() {}

  /**
   * Sees to it that there is stack left.
   *
   * @throws StackOverflowError while nothing has happened yet
   */
  static void demand() {
    int unused = descend(FRAMES);
  }

  private static int descend(int frames) {
    return frames == 0 ? 0 : 1 + descend(frames - 1);
  }
}
