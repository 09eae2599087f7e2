package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.format.OutboxPaths;
import dev.outboxrelay.client.format.OutboxRecord;
import dev.outboxrelay.client.format.Position;
import dev.outboxrelay.client.format.PositionFile;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

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
   * @param largestRecord size of the largest record in the queue, bytes
   * @param withoutKey how many have no key
   */
  public record Topic(long events, long oldestTimestamp, int largestRecord, long withoutKey) {
    private static Topic of(OutboxRecord record) {
      return new Topic(1, record.timestamp(), record.length(), record.key() == null ? 1 : 0);
    }

    private Topic and(Topic other) {
      return new Topic(
          events + other.events,
          Math.min(oldestTimestamp, other.oldestTimestamp),
          Math.max(largestRecord, other.largestRecord),
          withoutKey + other.withoutKey);
    }
  }

  /**
   * Reads it, oldest first.
   *
   * @param limit of events
   */
  public static Backlog read(OutboxPaths paths, long limit) throws IOException {
    Optional<Position> position = PositionFile.find(paths.position());
    long settled = position.map(Position::sequence).orElse(0L);
    Map<String, Topic> topics = new TreeMap<>();
    long[] events = {0};
    boolean[] complete = {true};
    new QueueWalk(paths)
        .from(
            position.map(Position::cycle).orElse(Long.MIN_VALUE),
            position.map(Position::offset).orElse(0L),
            found -> {
              OutboxRecord record = found.record();
              if (record.sequence() <= settled) {
                return true;
              }
              if (events[0] == limit) {
                complete[0] = false;
                return false;
              }
              events[0]++;
              topics.merge(record.topic(), Topic.of(record), Topic::and);
              return true;
            });
    return new Backlog(topics, events[0], complete[0]);
  }
}
