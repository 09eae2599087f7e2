package dev.outboxrelay.client.record;

import java.nio.ByteBuffer;
import java.time.InstantSource;
import java.util.Random;
import java.util.UUID;

/**
 * Makes UUIDs of version 7: the milliseconds of the clock, then random bits. Safe for many threads.
 */
public final class EventIds {
  private static final long VERSION_7 = 0x7000L;
  private static final long VARIANT = 0x8000_0000_0000_0000L;

  private final InstantSource clock;
  private final Random random;
  private final ByteBuffer bits = ByteBuffer.allocate(4096).limit(0);

  /** Takes its bits from {@code random}, in large pieces: a SecureRandom is cheap enough. */
  public EventIds(InstantSource clock, Random random) {
    this.clock = clock;
    this.random = random;
  }

  public UUID next() {
    long high;
    long low;
    synchronized (bits) {
      if (!bits.hasRemaining()) {
        random.nextBytes(bits.array());
        bits.clear();
      }
      high = bits.getLong();
      low = bits.getLong();
    }
    return new UUID(clock.millis() << 16 | VERSION_7 | (high & 0xFFF), VARIANT | (low >>> 2));
  }
}
