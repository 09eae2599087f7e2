package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.deadletter.Letter;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * Moves the events of dead letters to the lanes of their topics, once each. A topic that takes none
 * is its own letters' fate alone. For one thread.
 */
final class Replay {
  /** What fails once, like a lock that is held for long, need not fail again. */
  private static final int TRIES = 3;

  private final Workplace place;
  private final Request request;

  /** What a topic holds already of these dead letters. */
  private final Map<String, Set<Long>> there = new HashMap<>();

  /** What is wrong with topics that take nothing. */
  private final Map<String, String> broken = new HashMap<>();

  /** The letters of this batch, by the topics that they went to. */
  private final Map<String, List<Moved>> batch = new LinkedHashMap<>();

  /** Whether some may be there that are not marked: an earlier try was broken off. */
  private boolean again;

  private record Moved(long number, Source source) {}

  Replay(Workplace place, Request request, boolean again) {
    this.place = place;
    this.request = request;
    this.again = again;
  }

  private String topicOf(OutboxRecord event) {
    return request.topic() == null ? event.topic() : request.topic();
  }

  /** Adds one to the batch, unless it can't be replayed. */
  void add(Letter letter, UUID deadLetters, Skipped skipped) {
    OutboxRecord event = letter.event().orElse(null);
    Source source = letter.source().orElse(null);
    String refusal = refusal(event, source);
    if (refusal != null) {
      skipped.refused(refusal);
      return;
    }
    String topic = topicOf(event);
    if (isLost(letter, source)) {
      source = source.ofNobody();
    }
    Source by = source.replayedBy(new Source.Letter(deadLetters, letter.number(), round(source)));
    try {
      boolean done = tried(topic, () -> move(topic, moved(event, topic), by));
      if (done) {
        batch.computeIfAbsent(topic, any -> new ArrayList<>()).add(new Moved(letter.number(), by));
      } else {
        skipped.failed(broken.get(topic));
      }
    } catch (EventTooLarge | InvalidEvent e) {
      skipped.refused(e.getMessage());
    }
  }

  private String refusal(OutboxRecord event, Source source) {
    if (event == null || source == null) {
      return "its bytes are damaged";
    }
    String topic = topicOf(event);
    if (RecordLimits.INTERNAL_TOPICS.contains(topic)) {
      return "topic " + topic + " is kept by the brokers: name another one";
    } else if (!RecordLimits.isTopicName(topic)) {
      return "its topic is no topic's name: name another one";
    }
    return event.timestamp() < 0 && !request.timestampNow() ? "its timestamp is negative" : null;
  }

  /** Whether the main queue has lost an event that a lane gave up. */
  private boolean isLost(Letter letter, Source source) {
    OutboxRecord kept = letter.kept().orElseThrow();
    return Source.of(kept) != null
        && source.isOf(place.identity())
        && place.parked().isLost(kept.topic(), kept.sequence(), source.sequence());
  }

  private interface Attempt {
    void make() throws IOException;
  }

  /** Whether a topic's outbox did that; what is wrong with one that does not is kept in mind. */
  private boolean tried(String topic, Attempt attempt) {
    for (int tries = 1; !broken.containsKey(topic); tries++) {
      try {
        attempt.make();
        return true;
      } catch (EventTooLarge | InvalidEvent e) {
        throw e;
      } catch (IOException | OutboxError e) {
        there.remove(topic);
        again = true; // it may be there all the same
        if (tries == TRIES) {
          broken.put(topic, "topic " + topic + ": " + e.getMessage());
        }
      }
    }
    return false;
  }

  private void move(String topic, OutboxRecord event, Source by) throws IOException {
    UUID deadLetters = by.letter().deadLetters();
    place.parked().lanes().hold(request.id(), topic);
    if (again && !there.containsKey(topic)) {
      there.put(
          topic,
          place.parked().replays(topic, letter -> letter.deadLetters().equals(deadLetters)).stream()
              .map(source -> source.letter().number())
              .collect(Collectors.toSet()));
    }
    if (!there.getOrDefault(topic, Set.of()).contains(by.letter().number())) {
      place.parked().replay(topic, event, by);
    }
  }

  private static int round(Source source) {
    return source.isReplay() ? source.letter().round() + 1 : 1;
  }

  /** The partition is one of its own topic. Where it was meant to go at first is kept. */
  private OutboxRecord moved(OutboxRecord event, String topic) {
    boolean elsewhere = !topic.equals(event.topic());
    if (!elsewhere && !request.timestampNow()) {
      return event;
    }
    List<EventHeader> headers = new ArrayList<>(event.headers());
    if (request.timestampNow() && hasNone(headers, OriginalPlace.TIMESTAMP)) {
      headers.add(EventHeader.of(OriginalPlace.TIMESTAMP, Long.toString(event.timestamp())));
    }
    if (elsewhere && hasNone(headers, OriginalPlace.TOPIC)) {
      headers.add(EventHeader.of(OriginalPlace.TOPIC, event.topic()));
      if (event.partition() != null) {
        headers.add(EventHeader.of(OriginalPlace.PARTITION, event.partition().toString()));
      }
    }
    return new OutboxRecord(
        event.sequence(),
        event.entry(),
        event.appendTime(),
        request.timestampNow() ? place.like().clock().millis() : event.timestamp(),
        event.eventId(),
        topic,
        event.key(),
        event.value(),
        headers,
        elsewhere ? null : event.partition(),
        event.batch(),
        event.continued(),
        event.prologue(),
        event.length());
  }

  private static boolean hasNone(List<EventHeader> headers, String name) {
    return headers.stream().noneMatch(header -> header.name().equals(name));
  }

  /**
   * What of the batch is durable when it returns, and clients are told.
   *
   * @return the numbers of these letters
   */
  List<Long> finishBatch(Skipped skipped) throws IOException {
    List<Long> numbers = new ArrayList<>();
    List<OutcomesFile.Range> outcomes = new ArrayList<>();
    for (Map.Entry<String, List<Moved>> each : batch.entrySet()) {
      String topic = each.getKey();
      boolean safe = tried(topic, () -> place.parked().syncOf(topic));
      for (Moved moved : each.getValue()) {
        if (safe) {
          numbers.add(moved.number());
          tell(moved.source(), outcomes);
        } else {
          skipped.failed(broken.get(topic));
        }
      }
    }
    place.outcomes().append(outcomes);
    numbers.sort(Long::compare);
    return numbers;
  }

  private void tell(Source source, List<OutcomesFile.Range> outcomes) {
    if (source.isOf(place.identity()) && source.sequence() <= place.saved().getAsLong()) {
      outcomes.add(
          new OutcomesFile.Range(source.sequence(), source.sequence(), DeliveryOutcome.PARKED));
    }
  }

  /** The batch comes once more. */
  void failed() {
    again = true;
    there.clear();
    batch.clear();
  }

  /** The batch is marked: its lanes have something to deliver. */
  void marked() {
    batch.keySet().forEach(place.parked().lanes()::tellReplayed);
    batch.clear();
  }
}
