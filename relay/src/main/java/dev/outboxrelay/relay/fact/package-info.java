/**
 * What happens to one outbox's events, as it is told: a {@link dev.outboxrelay.relay.fact.Fact} at
 * a time, from the tail, delivery and settling, to whoever listens. The log ({@code PipelineLog}),
 * the counts ({@link dev.outboxrelay.relay.fact.Counts}), the standing troubles ({@link
 * dev.outboxrelay.relay.fact.Troubles}) and the metrics are such listeners; tests have one that
 * records. What must change while nothing is told, like an age, is no fact but read from the
 * status.
 *
 * <p>Here are also the words that facts use: what a failed send means ({@link
 * dev.outboxrelay.relay.fact.Verdict}), and which part of the relay's own work can fail ({@link
 * dev.outboxrelay.relay.fact.Part}).
 */
package dev.outboxrelay.relay.fact;
