/**
 * Puts the parts together, one {@link dev.outboxrelay.relay.pipeline.Pipeline} per outbox, and
 * shows the outside what they do: {@link dev.outboxrelay.relay.fact.Fact}s as they happen, {@link
 * dev.outboxrelay.relay.pipeline.PipelineStatus} at any time.
 */
package dev.outboxrelay.relay.pipeline;
