package dev.outboxrelay.relay.kafka;

import org.apache.kafka.clients.producer.Producer;

/**
 * Sees the producer that a transport uses: one at a time, the old one is let go before the new one
 * is shown. Called on the transport's own thread; must not throw.
 */
public interface ProducerWatch {
  /** Sees nothing. */
  ProducerWatch NONE =
      new ProducerWatch() {
        @Override
        public void using(Producer<?, ?> producer) {}

        @Override
        public void letGo() {}
      };

  /** This producer is used from now on. */
  void using(Producer<?, ?> producer);

  /** The one that was used is about to be closed. */
  void letGo();
}
