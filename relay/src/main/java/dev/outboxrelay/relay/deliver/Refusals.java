package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.HashMap;
import java.util.Map;

/**
 * Tells a refused event from a topic that refuses: many events of one topic in a row, for one
 * reason and with no ack between, are hardly the events' fault. For one thread.
 */
final class Refusals {
  private final int most;
  private int before;
  private final Window window;
  private final Map<String, Row> rows = new HashMap<>();

  private record Row(DeadLetterReason reason, int count, long last) {}

  /**
   * No topic refuses yet.
   *
   * @param most how many in a row are taken for refused events; 0 = any number
   * @param before how many were refused already, before anything else is known
   */
  Refusals(int most, int before, Window window) {
    this.most = most;
    this.before = before;
    this.window = window;
  }

  /** The same, or that its topic waits, if this event would be one too many in a row. */
  Verdict judge(InFlight record, Verdict.DeadLetter verdict) {
    if (record.isReplay()) {
      return verdict; // that it was refused before is why it is here
    }
    String topic = record.topic();
    Row last = rows.get(topic);
    boolean goesOn =
        last != null
            && last.reason == verdict.reason()
            && !window.wasAcked(topic, last.last, record.sequence());
    int count = goesOn ? last.count : last == null ? before : 0;
    if (most > 0 && count >= most) {
      return new Verdict.PauseTopic(
          topic,
          PauseReason.REFUSED,
          count
              + " events in a row became dead letters, the next is refused too: "
              + verdict.error());
    }
    rows.put(topic, new Row(verdict.reason(), count + 1, record.sequence()));
    return verdict;
  }

  /** Kafka has a record, and all before it are settled. */
  void delivered(String topic, long sequence) {
    before = 0;
    if (!rows.isEmpty()) {
      rows.computeIfPresent(topic, (any, row) -> row.last < sequence ? null : row);
    }
  }
}
