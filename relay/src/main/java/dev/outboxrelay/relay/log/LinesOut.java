package dev.outboxrelay.relay.log;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.function.Consumer;

/**
 * For what writes to {@link System#err} by itself, like the JVM's word about an uncaught exception:
 * hands on whole lines. Its {@link java.io.PrintStream} makes it thread-safe.
 */
final class LinesOut extends OutputStream {
  /** A line that never ends is cut here. */
  private static final int LONGEST = 64 << 10;

  private final Consumer<byte[]> lines;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream(256);

  LinesOut(Consumer<byte[]> lines) {
    this.lines = lines;
  }

  @Override
  public void write(int b) {
    line.write(b);
    if (b == '\n' || line.size() >= LONGEST) {
      lines.accept(line.toByteArray());
      line.reset();
    }
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    for (int i = offset; i < offset + length; i++) {
      write(bytes[i]);
    }
  }
}
