package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.kafka.ProducerWatch;
import dev.outboxrelay.relay.sync.OutboxSync;

/**
 * What of one outbox outlives the pipelines that serve it.
 *
 * @param counts which go on
 * @param listener told what happens, on the thread that calls {@link Pipeline#doWork()}
 * @param producers shown the producer
 * @param sync what of it is not on stable storage
 */
public record OutboxContext(
    Counts counts, FactListener listener, ProducerWatch producers, OutboxSync sync) {}
