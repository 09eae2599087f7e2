/**
 * Puts the parts together, one {@link dev.outboxrelay.relay.pipeline.Pipeline} per outbox, and
 * shows the outside what they do: {@link dev.outboxrelay.relay.pipeline.PipelineListener} as it
 * happens, {@link dev.outboxrelay.relay.pipeline.PipelineStatus} at any time.
 *
 * <p>A listener has three forms: one that does nothing ({@code NONE}), one that logs ({@code
 * PipelineLog}) and one that counts for Prometheus ({@link dev.outboxrelay.relay.metrics}). What is
 * kept in memory, for the status page and its hour, is not told to a listener but read from the
 * status ({@link dev.outboxrelay.relay.history}): an age must grow while nothing is told. Tests
 * have a form that records ({@code RecordingListener}).
 */
package dev.outboxrelay.relay.pipeline;
