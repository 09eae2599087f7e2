/**
 * Puts the parts together, one {@link dev.outboxrelay.relay.pipeline.Pipeline} per outbox, and
 * shows the outside what they do: {@link dev.outboxrelay.relay.pipeline.PipelineListener} as it
 * happens, {@link dev.outboxrelay.relay.pipeline.PipelineStatus} at any time.
 */
package dev.outboxrelay.relay.pipeline;
