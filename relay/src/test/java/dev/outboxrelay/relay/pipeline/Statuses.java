package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.files.FailureCounters;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Standing;
import dev.outboxrelay.relay.fact.Bars;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.sync.OutboxSync;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/** Snapshots of a pipeline for tests. */
public final class Statuses {
  public static final UUID OUTBOX_ID = new UUID(0x1234, 0x5678);

  private Statuses() {}

  private static Look look(long settled) {
    return look(settled, OptionalLong.empty());
  }

  private static Look look(long settled, OptionalLong oldest) {
    return look(settled, oldest, Map.of());
  }

  private static Look look(
      long settled, OptionalLong oldest, Map<FailureCounters.Reason, Long> refused) {
    return new Look(0, 9, 0, 1, 83_886_080, settled, oldest, 1L << 40, 2L << 40, refused);
  }

  /** The clients refused so many appends. */
  public static PipelineStatus refusing(Path outbox, Map<FailureCounters.Reason, Long> refused) {
    return settled(outbox, 0, 7, 0, look(7, OptionalLong.empty(), refused));
  }

  /** Nine events appended, seven settled, both others only in the queue, as a look has found. */
  public static PipelineStatus seenBehind(Path outbox, long settledThen, OptionalLong oldest) {
    PipelineStatus read = withLag(outbox, new DeliveryState.Delivering(), 0, OptionalLong.empty());
    return new PipelineStatus(
        outbox,
        OUTBOX_ID,
        1,
        read.state(),
        read.stateSinceMillis(),
        List.of(),
        Bars.NONE,
        0,
        9,
        7,
        6,
        2_048,
        0,
        0,
        OptionalLong.empty(),
        OptionalLong.empty(),
        7,
        0,
        0,
        0,
        0,
        Optional.empty(),
        0,
        OutboxSync.Unsynced.NOTHING,
        Held.NOTHING,
        OptionalLong.empty(),
        look(settledThen, oldest));
  }

  /** Nine events appended, seven settled, both others in flight since the given time. */
  public static PipelineStatus withLag(
      Path outbox, DeliveryState state, long tickNanos, OptionalLong oldestUnsettledMillis) {
    return withLag(outbox, new Standing(state, null), tickNanos, oldestUnsettledMillis);
  }

  /** The same. */
  public static PipelineStatus withLag(
      Path outbox, Standing state, long tickNanos, OptionalLong oldestUnsettledMillis) {
    return new PipelineStatus(
        outbox,
        OUTBOX_ID,
        1,
        state,
        1_000,
        state.trouble() == null ? List.of() : List.of(state.trouble()),
        Bars.NONE,
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
        OutboxSync.Unsynced.NOTHING,
        Held.NOTHING,
        OptionalLong.empty(),
        look(7));
  }

  /** Everything settled. */
  public static PipelineStatus idle(Path outbox, long tickNanos) {
    return settled(outbox, tickNanos, 7, 0);
  }

  /** The same, of an outbox with another identity. */
  public static PipelineStatus idle(Path outbox, UUID id) {
    return settled(outbox, id, 0, 7, 0, look(7));
  }

  /** Everything settled, after so much was delivered and sent again since the start. */
  public static PipelineStatus counting(Path outbox, long delivered, long retried) {
    return settled(outbox, 0, delivered, retried);
  }

  /** The same, with something wrong. */
  public static PipelineStatus troubled(PipelineStatus status, Trouble trouble) {
    return troubled(status, List.of(trouble), status.bars());
  }

  /** The same, with topics that can't be written. */
  public static PipelineStatus barred(PipelineStatus status, Bars bars) {
    List<Trouble> troubles = new ArrayList<>(status.troubles());
    bars.oldest().stream().filter(bar -> !troubles.contains(bar)).forEach(troubles::add);
    return troubled(status, troubles, bars);
  }

  /** The same, with events that are parked. */
  public static PipelineStatus parked(PipelineStatus status, Held parked) {
    return troubled(status, status.troubles(), status.bars(), parked);
  }

  private static PipelineStatus troubled(PipelineStatus status, List<Trouble> troubles, Bars bars) {
    return troubled(status, troubles, bars, status.parked());
  }

  private static PipelineStatus troubled(
      PipelineStatus status, List<Trouble> troubles, Bars bars, Held parked) {
    return new PipelineStatus(
        status.outbox(),
        status.outboxId(),
        status.generation(),
        status.state(),
        status.stateSinceMillis(),
        troubles,
        bars,
        status.tickNanos(),
        status.appendedSequence(),
        status.settledSequence(),
        status.savedSequence(),
        status.lagBytes(),
        status.inFlightEvents(),
        status.inFlightBytes(),
        status.oldestUnsettledMillis(),
        status.lastDeliveryMillis(),
        status.delivered(),
        status.retried(),
        status.deadLetters(),
        status.quarantined(),
        status.missing(),
        status.cluster(),
        status.clusterChanges(),
        status.unsynced(),
        parked,
        status.uncopiedLetters(),
        status.look());
  }

  private static PipelineStatus settled(Path outbox, long tickNanos, long delivered, long retried) {
    return settled(outbox, tickNanos, delivered, retried, look(7));
  }

  private static PipelineStatus settled(
      Path outbox, long tickNanos, long delivered, long retried, Look look) {
    return settled(outbox, OUTBOX_ID, tickNanos, delivered, retried, look);
  }

  /** Everything up to a sequence settled and saved. */
  public static PipelineStatus settledAt(Path outbox, long sequence) {
    return settled(outbox, OUTBOX_ID, 0, sequence, 0, look(sequence), sequence);
  }

  /** Settled up to one sequence, saved up to another. */
  public static PipelineStatus at(Path outbox, long settled, long saved, List<Trouble> troubles) {
    PipelineStatus there = settledAt(outbox, settled);
    return new PipelineStatus(
        outbox,
        OUTBOX_ID,
        1,
        there.state(),
        there.stateSinceMillis(),
        troubles,
        Bars.NONE,
        0,
        settled,
        settled,
        saved,
        0,
        0,
        0,
        OptionalLong.empty(),
        OptionalLong.empty(),
        0,
        0,
        0,
        0,
        0,
        Optional.empty(),
        0,
        OutboxSync.Unsynced.NOTHING,
        Held.NOTHING,
        OptionalLong.empty(),
        there.look());
  }

  private static PipelineStatus settled(
      Path outbox, UUID id, long tickNanos, long delivered, long retried, Look look) {
    return settled(outbox, id, tickNanos, delivered, retried, look, 7);
  }

  private static PipelineStatus settled(
      Path outbox,
      UUID id,
      long tickNanos,
      long delivered,
      long retried,
      Look look,
      long sequence) {
    return new PipelineStatus(
        outbox,
        id,
        1,
        new Standing(new DeliveryState.Delivering(), null),
        1_000,
        List.of(),
        Bars.NONE,
        tickNanos,
        sequence,
        sequence,
        sequence,
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
        OutboxSync.Unsynced.NOTHING,
        Held.NOTHING,
        OptionalLong.empty(),
        look);
  }
}
