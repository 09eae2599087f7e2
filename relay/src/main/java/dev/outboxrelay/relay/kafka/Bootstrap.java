package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Where brokers are looked for, and who was found there that is none.
 *
 * @param settings as they were configured
 * @param strangers by address, what answers there; whoever is silent is none
 */
record Bootstrap(KafkaSettings settings, SortedMap<String, String> strangers) {
  Bootstrap {
    strangers = new TreeMap<>(strangers);
  }

  /** Null while there is an address where a broker may be. */
  Verdict refusal() {
    return isUsable() ? null : new Verdict.PauseAll(PauseReason.FOREIGN_PEER, complaint());
  }

  private boolean isUsable() {
    return !strangers.keySet().containsAll(settings.bootstrapAddresses());
  }

  /** Who the strangers are; null if there are none. */
  String complaint() {
    return strangers.isEmpty() ? null : told(strangers);
  }

  private static String told(Map<String, String> strangers) {
    return strangers.entrySet().stream()
        .map(stranger -> stranger.getKey() + " " + stranger.getValue())
        .collect(Collectors.joining("; "));
  }

  /** The settings for a client that shall meet none of them. */
  KafkaSettings usable() {
    return strangers.isEmpty() ? settings : settings.withoutAddresses(strangers.keySet());
  }

  /** Whether a stranger is gone since. */
  boolean isBetter(Bootstrap now) {
    return !now.strangers.keySet().containsAll(strangers.keySet());
  }

  /** What it means for a client that was made with these that others are found now; or null. */
  Verdict after(Bootstrap now) {
    if (now.refusal() != null) {
      return now.refusal();
    }
    SortedMap<String, String> unknown = new TreeMap<>(now.strangers);
    unknown.keySet().removeAll(strangers.keySet());
    return unknown.isEmpty() ? null : new Verdict.RebuildAndRewind(told(unknown));
  }
}
