package dev.outboxrelay.relay.http;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Collects a request's head, however small the pieces are. */
final class HeadBuffer {
  private final int most;
  private byte[] bytes = new byte[512];
  private int length;
  private int end = -1;

  HeadBuffer(int most) {
    this.most = most;
  }

  /** Takes what was read, as far as it is wanted. */
  void add(ByteBuffer piece) {
    while (piece.hasRemaining() && end < 0 && length < most) {
      if (length == bytes.length) {
        bytes = Arrays.copyOf(bytes, Math.min(most, 2 * length));
      }
      bytes[length++] = piece.get();
      if (bytes[length - 1] == '\n' && lineBefore()) {
        end = length;
      }
    }
  }

  /** Whether the line that ends here is empty. */
  private boolean lineBefore() {
    int before = length - 2;
    if (before >= 0 && bytes[before] == '\r') {
      before--;
    }
    return before >= 0 && bytes[before] == '\n';
  }

  boolean isComplete() {
    return end >= 0;
  }

  boolean isTooLong() {
    return end < 0 && length >= most;
  }

  /**
   * What it says.
   *
   * @throws IllegalArgumentException if that is no request
   */
  RequestHead parse() {
    return RequestHead.parse(bytes, end);
  }
}
