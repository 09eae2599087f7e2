package dev.outboxrelay.relay.reload;

import java.util.Optional;
import java.util.SortedSet;

/**
 * What came of a look at the configuration.
 *
 * @param changed names of the settings that are new and in use from now on; empty if none are
 * @param error why others are not, and the way out, without any secret; empty if all is in use
 */
public record Outcome(SortedSet<String> changed, Optional<String> error) {}
