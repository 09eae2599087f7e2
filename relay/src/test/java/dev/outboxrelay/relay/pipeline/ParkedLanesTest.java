package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.route.Lanes.Progress;
import dev.outboxrelay.relay.settle.Held;
import dev.outboxrelay.relay.settle.ParkedStore;
import dev.outboxrelay.relay.settle.ParkedTopic;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ParkedLanesTest {
  private final Map<String, ParkedTopic> parked = new HashMap<>();
  private final Map<String, Lane> begun = new HashMap<>();
  private final ParkedLanes lanes = new ParkedLanes(new Store(), this::begin, true, () -> 0);

  private Service begin(String topic) {
    Lane lane = new Lane();
    begun.put(topic, lane);
    return lane;
  }

  /** Opens, and ends when it is told to. */
  private static final class Lane implements Service {
    private Stage stage = new Stage.Opening();

    @Override
    public Stage stage() {
      return stage;
    }

    @Override
    public void stop() {
      stage =
          new Stage.Ended(
              new PipelineEnd.Stopped(0, true), Statuses.idle(Path.of("/parked/topic"), 0));
    }
  }

  private final class Store implements ParkedStore {
    @Override
    public boolean add(InFlight record) {
      throw new AssertionError("lanes park nothing");
    }

    @Override
    public void sync() {}

    @Override
    public void settled(String topic) {}

    @Override
    public Held held() {
      return Held.NOTHING;
    }

    @Override
    public ParkedTopic topic(String topic) {
      return parked.getOrDefault(topic, ParkedTopic.EMPTY);
    }

    @Override
    public long lastParked(String topic) {
      return 0;
    }

    @Override
    public Map<String, ParkedTopic> topics() {
      return parked;
    }

    @Override
    public boolean isEmpty(String topic) {
      return topic(topic).isEmpty();
    }

    @Override
    public void close() {}
  }

  private void drain(int from, int to) {
    for (int i = from; i < to; i++) {
      parked.put("topic" + i, new ParkedTopic(1, 0, 100));
      lanes.drain("topic" + i);
    }
  }

  private void lookAtAll() {
    parked.keySet().forEach(lanes::progress);
  }

  @Test
  void aFewDeliverAtATimeAndTheOthersFollow() {
    drain(0, 10);
    lookAtAll();
    assertThat(begun).hasSize(ParkedLanes.MOST_OPEN);
    Map.copyOf(begun).keySet().forEach(lanes::close);
    lookAtAll();
    assertThat(begun).hasSize(2 * ParkedLanes.MOST_OPEN);
  }

  @Test
  void aLaneBeginsWhenItsFirstEventIsThere() {
    lanes.drain("topic");
    assertThat(lanes.progress("topic")).isInstanceOf(Progress.Waiting.class);
    assertThat(begun).isEmpty();
    drain(0, 1);
    lookAtAll();
    assertThat(begun).containsOnlyKeys("topic0");
  }

  @Test
  void whatIsToDeliverAfterTheStopDoesNotHoldThatUp() {
    drain(0, 10);
    lookAtAll();
    lanes.stop();
    drain(10, 11);
    lookAtAll();
    assertThat(lanes.haveEnded()).isTrue();
    assertThat(begun).hasSize(ParkedLanes.MOST_OPEN);
  }
}
