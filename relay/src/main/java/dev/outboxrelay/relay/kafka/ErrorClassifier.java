package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.rounds.WorkThread;
import dev.outboxrelay.relay.secret.SecretWords;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/**
 * What an error of Kafka's client means. A named class wins over what it inherits: an unknown topic
 * counts as retriable for the client, but is a matter for an operator here. What is not named means
 * that the sender is not to be trusted any more.
 */
final class ErrorClassifier {
  private static final int DEEPEST_CAUSE = 8;
  private static final String UNRESOLVED =
      "No resolvable bootstrap urls given in " + CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG;

  private ErrorClassifier() {}

  /** Of a record that the sender had accepted. */
  static Verdict ofFailed(String topic, Throwable error) {
    Verdict named = named(topic, error);
    return named == null ? new Verdict.RebuildAndRewind(describe(error)) : named;
  }

  /**
   * Whether a record that the sender had accepted is to blame itself, and nothing else.
   *
   * @param alone whether no other record can have been in its batch
   */
  static boolean isOfTheRecord(Throwable error, boolean alone) {
    return !(error instanceof AheadOfTime)
        && named(null, error) instanceof Verdict.DeadLetter dead
        && (dead.certain() || alone);
  }

  /** Of a record or a question that was not accepted: here the client retries nothing by itself. */
  static Verdict ofRefused(String topic, Throwable error) {
    Verdict named = named(topic, error);
    if (named instanceof Verdict.DeadLetter) {
      // No broker has seen it: the limit is one of our settings, or was another record's.
      return new Verdict.PauseAll(PauseReason.CONFIGURATION, describe(error));
    }
    if (named != null) {
      return named;
    }
    return error instanceof RetriableException
        ? new Verdict.RetryLater(describe(error))
        : new Verdict.RebuildAndRewind(describe(error));
  }

  /** Of a sender that could not be made: of its settings, and of what they name. */
  static Verdict ofUnmade(RuntimeException error) {
    Verdict named = named(null, error);
    if (named != null) {
      return named;
    }
    if (rootOf(error) instanceof OutOfMemoryError memory) {
      if (!WorkThread.isLackOfThreads(memory)) {
        throw memory; // the end of the process
      }
      return new Verdict.RebuildAndRewind(describe(error));
    }
    // Names that can't be looked up yet come back by themselves.
    return UNRESOLVED.equals(rootOf(error).getMessage())
        ? new Verdict.RebuildAndRewind(describe(error))
        : new Verdict.PauseAll(PauseReason.CONFIGURATION, describe(error));
  }

  /**
   * The class and message of an error, and of what is at its root. Kafka's messages hold no
   * payloads, but those about settings quote pieces of them.
   */
  static String describe(Throwable error) {
    Throwable root = rootOf(error);
    return root == error ? text(error) : text(error) + " (" + text(root) + ")";
  }

  private static Throwable rootOf(Throwable error) {
    Throwable root = error;
    for (int depth = 0; root.getCause() != null && depth < DEEPEST_CAUSE; depth++) {
      root = root.getCause();
    }
    return root;
  }

  private static String text(Throwable error) {
    String message = error.getMessage();
    String name = error.getClass().getSimpleName();
    return message == null ? name : name + ": " + SecretWords.OF_THIS_PROCESS.scrub(message);
  }

  /** The client wraps what it remembers of a fatal error, so the causes are looked at too. */
  private static Verdict named(String topic, Throwable error) {
    Throwable cause = error;
    for (int depth = 0; cause != null && depth < DEEPEST_CAUSE; depth++) {
      Verdict verdict = ofClass(topic, cause, describe(error));
      if (verdict != null) {
        return verdict;
      }
      cause = cause.getCause();
    }
    return null;
  }

  private static Verdict ofClass(String topic, Throwable error, String text) {
    if (!(error instanceof KafkaException)) {
      return null;
    }
    if (error instanceof ProducerFencedException) {
      return new Verdict.Fenced(text);
    }
    Verdict verdict = poison(error, text);
    if (verdict == null && topic != null) {
      verdict = topicsOperator(topic, error, text);
    }
    return verdict == null ? clustersOperator(error, text) : verdict;
  }

  private static Verdict poison(Throwable error, String text) {
    if (error instanceof RecordTooLargeException) {
      // The client splits a batch that is too large down to single records by itself.
      return new Verdict.DeadLetter(DeadLetterReason.TOO_LARGE, text, true);
    }
    if (error instanceof RecordBatchTooLargeException) {
      return new Verdict.DeadLetter(DeadLetterReason.TOO_LARGE, text, false);
    }
    if (error instanceof InvalidRecordException) {
      return new Verdict.DeadLetter(DeadLetterReason.INVALID_RECORD, text, false);
    }
    if (error instanceof InvalidTimestampException) {
      return new Verdict.DeadLetter(DeadLetterReason.INVALID_TIMESTAMP, text, false);
    }
    return null;
  }

  private static Verdict topicsOperator(String topic, Throwable error, String text) {
    PauseReason reason = null;
    if (error instanceof TopicAuthorizationException) {
      reason = PauseReason.TOPIC_FORBIDDEN;
    } else if (error instanceof UnknownTopicOrPartitionException
        || error instanceof UnknownTopicIdException) {
      reason = PauseReason.TOPIC_MISSING;
    } else if (error instanceof InvalidTopicException) {
      reason = PauseReason.TOPIC_INVALID;
    } else if (error instanceof PolicyViolationException) {
      reason = PauseReason.POLICY;
    }
    return reason == null ? null : new Verdict.PauseTopic(topic, reason, text);
  }

  private static Verdict clustersOperator(Throwable error, String text) {
    PauseReason reason = null;
    if (error instanceof AuthenticationException) {
      reason = PauseReason.AUTHENTICATION;
    } else if (error instanceof AuthorizationException) {
      reason = PauseReason.AUTHORIZATION;
    } else if (error instanceof UnsupportedVersionException) {
      reason = PauseReason.UNSUPPORTED_VERSION;
    } else if (error instanceof InvalidConfigurationException) {
      reason = PauseReason.CONFIGURATION;
    }
    return reason == null ? null : new Verdict.PauseAll(reason, text);
  }
}
