package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.deadletter.Letter;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Moves the events of dead letters to the lanes of their topics, once each. For one thread. */
final class Replay {
  private final Workplace place;
  private final String toTopic; // null = each one's own

  /** What a topic holds already of these dead letters. */
  private final Map<String, Set<Long>> there = new HashMap<>();

  private final Set<String> topics = new HashSet<>();
  private final List<OutcomesFile.Range> outcomes = new ArrayList<>();

  /** Whether some may be there that are not marked: an earlier try was broken off. */
  private boolean again;

  Replay(Workplace place, String toTopic, boolean again) {
    this.place = place;
    this.toTopic = toTopic;
    this.again = again;
  }

  /** Adds one to the batch; false if it can't be replayed. */
  boolean add(Letter letter, UUID deadLetters, Skipped skipped) throws IOException {
    OutboxRecord event = letter.event().orElse(null);
    Source source = letter.source().orElse(null);
    String refusal = refusal(event, source);
    if (refusal != null) {
      skipped.refused(refusal);
      return false;
    }
    String topic = toTopic == null ? event.topic() : toTopic;
    if (again && !there.containsKey(topic)) {
      there.put(topic, place.parked().replayed(topic, deadLetters));
    }
    if (!there.getOrDefault(topic, Set.of()).contains(letter.number())) {
      Source by = source.replayedBy(new Source.Letter(deadLetters, letter.number()));
      try {
        place.parked().replay(topic, moved(event, topic), by);
      } catch (EventTooLarge | InvalidEvent e) {
        skipped.refused(e.getMessage());
        return false;
      }
    }
    topics.add(topic);
    if (source.isOf(place.identity()) && source.sequence() <= place.saved().getAsLong()) {
      outcomes.add(
          new OutcomesFile.Range(source.sequence(), source.sequence(), DeliveryOutcome.PARKED));
    }
    return true;
  }

  private String refusal(OutboxRecord event, Source source) {
    if (event == null || source == null) {
      return "its bytes are damaged";
    }
    String topic = toTopic == null ? event.topic() : toTopic;
    if (RecordLimits.INTERNAL_TOPICS.contains(topic)) {
      return "topic " + topic + " is kept by the brokers: name another one";
    } else if (!RecordLimits.isTopicName(topic)) {
      return "its topic is no topic's name: name another one";
    }
    return event.timestamp() < 0 ? "its timestamp is negative" : null;
  }

  /** The partition is one of its own topic. */
  private static OutboxRecord moved(OutboxRecord event, String topic) {
    if (topic.equals(event.topic())) {
      return event;
    }
    return new OutboxRecord(
        event.sequence(),
        event.entry(),
        event.appendTime(),
        event.timestamp(),
        event.eventId(),
        topic,
        event.key(),
        event.value(),
        event.headers(),
        null,
        event.batch(),
        event.continued(),
        event.prologue(),
        event.length());
  }

  /** All of the batch is durable when it returns, and clients are told. */
  void finishBatch() throws IOException {
    for (String topic : topics) {
      place.parked().syncOf(topic);
    }
    place.outcomes().append(outcomes);
    outcomes.clear();
  }

  /** The batch comes once more. */
  void failed() {
    again = true;
    there.clear();
    outcomes.clear();
  }

  /** Lanes have something to deliver. */
  void tell() {
    topics.forEach(place.parked()::tellReplayed);
    topics.clear();
  }
}
