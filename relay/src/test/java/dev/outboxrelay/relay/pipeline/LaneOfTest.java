package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.settle.Origin;
import dev.outboxrelay.relay.settle.ParkedTopic;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LaneOfTest {
  private final FakeParkedStore store = new FakeParkedStore();
  private long nanos;

  private final Origin origin =
      new LaneOf("t", new OutboxPaths(Path.of("/o")), null, store, () -> 0, null, () -> nanos)
          .origin();

  @Test
  void howMuchIsLeftIsLookedAtOnceASecondAndWhenNothingIs() {
    store.topics.put("t", new ParkedTopic(9, 0, 900));
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
