package dev.outboxrelay.client.cycle;

import java.io.IOException;

/**
 * Bytes that the disk does not give. They are damage like any other: what is behind may be read.
 */
public final class UnreadableBlock extends IOException {
  private static final long serialVersionUID = 1L;

  /** A search goes on at the next multiple of this. */
  private static final int BYTES = 4096;

  /** EIO: Java passes on no error numbers, only texts. */
  private static final String TEXT = "Input/output error";

  UnreadableBlock(IOException cause) {
    super(cause.getMessage(), cause);
  }

  /** Whether the disk failed, and not the system or its rights. */
  public static boolean isCauseOf(IOException error) {
    return String.valueOf(error.getMessage()).contains(TEXT);
  }

  /** Where to go on behind an offset that can't be read. */
  public static long next(long offset) {
    return (offset | (BYTES - 1)) + 1;
  }
}
