package dev.outboxrelay.relay.config;

/**
 * The process's own log, on stderr.
 *
 * @param level the least severe that is written
 * @param format how a line looks
 */
public record LogSettings(Level level, Format format) {
  /** Severity, most severe first. */
  public enum Level {
    ERROR,
    WARN,
    INFO,
    DEBUG
  }

  /** One event per line in either form. */
  public enum Format {
    /** {@code key=value} pairs. */
    LOGFMT,
    /** One JSON object. */
    JSON
  }
}
