package dev.outboxrelay.relay.kafka.meters;

import dev.outboxrelay.relay.kafka.ProducerWatch;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.kafka.KafkaClientMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.core.instrument.config.MeterFilterReply;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import org.apache.kafka.clients.producer.Producer;

/**
 * The metrics that one outbox's producer keeps of itself, as {@code kafka_producer_*}. A producer
 * that is replaced hands its series on to the next one.
 */
public final class ProducerMeters implements ProducerWatch {
  /**
   * Leaves out what the client measures for each topic and each node, whose number nobody bounds.
   * For a registry that is still empty.
   */
  public static final MeterFilter BOUNDED =
      new MeterFilter() {
        @Override
        public MeterFilterReply accept(Meter.Id id) {
          boolean bounded =
              id.getName().startsWith("kafka.producer.")
                  && id.getTags().stream().allMatch(tag -> FIXED_TAGS.contains(tag.getKey()));
          return id.getName().startsWith("kafka.") && !bounded
              ? MeterFilterReply.DENY
              : MeterFilterReply.NEUTRAL;
        }
      };

  /**
   * Runs nothing, and takes no thread for each outbox: what would be looked for again is what the
   * client measures for each topic and each node. All else is there when a producer is made.
   */
  private static final ScheduledExecutorService NEVER = never();

  private static final Set<String> FIXED_TAGS = Set.of("outbox", "client.id", "kafka.version");

  private final MeterRegistry registry;
  private final Tags tags;
  private KafkaClientMetrics bound;

  /**
   * Makes one.
   *
   * @param registry filtered by {@link #BOUNDED}
   * @param outbox the label
   */
  public ProducerMeters(MeterRegistry registry, String outbox) {
    this.registry = registry;
    this.tags = Tags.of("outbox", outbox);
  }

  private static ScheduledExecutorService never() {
    ScheduledExecutorService executor =
        new ScheduledThreadPoolExecutor(1, new ThreadPoolExecutor.DiscardPolicy());
    executor.shutdown();
    return executor;
  }

  @Override
  public void using(Producer<?, ?> producer) {
    bound = new KafkaClientMetrics(producer, tags, NEVER);
    bound.bindTo(registry);
  }

  @Override
  public void letGo() {
    if (bound != null) {
      bound.close();
      bound = null;
    }
  }
}
