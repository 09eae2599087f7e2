package dev.outboxrelay.relay.http;

import dev.outboxrelay.relay.config.HttpAddress;

/** The relay can't listen where it was told to. */
public final class HttpUnavailable extends RuntimeException {
  private static final long serialVersionUID = 1L;

  HttpUnavailable(String setting, HttpAddress address, String why, Throwable cause) {
    super(
        setting + "=" + address + ": can't listen there: " + why + "; give another address, or off",
        cause);
  }
}
