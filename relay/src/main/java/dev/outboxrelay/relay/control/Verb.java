package dev.outboxrelay.relay.control;

import java.util.Arrays;
import java.util.Optional;

/** What can be asked for. */
public enum Verb {
  REPLAY_LETTERS("dead-letters replay"),
  DISCARD_LETTERS("dead-letters discard"),
  RETRY_TOPIC("parked retry"),
  DISCARD_PARKED("parked discard"),
  /** The same of those that were replayed, as far as nothing else is before them. */
  DISCARD_REPLAYS("parked discard --replays");

  private final String label;

  Verb(String label) {
    this.label = label;
  }

  /** Whether it gives up what is parked. */
  boolean discardsParked() {
    return this == DISCARD_PARKED || this == DISCARD_REPLAYS;
  }

  /** As the command line has it. */
  public String label() {
    return label;
  }

  static Optional<Verb> of(String label) {
    return Arrays.stream(values()).filter(verb -> verb.label.equals(label)).findFirst();
  }
}
