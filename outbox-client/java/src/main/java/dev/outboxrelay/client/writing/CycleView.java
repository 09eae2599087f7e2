package dev.outboxrelay.client.writing;

import static dev.outboxrelay.client.disk.RealDisk.load64;

import dev.outboxrelay.client.cycle.CycleLayout;
import java.nio.MappedByteBuffer;

/**
 * What a cycle file says to somebody without the lock, also when it was closed or has grown. A file
 * that was cut is an {@link InternalError}.
 */
final class CycleView {
  private static final int SEQUENCE_AT = 4 + 16; // behind a header word

  private final MappedByteBuffer map;
  private final CycleLayout layout;

  CycleView(MappedByteBuffer map, CycleLayout layout) {
    this.map = map;
    this.layout = layout;
  }

  /** Where the last record stands that is noted. */
  long word1() {
    return load64(map, layout.word1());
  }

  /** Sequence of a record that is known to stand there; 0 where this does not reach. */
  long sequenceAt(long offset) {
    long at = offset + SEQUENCE_AT;
    return at + Long.BYTES <= map.limit() ? map.getLong((int) at) : 0;
  }
}
