package dev.outboxrelay.relay.cli;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How options are read. */
final class Converters {

  private Converters() {}

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
