package dev.outboxrelay.relay.config;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * How many dead letters are kept, and where they go besides.
 *
 * @param limit of an outbox; empty = any number
 * @param policy what becomes of one more
 * @param topic to which they are copied; empty if they are not
 */
public record DeadLetterSettings(OptionalLong limit, Policy policy, Optional<String> topic) {
  /** What becomes of one more. */
  public enum Policy {
    /** It waits, and what stands behind it, until there is room. */
    WAIT,
    /** The oldest are discarded for it. */
    DISCARD_OLDEST
  }

  /** The limit, if one more has to wait there; any number otherwise. */
  public OptionalLong waitsAt() {
    return policy == Policy.WAIT ? limit : OptionalLong.empty();
  }

  /** The limit, if the oldest go beyond it; any number otherwise. */
  public OptionalLong discardsBeyond() {
    return policy == Policy.DISCARD_OLDEST ? limit : OptionalLong.empty();
  }
}
