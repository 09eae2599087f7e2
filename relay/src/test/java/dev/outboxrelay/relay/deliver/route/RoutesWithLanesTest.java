package dev.outboxrelay.relay.deliver.route;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class RoutesWithLanesTest {
  private final Set<String> left = new HashSet<>();
  private int looks;
  private long now;

  /** Those of an earlier run have left something; none ever gets its turn. */
  private final class Waiting implements Lanes {
    @Override
    public boolean takeMore() {
      return true;
    }

    @Override
    public Set<String> left() {
      return left;
    }

    @Override
    public long lastParked(String topic) {
      return left.contains(topic) ? 1 : 0;
    }

    @Override
    public boolean isEmpty(String topic, long lastSequence) {
      return false;
    }

    @Override
    public void drain(String topic, Trouble barredBefore) {}

    @Override
    public void close(String topic) {}

    @Override
    public Progress progress(String topic) {
      looks++;
      return new Progress.Waiting();
    }
  }

  /** Has every topic. */
  private record Brokers(int partitions) implements TopicSource {
    @Override
    public void ask(String topic) {}

    @Override
    public int partitionOf(OutboxRecord record, int ofTopic) {
      return ANY;
    }

    @Override
    public int updates() {
      return 0;
    }

    @Override
    public int partitionsNow(String topic) {
      return partitions;
    }

    @Override
    public boolean isConfirmed() {
      return true;
    }
  }

  private Routes routes() {
    return new Routes(new Brokers(3), new Waiting(), 0, now);
  }

  private static OutboxRecord record(String topic) {
    return new OutboxRecord(
        1,
        0,
        1000,
        1,
        new UUID(1, 1),
        topic,
        null,
        new byte[0],
        List.of(),
        null,
        false,
        false,
        null,
        100);
  }

  private Admission admit(Routes routes, String topic) {
    return routes.admit(record(topic), now);
  }

  @Test
  void ofThousandsOfLanesThatAreToDeliverATurnLooksAtAFew() {
    for (int i = 0; i < 10_000; i++) {
      left.add("topic" + i);
    }
    Routes routes = routes();
    left.forEach(topic -> routes.ready(topic, 1, now));
    assertThat(routes.news(now)).isNull();
    assertThat(looks).isBetween(1, 100);
  }

  @Test
  void aParkedTopicThatComesBackWithFewerPartitionsCostsNoSender() {
    Routes routes = routes();
    admit(routes, "a");
    routes.ready("a", 3, now);
    assertThat(admit(routes, "a")).isInstanceOf(Admission.Send.class);
    Verdict missing = new Verdict.PauseTopic("a", PauseReason.TOPIC_MISSING, "missing");
    routes.bar("a", new Trouble(missing, 0, 1), now, now);
    assertThat(admit(routes, "a")).isInstanceOf(Admission.Park.class);
    assertThat(routes.ready("a", 1, now)).isNull();
  }
}
