package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.pipeline.PipelineRefused;
import java.nio.file.Path;

/**
 * An outbox that can't be served at this moment; it is tried again by itself.
 *
 * @param outbox its directory
 * @param reason a stable name, one of those below
 * @param error what, which value, and the way out
 * @param sinceMillis since when, milliseconds since the epoch
 * @param attempts how often it was tried since then
 */
public record OutboxOnHold(
    Path outbox, String reason, String error, long sinceMillis, int attempts) {
  /** Another relay serves it. */
  public static final String HELD = "held";

  /** Rights, links, file system. */
  public static final String UNUSABLE = "unusable";

  /** Position and outbox don't belong together. */
  public static final String NEEDS_OPERATOR = "needs-operator";

  /** Another version wrote what stands next in it, or its state. */
  public static final String OTHER_FORMAT = "other-format";

  /** Another producer took over at the broker. */
  public static final String FENCED = "fenced";

  /** A defect, or an error of the operating system. */
  public static final String FAILED = "failed";

  /** The name of what an opening was refused for. */
  static String reason(PipelineRefused refused) {
    if (refused instanceof PipelineRefused.HeldByAnother) {
      return HELD;
    }
    if (refused instanceof PipelineRefused.OtherFormat) {
      return OTHER_FORMAT;
    }
    return refused instanceof PipelineRefused.NeedsOperator ? NEEDS_OPERATOR : UNUSABLE;
  }

  /** The next failed attempt. */
  OutboxOnHold again(String latestReason, String latestError, long nowMillis) {
    return reason.equals(latestReason)
        ? new OutboxOnHold(outbox, reason, latestError, sinceMillis, attempts + 1)
        : new OutboxOnHold(outbox, latestReason, latestError, nowMillis, 1);
  }
}
