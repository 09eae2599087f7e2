package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * What waits behind the relay's position, by topic.
 *
 * @param topics by name
 * @param events how many were read
 * @param complete false if the limit ended the reading before the end of the queue
 */
public record Backlog(Map<String, Topic> topics, long events, boolean complete) {

  /**
   * What waits for one topic.
   *
   * @param events how many
   * @param oldestTimestamp the smallest timestamp, milliseconds since the epoch
   * @param newestTimestamp the largest timestamp
   * @param largestRecord size of the largest record in the queue, bytes
   * @param withoutKey how many have no key
   * @param highestPartition of those that events name; −1 if none names one
   */
  public record Topic(
      long events,
      long oldestTimestamp,
      long newestTimestamp,
      int largestRecord,
      long withoutKey,
      int highestPartition) {
    private static Topic of(OutboxRecord record) {
      return new Topic(
          1,
          record.timestamp(),
          record.timestamp(),
          record.length(),
          record.key() == null ? 1 : 0,
          record.partition() == null ? -1 : record.partition());
    }

    private Topic and(Topic other) {
      return new Topic(
          events + other.events,
          Math.min(oldestTimestamp, other.oldestTimestamp),
          Math.max(newestTimestamp, other.newestTimestamp),
          Math.max(largestRecord, other.largestRecord),
          withoutKey + other.withoutKey,
          Math.max(highestPartition, other.highestPartition));
    }
  }

  /** What waits there, and here. */
  public Backlog and(Backlog other) {
    Map<String, Topic> both = new TreeMap<>(topics);
    other.topics.forEach((name, topic) -> both.merge(name, topic, Topic::and));
    return new Backlog(both, events + other.events, complete && other.complete);
  }

  /**
   * Reads the first event that waits.
   *
   * @return its append time, milliseconds since the epoch; empty if none waits or can be read
   */
  public static OptionalLong oldestAppendMillis(OutboxPaths paths) throws IOException {
    FoundEvent[] oldest = {null};
    each(
        paths,
        found -> {
          oldest[0] = found;
          return false;
        });
    return oldest[0] == null
        ? OptionalLong.empty()
        : OptionalLong.of(oldest[0].record().appendTime());
  }

  /**
   * Reads it, oldest first.
   *
   * @param limit of events
   */
  public static Backlog read(OutboxPaths paths, long limit) throws IOException {
    Map<String, Topic> topics = new TreeMap<>();
    long[] events = {0};
    boolean[] complete = {true};
    each(
        paths,
        found -> {
          if (events[0] == limit) {
            complete[0] = false;
            return false;
          }
          events[0]++;
          topics.merge(found.record().topic(), Topic.of(found.record()), Topic::and);
          return true;
        });
    return new Backlog(topics, events[0], complete[0]);
  }

  private static void each(OutboxPaths paths, Predicate<FoundEvent> visitor) throws IOException {
    Optional<Position> position = PositionFile.find(paths.position());
    long settled = position.map(Position::sequence).orElse(0L);
    new QueueWalk(paths)
        .from(
            position.map(Position::cycle).orElse(Long.MIN_VALUE),
            position.map(Position::offset).orElse(0L),
            found -> found.record().sequence() <= settled || visitor.test(found));
  }
}
