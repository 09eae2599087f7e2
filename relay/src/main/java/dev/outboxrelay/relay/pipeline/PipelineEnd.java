package dev.outboxrelay.relay.pipeline;

/** How a pipeline ended. */
public sealed interface PipelineEnd {
  /**
   * It was told to stop.
   *
   * @param unsettled events handed to Kafka whose ack had not come by the deadline: they are sent
   *     again after the next start
   * @param saved whether all that was settled is on disk; else some of it is sent again, too
   */
  record Stopped(int unsettled, boolean saved) implements PipelineEnd {}

  /** Another producer took over at the broker. */
  record Fenced(String error) implements PipelineEnd {}

  /**
   * What another version wrote stands next in the queue; all before it is settled, and it is left
   * alone.
   *
   * @param error what, where, and the way out
   */
  record OtherFormat(String error) implements PipelineEnd {}

  /** Its directory, or the lock in it, was removed, moved or replaced by others. */
  record OutboxGone() implements PipelineEnd {}

  /** A defect, or an error of the operating system that retrying can't mend. */
  record Failed(Throwable cause) implements PipelineEnd {}
}
