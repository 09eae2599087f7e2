package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.outboxrelay.relay.deliver.Transport.Answer;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.common.ClusterResource;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.LeaderNotAvailableException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.junit.jupiter.api.Test;

class TopicSurveyTest {
  private static final List<String> ASKED = List.of("gone", "mine", "no name", "orders", "voting");

  private final List<Asked> made = new ArrayList<>();
  private final List<String> clusters = new ArrayList<>(List.of("A"));
  private final Map<String, Throwable> errors =
      new TreeMap<>(
          Map.of(
              "gone", new UnknownTopicOrPartitionException("unknown"),
              "mine", new TopicAuthorizationException("denied"),
              "no name", new InvalidTopicException("no name"),
              "voting", new LeaderNotAvailableException("none")));
  private RuntimeException failure;
  private final TopicSurvey survey = new TopicSurvey(Asked::new);

  /** Brokers whose cluster is another one from answer to answer, as the test says. */
  private final class Asked implements TopicSurvey.Brokers {
    private final String servers;
    private boolean closed;

    private Asked(KafkaSettings settings) {
      servers = settings.bootstrapServers();
      made.add(this);
    }

    @Override
    public String cluster() {
      return clusters.size() > 1 ? clusters.remove(0) : clusters.get(0);
    }

    @Override
    public Map<String, Throwable> errors(List<String> topics) {
      if (failure != null) {
        throw failure;
      }
      Map<String, Throwable> answers = new HashMap<>();
      topics.forEach(topic -> answers.put(topic, errors.get(topic)));
      return answers;
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private static Sender sender(String cluster) {
    ClusterGuard guard = new ClusterGuard(Optional.empty());
    guard.onUpdate(new ClusterResource(cluster));
    KafkaSettings settings =
        KafkaSettings.from(
            Map.of("KAFKA_BOOTSTRAP_SERVERS", "good:1,bad:2"),
            1 << 20,
            false,
            new ArrayList<>(),
            new ArrayList<>());
    Bootstrap bootstrap =
        new Bootstrap(settings, new TreeMap<>(Map.of("bad:2", "speaks HTTP, not Kafka")));
    return new Sender(new MockProducer<>(), guard, bootstrap, 0);
  }

  @Test
  void evidenceAboutATopicIsTold() {
    Answer.TopicsUnavailable told = survey.ask(sender("A"), ASKED);
    assertThat(told.anybody()).isTrue();
    assertThat(told.verdicts().values())
        .extracting(Verdict.PauseTopic::topic, Verdict.PauseTopic::reason)
        .containsExactlyInAnyOrder(
            tuple("gone", PauseReason.TOPIC_MISSING),
            tuple("mine", PauseReason.TOPIC_FORBIDDEN),
            tuple("no name", PauseReason.TOPIC_INVALID));
    assertThat(told.verdicts().get("gone")).isEqualTo(TopicLookup.missing("gone"));
    assertThat(made.get(0).servers).isEqualTo("good:1");
  }

  @Test
  void whatBrokersOfAnotherClusterSayDoesNotCount() {
    assertThat(survey.ask(sender("B"), ASKED)).isEqualTo(TopicSurvey.NOBODY);
    clusters.set(0, null);
    assertThat(survey.ask(sender("A"), ASKED)).isEqualTo(TopicSurvey.NOBODY);
  }

  @Test
  void whoComesToAnotherClusterWhileHeAsksHasNoAnswer() {
    clusters.add("B");
    assertThat(survey.ask(sender("A"), ASKED)).isEqualTo(TopicSurvey.NOBODY);
  }

  @Test
  void whereNobodyAnswersNothingIsSaidOfAnyTopicAndTheConnectionIsMadeAnew() {
    Sender sender = sender("A");
    failure = new TimeoutException("away");
    assertThat(survey.ask(sender, ASKED)).isEqualTo(TopicSurvey.NOBODY);
    assertThat(made.get(0).closed).isTrue();
    failure = null;
    errors.clear();
    ASKED.forEach(topic -> errors.put(topic, new TimeoutException("away")));
    assertThat(survey.ask(sender, ASKED)).isEqualTo(TopicSurvey.NOBODY);
    assertThat(made).hasSize(2);
    errors.clear();
    assertThat(survey.ask(sender, ASKED)).isEqualTo(new Answer.TopicsUnavailable(Map.of(), true));
  }

  @Test
  void anotherSenderHasItsOwn() {
    var first = survey.ask(sender("A"), ASKED);
    assertThat(survey.ask(sender("A"), ASKED)).isEqualTo(first);
    assertThat(made).hasSize(2);
    assertThat(made.get(0).closed).isTrue();
    survey.close();
    assertThat(made.get(1).closed).isTrue();
  }
}
