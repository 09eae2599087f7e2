package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.deliver.Transport.Answer;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Chooses who is asked for topics, so that there is an answer in any case. Blocks; for one thread.
 */
final class TopicQuestions implements AutoCloseable {
  private final TopicLookup lookup;
  private final TopicSurvey survey;
  private final TopicResolver resolver;

  /** Asks those. */
  TopicQuestions(TopicLookup lookup, TopicSurvey survey, TopicResolver resolver) {
    this.lookup = lookup;
    this.survey = survey;
    this.resolver = resolver;
  }

  /**
   * Asks for one topic.
   *
   * @param doubtful whether the sender is asked only if the topic is not missing
   * @param wanted false once nobody waits for the answer any more
   */
  Answer ask(Sender asked, String topic, boolean doubtful, BooleanSupplier wanted) {
    try {
      if (!doubtful) {
        close(); // most are there again
      } else if (lookup.isMissing(asked, topic)) {
        return new Answer.TopicUnavailable(topic, TopicLookup.missing(topic));
      }
      return resolver.resolve(asked, topic, wanted);
    } catch (OutOfMemoryError e) {
      throw e; // the end of the process
    } catch (RuntimeException | Error e) {
      // Somebody waits for this answer, too.
      return new Answer.TopicUnavailable(topic, new Verdict.RebuildAndRewind(e.toString()));
    }
  }

  /** Asks which of these can't be written. */
  Answer askTogether(Sender asked, List<String> topics) {
    try {
      return survey.ask(asked, topics);
    } catch (OutOfMemoryError e) {
      throw e; // the end of the process
    } catch (RuntimeException | Error e) {
      return TopicSurvey.NOBODY; // what is wrong each of them will show alone
    }
  }

  /** They may be asked again. */
  @Override
  public void close() {
    lookup.close();
    survey.close();
  }
}
