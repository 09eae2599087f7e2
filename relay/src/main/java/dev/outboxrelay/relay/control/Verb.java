package dev.outboxrelay.relay.control;

import java.util.Arrays;
import java.util.Optional;

/** What can be asked for. */
public enum Verb {
  REPLAY_LETTERS("dead-letters replay"),
  DISCARD_LETTERS("dead-letters discard"),
  RETRY_TOPIC("parked retry"),
  DISCARD_PARKED("parked discard");

  private final String label;

  Verb(String label) {
    this.label = label;
  }

  /** As the command line has it. */
  public String label() {
    return label;
  }

  static Optional<Verb> of(String label) {
    return Arrays.stream(values()).filter(verb -> verb.label.equals(label)).findFirst();
  }
}
