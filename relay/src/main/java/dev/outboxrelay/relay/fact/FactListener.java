package dev.outboxrelay.relay.fact;

import java.util.List;

/**
 * Is told facts, for each event, on the delivery thread: it must be quick, must not block and must
 * not throw.
 */
@FunctionalInterface
public interface FactListener {
  /** Does nothing. */
  FactListener NONE = fact -> {};

  void tell(Fact fact);

  /** Tells all of these, in this order. */
  static FactListener all(FactListener... listeners) {
    List<FactListener> each = List.of(listeners);
    return fact -> {
      for (FactListener listener : each) {
        listener.tell(fact);
      }
    };
  }
}
