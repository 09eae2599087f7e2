package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.Standing;
import dev.outboxrelay.relay.fact.Bars;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.sync.OutboxSync.Unsynced;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * A pipeline at one moment. Immutable.
 *
 * @param outbox the outbox's directory
 * @param outboxId its identity
 * @param generation grows when an operator adopts a copied outbox
 * @param state where delivery stands; {@code state.label()} is its stable name
 * @param stateSinceMillis when it got there, milliseconds since the epoch
 * @param troubles all that is wrong; what keeps events from being delivered first
 * @param bars the topics that can't be written
 * @param tickNanos {@code System.nanoTime()} of the loop's last turn: old if it is stuck
 * @param appendedSequence the last sequence that a writer gave; 0 = none
 * @param settledSequence everything up to it is delivered, dead-lettered or quarantined
 * @param savedSequence the same, as saved to disk: a restart goes on behind it
 * @param lagBytes bytes appended and not settled
 * @param inFlightEvents handed to Kafka's client and not settled
 * @param inFlightBytes their size
 * @param oldestUnsettledMillis append time of the oldest event that was read and is not settled;
 *     empty if there is none
 * @param lastDeliveryMillis when Kafka acked last; empty = not since the start
 * @param delivered events acked since the outbox is watched, repeated ones included
 * @param retried events that a rewind made to be sent again, since the start
 * @param deadLetters dead letters made since the start
 * @param quarantined corrupt records and regions set aside since the start
 * @param missing sequences found missing since the start
 * @param cluster id of the cluster to which events go; empty if it is not known
 * @param clusterChanges how often another cluster was found at Kafka's address since the start
 * @param unsynced what a power cut could cost now
 * @param parked events that are settled here and wait in their topics' lanes
 * @param uncopiedLetters dead letters that are not in their topic yet; empty if none is to be there
 * @param look what its files said when they were last looked at
 */
public record PipelineStatus(
    Path outbox,
    UUID outboxId,
    long generation,
    Standing state,
    long stateSinceMillis,
    List<Trouble> troubles,
    Bars bars,
    long tickNanos,
    long appendedSequence,
    long settledSequence,
    long savedSequence,
    long lagBytes,
    int inFlightEvents,
    long inFlightBytes,
    OptionalLong oldestUnsettledMillis,
    OptionalLong lastDeliveryMillis,
    long delivered,
    long retried,
    long deadLetters,
    long quarantined,
    long missing,
    Optional<String> cluster,
    long clusterChanges,
    Unsynced unsynced,
    Held parked,
    OptionalLong uncopiedLetters,
    Look look) {

  /** What somebody should look at first; empty if all is well. */
  public Optional<Trouble> trouble() {
    return troubles.stream().findFirst();
  }

  /** Events appended and not settled. */
  public long lagEvents() {
    return Math.max(0, appendedSequence - settledSequence);
  }

  /** Cycle files in the queue. */
  public int cycles() {
    return look.cycles();
  }

  /** Disk space that they take. */
  public long queueBytes() {
    return look.queueBytes();
  }

  /** The same with another time of the loop's last turn. */
  PipelineStatus tickedAt(long nanos) {
    return new PipelineStatus(
        outbox,
        outboxId,
        generation,
        state,
        stateSinceMillis,
        troubles,
        bars,
        nanos,
        appendedSequence,
        settledSequence,
        savedSequence,
        lagBytes,
        inFlightEvents,
        inFlightBytes,
        oldestUnsettledMillis,
        lastDeliveryMillis,
        delivered,
        retried,
        deadLetters,
        quarantined,
        missing,
        cluster,
        clusterChanges,
        unsynced,
        parked,
        uncopiedLetters,
        look);
  }
}
