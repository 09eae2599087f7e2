package dev.outboxrelay.relay.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
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

  PipeAppender(Encoder<ILoggingEvent> encoder, Consumer<byte[]> lines) {
    this.encoder = encoder;
    this.lines = lines;
  }

  @Override
  protected void append(ILoggingEvent event) {
    lines.accept(encoder.encode(event));
  }
}
