package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.Set;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.NotEnoughReplicasException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.common.errors.UnknownProducerIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ErrorClassifierTest {

  private static Verdict failed(Throwable error) {
    return ErrorClassifier.ofFailed("orders", error);
  }

  private static Verdict refused(Throwable error) {
    return ErrorClassifier.ofRefused("orders", error);
  }

  @Test
  void aRecordThatIsTooLargeByItselfIsDeadForCertain() {
    assertThat(failed(new RecordTooLargeException("5000 bytes")))
        .isEqualTo(
            new Verdict.DeadLetter(
                DeadLetterReason.TOO_LARGE, "RecordTooLargeException: 5000 bytes", true));
  }

  @Test
  void aRecordThatMayHaveBeenRefusedForItsNeighboursIsOnlySuspected() {
    assertThat(failed(new InvalidRecordException("no key")))
        .isInstanceOfSatisfying(
            Verdict.DeadLetter.class,
            dead -> {
              assertThat(dead.reason()).isEqualTo(DeadLetterReason.INVALID_RECORD);
              assertThat(dead.certain()).isFalse();
            });
    assertThat(failed(new InvalidTimestampException("in the future")))
        .isInstanceOfSatisfying(
            Verdict.DeadLetter.class,
            dead -> assertThat(dead.reason()).isEqualTo(DeadLetterReason.INVALID_TIMESTAMP));
    assertThat(failed(new RecordBatchTooLargeException("batch")))
        .isInstanceOfSatisfying(
            Verdict.DeadLetter.class, dead -> assertThat(dead.certain()).isFalse());
  }

  @Test
  void noEventIsGivenUpForWhatNoBrokerHasSeen() {
    for (Exception ours :
        new Exception[] {
          new RecordTooLargeException("above max.request.size"),
          new KafkaException("in an error state", new RecordTooLargeException("another one")),
          new RecordBatchTooLargeException("batch"),
          new InvalidRecordException("?"),
          new InvalidTimestampException("?")
        }) {
      assertThat(refused(ours))
          .isInstanceOfSatisfying(
              Verdict.PauseAll.class,
              pause -> assertThat(pause.reason()).isEqualTo(PauseReason.CONFIGURATION));
    }
  }

  @Test
  void anInnocentNeighbourOfARefusedRecordIsSentAgain() {
    assertThat(
            failed(
                new KafkaException(
                    "Failed to append record because it was part of a batch which had one more"
                        + " more invalid records")))
        .isInstanceOf(Verdict.RebuildAndRewind.class);
  }

  @Test
  void whatConcernsOneTopicPausesIt() {
    assertPause(new TopicAuthorizationException(Set.of("orders")), PauseReason.TOPIC_FORBIDDEN);
    assertPause(new UnknownTopicOrPartitionException("?"), PauseReason.TOPIC_MISSING);
    assertPause(new InvalidTopicException("?"), PauseReason.TOPIC_INVALID);
    assertPause(new PolicyViolationException("?"), PauseReason.POLICY);
  }

  private static void assertPause(Throwable error, PauseReason reason) {
    for (Verdict verdict : new Verdict[] {failed(error), refused(error)}) {
      assertThat(verdict)
          .isInstanceOfSatisfying(
              Verdict.PauseTopic.class,
              pause -> {
                assertThat(pause.topic()).isEqualTo("orders");
                assertThat(pause.reason()).isEqualTo(reason);
              });
    }
  }

  @Test
  void whatConcernsTheClusterPausesEverything() {
    assertPauseAll(new SaslAuthenticationException("no"), PauseReason.AUTHENTICATION);
    assertPauseAll(new SslAuthenticationException("no"), PauseReason.AUTHENTICATION);
    assertPauseAll(new ClusterAuthorizationException("no"), PauseReason.AUTHORIZATION);
    assertPauseAll(new TransactionalIdAuthorizationException("no"), PauseReason.AUTHORIZATION);
    assertPauseAll(new UnsupportedVersionException("no"), PauseReason.UNSUPPORTED_VERSION);
    assertPauseAll(new InvalidConfigurationException("no"), PauseReason.CONFIGURATION);
  }

  private static void assertPauseAll(Throwable error, PauseReason reason) {
    assertThat(failed(error))
        .isInstanceOfSatisfying(
            Verdict.PauseAll.class, pause -> assertThat(pause.reason()).isEqualTo(reason));
  }

  @Test
  void aFencedProducerEndsTheRelay() {
    assertThat(failed(new ProducerFencedException("fenced"))).isInstanceOf(Verdict.Fenced.class);
  }

  @Test
  void theCauseOfAWrappedErrorDecides() {
    assertThat(
            failed(new KafkaException("in an error state", new ClusterAuthorizationException("x"))))
        .isInstanceOf(Verdict.PauseAll.class);
    assertThat(refused(new TimeoutException("not present", new UnknownTopicOrPartitionException())))
        .isInstanceOf(Verdict.PauseTopic.class);
  }

  @Test
  void aSenderThatMayHaveLostItsOrderIsReplaced() {
    assertThat(failed(new OutOfOrderSequenceException("?")))
        .isInstanceOf(Verdict.RebuildAndRewind.class);
    assertThat(failed(new UnknownProducerIdException("?")))
        .isInstanceOf(Verdict.RebuildAndRewind.class);
    assertThat(failed(new InvalidProducerEpochException("?")))
        .isInstanceOf(Verdict.RebuildAndRewind.class);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anUnknownErrorReplacesTheSender(boolean accepted) {
    for (Exception unknown :
        new Exception[] {
          new IllegalStateException("closed"), new ConfigException("no resolvable bootstrap urls")
        }) {
      assertThat(accepted ? failed(unknown) : refused(unknown))
          .isInstanceOf(Verdict.RebuildAndRewind.class);
    }
  }

  @Test
  void aRetriableErrorIsTriedAgainOnlyIfNothingWasHandedOver() {
    assertThat(refused(new TimeoutException("no metadata"))).isInstanceOf(Verdict.RetryLater.class);
    assertThat(refused(new NotEnoughReplicasException("2 of 3")))
        .isInstanceOf(Verdict.RetryLater.class);
    assertThat(failed(new TimeoutException("expired")))
        .isInstanceOf(Verdict.RebuildAndRewind.class);
  }

  @Test
  void aLackOfThreadsIsTriedAgainAndOneOfMemoryEndsTheProcess() {
    Throwable threads = new OutOfMemoryError("unable to create native thread: possibly ...");
    assertThat(ErrorClassifier.ofUnmade(new KafkaException("Failed to construct", threads)))
        .isInstanceOf(Verdict.RebuildAndRewind.class);
    RuntimeException memory =
        new KafkaException("Failed to construct", new OutOfMemoryError("Java heap space"));
    assertThatThrownBy(() -> ErrorClassifier.ofUnmade(memory)).isInstanceOf(OutOfMemoryError.class);
  }
}
