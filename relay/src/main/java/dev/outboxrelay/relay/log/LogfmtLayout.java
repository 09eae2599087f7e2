package dev.outboxrelay.relay.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.LayoutBase;

/** {@link Logfmt} as Logback's layout. */
final class LogfmtLayout extends LayoutBase<ILoggingEvent> {

  LogfmtLayout() {
    super();
    start();
  }

  @Override
  public String doLayout(ILoggingEvent event) {
    return Logfmt.line(LogFields.of(event)) + '\n';
  }
}
