package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.inspect.Backlog;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/** Snapshots of a pipeline for tests. */
public final class Statuses {
  public static final UUID OUTBOX_ID = new UUID(0x1234, 0x5678);

  private Statuses() {}

  /** Tells the age of what waits, by the queue's files. */
  public static UnsettledAge age(InstantSource clock) {
    return new UnsettledAge(Backlog::oldestAppendMillis, clock);
  }

  /** Nine events appended, seven settled, both others in flight since the given time. */
  public static PipelineStatus withLag(
      Path outbox, DeliveryState state, long tickNanos, OptionalLong oldestUnsettledMillis) {
    return new PipelineStatus(
        outbox,
        OUTBOX_ID,
        1,
        state,
        1_000,
        state.trouble() == null ? List.of() : List.of(state.trouble()),
        tickNanos,
        9,
        7,
        6,
        2_048,
        2,
        2_000,
        oldestUnsettledMillis,
        OptionalLong.of(1_500),
        7,
        0,
        0,
        0,
        0,
        Optional.empty(),
        0,
        1,
        83_886_080);
  }

  /** Everything settled. */
  public static PipelineStatus idle(Path outbox, long tickNanos) {
    return settled(outbox, tickNanos, 7, 0);
  }

  /** Everything settled, after so much was delivered and sent again since the start. */
  public static PipelineStatus counting(Path outbox, long delivered, long retried) {
    return settled(outbox, 0, delivered, retried);
  }

  private static PipelineStatus settled(Path outbox, long tickNanos, long delivered, long retried) {
    return new PipelineStatus(
        outbox,
        OUTBOX_ID,
        1,
        new DeliveryState.Delivering(),
        1_000,
        List.of(),
        tickNanos,
        7,
        7,
        7,
        0,
        0,
        0,
        OptionalLong.empty(),
        OptionalLong.empty(),
        delivered,
        retried,
        0,
        0,
        0,
        Optional.empty(),
        0,
        1,
        83_886_080);
  }
}
