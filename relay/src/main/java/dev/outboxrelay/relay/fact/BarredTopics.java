package dev.outboxrelay.relay.fact;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which topics of one outbox can't be written, by what is told. Told on one thread, read from any.
 */
final class BarredTopics {
  /** In the order in which they were barred. */
  private final Map<String, Trouble> barred = new LinkedHashMap<>();

  private final Map<PauseReason, Integer> byReason = new EnumMap<>(PauseReason.class);
  private volatile Bars now = Bars.NONE;

  void barred(String topic, Trouble trouble) {
    count(barred.put(topic, trouble), -1);
    count(trouble, 1);
    show();
  }

  void opened(String topic) {
    count(barred.remove(topic), -1);
    show();
  }

  /** Nobody looks at them any more. */
  void clear() {
    barred.clear();
    byReason.clear();
    show();
  }

  private void count(Trouble trouble, int by) {
    if (trouble != null && trouble.cause() instanceof Verdict.PauseTopic pause) {
      byReason.merge(pause.reason(), by, Integer::sum);
    }
  }

  private void show() {
    now = new Bars(byReason, barred.values().stream().limit(Bars.SHOWN).toList());
  }

  Bars now() {
    return now;
  }
}
