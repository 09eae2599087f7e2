package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.settle.Origin;
import dev.outboxrelay.relay.settle.ParkedStore;
import dev.outboxrelay.relay.settle.ParkedTopic;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LaneOfTest {
  private final Store store = new Store();
  private long nanos;

  private final Origin origin =
      new LaneOf("t", new OutboxPaths(Path.of("/o")), null, store, () -> 0, null, () -> nanos)
          .origin();

  /** Nine events of one topic. */
  private static final class Store implements ParkedStore {
    private int looks;

    @Override
    public boolean add(InFlight record) {
      throw new AssertionError("lanes park nothing");
    }

    @Override
    public void sync() {}

    @Override
    public void settled(String topic) {
      looks++;
    }

    @Override
    public Held held() {
      return Held.NOTHING;
    }

    @Override
    public ParkedTopic topic(String topic) {
      return new ParkedTopic(9, 0, 900);
    }

    @Override
    public long lastParked(String topic) {
      return 0;
    }

    @Override
    public Map<String, ParkedTopic> topics() {
      return Map.of();
    }

    @Override
    public boolean isEmpty(String topic) {
      return false;
    }

    @Override
    public void close() {}
  }

  @Test
  void howMuchIsLeftIsLookedAtOnceASecondAndWhenNothingIs() {
    origin.saved(1);
    origin.saved(2);
    assertThat(store.looks).isEqualTo(1);
    nanos += TimeUnit.SECONDS.toNanos(1);
    origin.saved(3);
    origin.saved(4);
    assertThat(store.looks).isEqualTo(2);
    origin.saved(9);
    assertThat(store.looks).isEqualTo(3);
  }
}
