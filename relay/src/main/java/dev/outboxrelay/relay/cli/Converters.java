package dev.outboxrelay.relay.cli;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How options are read. */
final class Converters {

  private Converters() {}

  /** How many, at most; 0 = any number. */
  static final class Limit implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      return number(text, 0, Long.MAX_VALUE);
    }
  }

  /** A number of seconds that somebody may wait. */
  static final class Seconds implements ITypeConverter<Duration> {
    private static final long MOST = Duration.ofDays(365).toSeconds();

    @Override
    public Duration convert(String text) {
      return Duration.ofSeconds(number(text, 1, MOST));
    }
  }

  /** How many there are to be. */
  static final class Count implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      return (int) number(text, 1, Integer.MAX_VALUE);
    }
  }

  /** The same of what Kafka counts in two bytes. */
  static final class ShortCount implements ITypeConverter<Short> {
    @Override
    public Short convert(String text) {
      return (short) number(text, 1, Short.MAX_VALUE);
    }
  }

  private static long number(String text, long least, long most) {
    try {
      long number = Long.parseLong(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // nor is it then
    }
    throw new TypeConversionException(
        "'" + text + "' is no whole number from " + least + " to " + most);
  }

  /** A Chronicle index, decimal or with 0x. */
  static final class Index implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      long index = Long.decode(text);
      if (index < 0) {
        throw new TypeConversionException("'" + text + "' is negative");
      }
      return index;
    }
  }

  /** ISO 8601 with an offset or Z, or milliseconds since the epoch. */
  static final class Time implements ITypeConverter<Instant> {
    @Override
    public Instant convert(String text) {
      try {
        return text.matches("[0-9]+")
            ? Instant.ofEpochMilli(Long.parseLong(text))
            : OffsetDateTime.parse(text).toInstant();
      } catch (DateTimeException | NumberFormatException e) {
        throw new TypeConversionException(
            "'" + text + "' is neither like 2026-11-24T05:00:00Z nor milliseconds");
      }
    }
  }
}
