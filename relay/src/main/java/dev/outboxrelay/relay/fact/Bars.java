package dev.outboxrelay.relay.fact;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * The topics of one outbox that can't be written at one moment. Immutable.
 *
 * @param byReason how many for which reason; 0 for all others
 * @param oldest what is wrong with those that have been barred for longest, at most {@link #SHOWN}
 */
public record Bars(Map<PauseReason, Integer> byReason, List<Trouble> oldest) {
  /** Of thousands of topics nobody wants to be told one by one. */
  public static final int SHOWN = 20;

  public static final Bars NONE = new Bars(Map.of(), List.of());

  public Bars {
    byReason = byReason.isEmpty() ? Map.of() : Collections.unmodifiableMap(new EnumMap<>(byReason));
    oldest = List.copyOf(oldest);
  }

  /** How many topics. */
  public int count() {
    return byReason.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** Since when the one that is barred for longest is, milliseconds since the epoch. */
  public OptionalLong sinceMillis() {
    return oldest.stream().mapToLong(Trouble::sinceMillis).min();
  }

  /** How many topics for one reason. */
  public int count(PauseReason reason) {
    return byReason.getOrDefault(reason, 0);
  }
}
