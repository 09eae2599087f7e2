package dev.outboxrelay.relay.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import dev.outboxrelay.relay.config.LogSettings;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Consumer;
import org.slf4j.LoggerFactory;

/** Sets the process's log up. */
public final class Logging {
  static final String OUR_LOGGERS = "dev.outboxrelay";
  private static final Duration REPEAT_INTERVAL = Duration.ofMinutes(1);

  /** Lines of a few minutes of the worst; little beside the heap. */
  private static final long PIPE_BYTES = 1 << 20;

  /** For what still waits when the process ends; a reader that reads needs a moment. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(1);

  private static volatile LogPipe pipe;

  private Logging() {}

  /**
   * Replaces whatever set-up there is. Libraries are heard from WARN on, and say the same thing at
   * most once a minute: Kafka's client would write lines for every attempt of an outage.
   */
  public static void start(LogSettings settings) {
    ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
    console.setTarget("System.err");
    console.setEncoder(encoder(settings));
    use(console, settings);
  }

  /**
   * The same for a process that must go on while nobody reads what it writes: from now on no thread
   * waits for stderr, nor for stdout, which a service manager joins with it.
   *
   * @param outOfMemory told the message when somebody logs such an error: libraries keep it to
   *     themselves otherwise
   */
  public static void startUnblocked(LogSettings settings, Consumer<String> outOfMemory) {
    LogPipe opened =
        new LogPipe(new FileOutputStream(FileDescriptor.err), PIPE_BYTES, Logging::tell);
    Thread writer = new Thread(opened::run, "log");
    writer.setDaemon(true);
    writer.start();
    pipe = opened;
    System.setErr(lines(opened));
    System.setOut(lines(opened));
    use(new PipeAppender(encoder(settings), opened::offer, outOfMemory), settings);
  }

  private static PrintStream lines(LogPipe to) {
    OutputStream lines = new LinesOut(to::offer);
    return new PrintStream(lines, true, StandardCharsets.UTF_8);
  }

  private static void tell(long lines) {
    LoggerFactory.getLogger(Logging.class)
        .atWarn()
        .addKeyValue("lines", lines)
        .addKeyValue("do", "see why nobody read the relay's stderr in time")
        .log("log lines dropped");
  }

  /** Lines that nobody read in time, since the start of the process. */
  public static long droppedLines() {
    LogPipe opened = pipe;
    return opened == null ? 0 : opened.dropped();
  }

  /** Before the process ends: gives what was logged a moment to be read. */
  public static void lastWords() {
    LogPipe opened = pipe;
    if (opened != null) {
      try {
        opened.drain(LAST_WORDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static Encoder<ILoggingEvent> encoder(LogSettings settings) {
    LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
    encoder.setContext(context());
    encoder.setCharset(StandardCharsets.UTF_8);
    encoder.setLayout(
        switch (settings.format()) {
          case LOGFMT -> new LogfmtLayout();
          case JSON -> new JsonLayout();
        });
    encoder.start();
    return encoder;
  }

  private static void use(Appender<ILoggingEvent> appender, LogSettings settings) {
    LoggerContext context = context();
    context.reset();
    appender.setContext(context);
    appender.addFilter(new RepeatFilter(OUR_LOGGERS, REPEAT_INTERVAL, System::nanoTime));
    appender.start();
    context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).addAppender(appender);
    setLevel(settings.level());
    // It warns that it can't pin threads without JNA, which is left out.
    context.getLogger("net.openhft.affinity").setLevel(Level.ERROR);
  }

  /** From now on. Thread-safe. */
  public static void setLevel(LogSettings.Level least) {
    LoggerContext context = context();
    Level level = Level.toLevel(least.name());
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(level.isGreaterOrEqual(Level.WARN) ? level : Level.WARN);
    context.getLogger(OUR_LOGGERS).setLevel(level);
  }

  private static LoggerContext context() {
    return (LoggerContext) LoggerFactory.getILoggerFactory();
  }
}
