package dev.outboxrelay.relay.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import dev.outboxrelay.relay.secret.SecretWords;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.slf4j.event.KeyValuePair;

/**
 * What a line says, in order: {@code ts, level, event, logger (a library's), what the thread is
 * about, key-values, error}.
 */
final class LogFields {
  private static final DateTimeFormatter TIMESTAMP =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter(Locale.ROOT);

  private LogFields() {}

  static Map<String, Object> of(ILoggingEvent event) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("ts", TIMESTAMP.format(Instant.ofEpochMilli(event.getTimeStamp())));
    fields.put("level", event.getLevel().toString().toLowerCase(Locale.ROOT));
    if (event.getLoggerName().startsWith(Logging.OUR_LOGGERS)) {
      fields.put("event", event.getFormattedMessage());
    } else {
      fields.put("event", SecretWords.OF_THIS_PROCESS.scrub(event.getFormattedMessage()));
      fields.put("logger", event.getLoggerName());
    }
    fields.putAll(event.getMDCPropertyMap());
    if (event.getKeyValuePairs() != null) {
      for (KeyValuePair pair : event.getKeyValuePairs()) {
        fields.put(pair.key, pair.value);
      }
    }
    IThrowableProxy thrown = event.getThrowableProxy();
    if (thrown != null) {
      String message = SecretWords.OF_THIS_PROCESS.scrub(thrown.getMessage());
      fields.put("error", thrown.getClassName() + ": " + message);
      if (event.getLevel().isGreaterOrEqual(Level.ERROR)) {
        fields.put("stack", SecretWords.OF_THIS_PROCESS.scrub(ThrowableProxyUtil.asString(thrown)));
      }
    }
    return fields;
  }
}
