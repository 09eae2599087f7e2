package dev.outboxrelay.relay.config;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The process's own log, on stderr.
 *
 * @param level the least severe that is written
 * @param levelFile a file that says the level while it is there; empty if none is looked at
 * @param format how a line looks
 */
public record LogSettings(Level level, Optional<Path> levelFile, Format format) {
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
