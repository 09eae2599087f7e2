package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.time.Duration;
import org.apache.kafka.common.KafkaException;

/** Tries settings out before they are relied on. */
public final class KafkaProbe {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private KafkaProbe() {}

  /**
   * Makes a producer, and asks the cluster for what everybody may ask.
   *
   * @throws KafkaRefused if either fails, or Kafka does not answer within 10 s
   */
  public static void check(KafkaSettings settings) {
    try {
      ProducerFactory.of("-probe").create(settings, new ClusterGuard()).close(Duration.ZERO);
    } catch (KafkaException e) {
      throw new KafkaRefused("Kafka's client can't be made: " + KafkaRefused.rootMessage(e), e);
    }
    try (KafkaAdmin admin = KafkaAdmin.open(settings, TIMEOUT)) {
      admin.cluster();
    }
  }
}
