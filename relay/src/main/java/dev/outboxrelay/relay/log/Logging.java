package dev.outboxrelay.relay.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import dev.outboxrelay.relay.config.LogSettings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.slf4j.LoggerFactory;

/** Sets the process's log up. */
public final class Logging {
  static final String OUR_LOGGERS = "dev.outboxrelay";
  private static final Duration REPEAT_INTERVAL = Duration.ofMinutes(1);

  private Logging() {}

  /**
   * Replaces whatever set-up there is. Libraries are heard from WARN on, and say the same thing at
   * most once a minute: Kafka's client would write lines for every attempt of an outage.
   */
  public static void start(LogSettings settings) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();

    LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
    encoder.setContext(context);
    encoder.setCharset(StandardCharsets.UTF_8);
    encoder.setLayout(
        switch (settings.format()) {
          case LOGFMT -> new LogfmtLayout();
          case JSON -> new JsonLayout();
        });
    encoder.start();

    ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
    appender.setContext(context);
    appender.setTarget("System.err");
    appender.setEncoder(encoder);
    appender.addFilter(new RepeatFilter(OUR_LOGGERS, REPEAT_INTERVAL, System::nanoTime));
    appender.start();

    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.addAppender(appender);
    setLevel(settings.level());
    // It warns that it can't pin threads without JNA, which is left out.
    context.getLogger("net.openhft.affinity").setLevel(Level.ERROR);
  }

  /** From now on. Thread-safe. */
  public static void setLevel(LogSettings.Level least) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    Level level = Level.toLevel(least.name());
    context
        .getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)
        .setLevel(level.isGreaterOrEqual(Level.WARN) ? level : Level.WARN);
    context.getLogger(OUR_LOGGERS).setLevel(level);
  }
}
