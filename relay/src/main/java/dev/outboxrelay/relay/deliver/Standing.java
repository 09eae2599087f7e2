package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.DeliveryState.BackingOff;
import dev.outboxrelay.relay.deliver.DeliveryState.Connected;
import dev.outboxrelay.relay.deliver.DeliveryState.Renewing;
import dev.outboxrelay.relay.deliver.DeliveryState.Running;
import dev.outboxrelay.relay.fact.Trouble;

/**
 * How delivery stands as a whole.
 *
 * @param sender with its sender
 * @param bar what keeps a topic from being written whose events are not parked; null if none is
 *     known
 */
public record Standing(DeliveryState sender, Trouble bar) {
  private static final String PAUSED_TOPIC = "paused-topic";

  /** A stable name for metrics, status and logs. */
  public String label() {
    return isTopics() ? PAUSED_TOPIC : sender.label();
  }

  /** What keeps events from being delivered; null if all is well. */
  public Trouble trouble() {
    boolean barred = isTopics() || (sender instanceof Running && sender.trouble() == null);
    return barred ? bar : sender.trouble();
  }

  /** The topic is what an operator has to look at first, whatever else is wrong. */
  private boolean isTopics() {
    return bar != null
        && (sender instanceof BackingOff
            || (sender instanceof Connected && !(sender instanceof Renewing)));
  }
}
