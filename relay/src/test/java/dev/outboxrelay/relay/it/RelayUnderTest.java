package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.pipeline.Contexts;
import dev.outboxrelay.relay.pipeline.Pipeline;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineRunner;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.RecordingListener;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** A pipeline on its own thread, and what it told. */
final class RelayUnderTest implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Pipeline pipeline;
  private final PipelineRunner runner;
  private final RecordingListener told;

  RelayUnderTest(Path outbox, String bootstrap, String... environment) {
    this(outbox, bootstrap, fact -> {}, environment);
  }

  /**
   * Starts it.
   *
   * @param beside told of each fact on the delivery thread, before anything follows from it
   */
  RelayUnderTest(Path outbox, String bootstrap, FactListener beside, String... environment) {
    Map<String, String> env = new HashMap<>();
    env.put("OUTBOX_DIR", outbox.toString());
    env.put("OUTBOX_HTTP_ADDRESS", "off");
    env.put("OUTBOX_TRUST_PARENT", "1");
    env.put("OUTBOX_STOP_DEADLINE_MS", "3000");
    env.put("OUTBOX_BACKOFF_MAX_MS", "500");
    env.put("KAFKA_BOOTSTRAP_SERVERS", bootstrap);
    for (int i = 0; i < environment.length; i += 2) {
      env.put(environment[i], environment[i + 1]);
    }
    told = new RecordingListener();
    RelayConfig config = RelayConfig.from(env);
    pipeline =
        Pipeline.open(
            config, config::kafka, Contexts.telling(config, FactListener.all(told, beside)));
    runner = PipelineRunner.start(pipeline);
  }

  RecordingListener told() {
    return told;
  }

  PipelineStatus status() {
    pipeline.look((paths, settled) -> OptionalLong.empty());
    return pipeline.status();
  }

  String state() {
    return pipeline.status().state().label();
  }

  void awaitSettled(long sequence) {
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> assertThat(status().settledSequence()).isGreaterThanOrEqualTo(sequence));
  }

  void awaitSaved(long sequence) {
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(status().savedSequence()).isGreaterThanOrEqualTo(sequence));
  }

  /** Waits until so many topics are known to be such as can't be written. */
  void awaitBars(int count) {
    await().atMost(PATIENCE).until(() -> pipeline.status().bars().count() >= count);
  }

  void awaitState(String label) {
    await().atMost(PATIENCE).untilAsserted(() -> assertThat(state()).isEqualTo(label));
  }

  /** Waits for it to end by itself. */
  PipelineEnd end() throws Exception {
    return runner.end().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  PipelineEnd stop() throws Exception {
    runner.stop();
    return runner.end().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  @Override
  public void close() throws Exception {
    stop();
  }
}
