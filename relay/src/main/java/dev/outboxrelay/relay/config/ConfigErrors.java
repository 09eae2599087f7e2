package dev.outboxrelay.relay.config;

import java.util.List;

/** Everything that is wrong with a configuration, found in one go. */
public final class ConfigErrors extends RuntimeException {
  private final transient List<String> errors;

  ConfigErrors(List<String> errors) {
    super(String.join("\n", errors));
    this.errors = List.copyOf(errors);
  }

  /**
   * One line per error: the name, the value unless it is a secret, and the way out. Never empty.
   */
  public List<String> errors() {
    return errors;
  }
}
