package dev.outboxrelay.relay.deliver;

import java.util.List;
import java.util.function.Supplier;

/**
 * When acks count. Without transactions an event is delivered when it is acked; with them, when the
 * transaction is committed that holds it and the position up to it. For the delivery thread.
 */
public interface Acks {
  /** They count as they come. */
  Acks AT_ONCE =
      new Acks() {
        @Override
        public boolean count(InFlight oldest, Supplier<List<InFlight>> front) {
          return true;
        }

        @Override
        public boolean outliveTheirSender() {
          return true;
        }
      };

  /**
   * Whether the oldest record is settled, as it is acked, or where it belongs instead. If not, it
   * is asked again at each turn.
   *
   * @param front the oldest record and all behind it of which the same holds, up to the first of
   *     which it does not: what a commit may cover now
   */
  boolean count(InFlight oldest, Supplier<List<InFlight>> front);

  /**
   * Whether what is acked, and did not count yet for the sake of older ones, stays so when its
   * sender is discarded; else it is sent again.
   */
  boolean outliveTheirSender();
}
