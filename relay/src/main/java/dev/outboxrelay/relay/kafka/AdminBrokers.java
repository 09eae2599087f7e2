package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.rounds.WorkThread;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaFuture;

/** Brokers, by Kafka's admin client, which has a thread of its own. */
final class AdminBrokers implements TopicSurvey.Brokers {
  /** For each answer; brokers have one at once. */
  private static final int PATIENCE_MILLIS = 1_000;

  private final Admin admin;

  private AdminBrokers(Admin admin) {
    this.admin = admin;
  }

  /**
   * Connects when they are first asked.
   *
   * @throws WorkThread.Unavailable if there is no thread for it
   */
  static AdminBrokers of(KafkaSettings settings) {
    Map<String, Object> properties = new HashMap<>(settings.producerProperties());
    properties.keySet().retainAll(AdminClientConfig.configNames());
    properties.merge(
        ProducerConfig.CLIENT_ID_CONFIG, "-many-topics", (id, more) -> id.toString() + more);
    properties.put(AdminClientConfig.METRIC_REPORTER_CLASSES_CONFIG, List.of());
    properties.put(AdminClientConfig.ENABLE_METRICS_PUSH_CONFIG, false);
    properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, PATIENCE_MILLIS);
    properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, PATIENCE_MILLIS);
    // The producer's means for ever; here it is patience that ends the attempts.
    properties.remove(AdminClientConfig.RETRIES_CONFIG);
    WorkThread.tryOne("kafka-admin-client-thread");
    return new AdminBrokers(Admin.create(properties));
  }

  @Override
  public String cluster() throws ExecutionException, InterruptedException {
    return admin.describeCluster().clusterId().get();
  }

  @Override
  public Map<String, Throwable> errors(List<String> topics) throws InterruptedException {
    Map<String, Throwable> errors = new LinkedHashMap<>();
    for (Map.Entry<String, KafkaFuture<TopicDescription>> each :
        admin.describeTopics(topics).topicNameValues().entrySet()) {
      errors.put(each.getKey(), error(each.getValue()));
    }
    return errors;
  }

  private static Throwable error(KafkaFuture<?> answer) throws InterruptedException {
    try {
      var unused = answer.get();
      return null;
    } catch (ExecutionException e) {
      return e.getCause();
    }
  }

  @Override
  public void close() {
    admin.close(Duration.ZERO);
  }
}
