package dev.outboxrelay.relay.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.core.UnsynchronizedAppenderBase;
import ch.qos.logback.core.encoder.Encoder;
import java.util.function.Consumer;

/**
 * Hands each line on as bytes. It is made on the thread that logs, so that it says what held then;
 * Logback's own AsyncAppender drops without a count, and holds objects that go on changing.
 */
final class PipeAppender extends UnsynchronizedAppenderBase<ILoggingEvent> {
  private final Encoder<ILoggingEvent> encoder;
  private final Consumer<byte[]> lines;
  private final Consumer<String> outOfMemory;

  /**
   * Makes one.
   *
   * @param outOfMemory told the message of such an error, if a line is about one or there is no
   *     memory for a line
   */
  PipeAppender(
      Encoder<ILoggingEvent> encoder, Consumer<byte[]> lines, Consumer<String> outOfMemory) {
    this.encoder = encoder;
    this.lines = lines;
    this.outOfMemory = outOfMemory;
  }

  @Override
  protected void append(ILoggingEvent event) {
    try {
      lines.accept(encoder.encode(event));
    } catch (OutOfMemoryError e) {
      outOfMemory.accept(e.getMessage());
      throw e;
    }
    for (IThrowableProxy cause = event.getThrowableProxy(); cause != null; ) {
      if (cause.getClassName().equals(OutOfMemoryError.class.getName())) {
        outOfMemory.accept(cause.getMessage());
      }
      cause = cause.isCyclic() ? null : cause.getCause();
    }
  }
}
