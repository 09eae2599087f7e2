package dev.outboxrelay.relay.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.filter.Filter;
import ch.qos.logback.core.spi.FilterReply;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.slf4j.event.KeyValuePair;

/**
 * Lets a library say the same thing once per interval, and then with the number of lines that were
 * held back. The same thing is the same logger, level and message, whatever its values and numbers.
 */
final class RepeatFilter extends Filter<ILoggingEvent> {
  private static final int MOST_REMEMBERED = 256;
  private static final Pattern NUMBER = Pattern.compile("[0-9]+");

  private final String exempt;
  private final long intervalNanos;
  private final LongSupplier nanoClock;
  private final Map<String, Said> said =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Said> eldest) {
          return size() > MOST_REMEMBERED;
        }
      };

  private static final class Said {
    private final long atNanos;
    private long heldBack;

    Said(long atNanos) {
      this.atNanos = atNanos;
    }
  }

  /**
   * Makes a filter.
   *
   * @param exempt prefix of the loggers that are never held back
   * @param interval between two lines that say the same
   * @param nanoClock a monotonic clock
   */
  RepeatFilter(String exempt, Duration interval, LongSupplier nanoClock) {
    this.exempt = exempt;
    this.intervalNanos = interval.toNanos();
    this.nanoClock = nanoClock;
    start();
  }

  @Override
  public FilterReply decide(ILoggingEvent event) {
    if (event.getLoggerName().startsWith(exempt)) {
      return FilterReply.NEUTRAL;
    }
    String what = event.getLoggerName() + ' ' + event.getLevel() + ' ' + form(event.getMessage());
    long now = nanoClock.getAsLong();
    long heldBack;
    synchronized (said) {
      Said last = said.get(what);
      if (last != null && now - last.atNanos < intervalNanos) {
        last.heldBack++;
        return FilterReply.DENY;
      }
      heldBack = last == null ? 0 : last.heldBack;
      said.put(what, new Said(now));
    }
    if (heldBack > 0 && event instanceof LoggingEvent mutable) {
      mutable.addKeyValuePair(new KeyValuePair("held_back", heldBack));
    }
    return FilterReply.NEUTRAL;
  }

  /** Some messages come with their numbers filled in, like that of a request. */
  private static String form(String message) {
    return NUMBER.matcher(String.valueOf(message)).replaceAll("#");
  }
}
