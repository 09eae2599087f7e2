package dev.outboxrelay.relay.fact;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class TroublesTest {
  private static final Trouble OUTAGE = new Trouble(new Verdict.RetryLater("no answer"), 500, 2);

  private Instant now = Instant.ofEpochMilli(1_000);
  private final Troubles troubles = new Troubles(() -> now);

  @Test
  void aPartThatFailsIsTroubleFromItsFirstFailureUntilItSucceeds() {
    troubles.tell(new Fact.Failed(Part.POSITION, "disk full"));
    now = now.plusSeconds(9);
    troubles.tell(new Fact.Failed(Part.POSITION, "EIO"));

    assertThat(troubles.now())
        .containsExactly(new Trouble(new Cause.PartFailed(Part.POSITION, "EIO"), 1_000, 2));

    troubles.tell(new Fact.Recovered(Part.POSITION));
    assertThat(troubles.now()).isEmpty();
  }

  @Test
  void whatKeepsEventsFromBeingDeliveredComesFirst() {
    troubles.tell(new Fact.Failed(Part.DELETION, "no right"));
    troubles.tell(new Fact.StateChanged("delivering", "stalled", OUTAGE));
    troubles.tell(new Fact.Failed(Part.POSITION, "disk full"));

    assertThat(troubles.now())
        .extracting(trouble -> trouble.cause().label())
        .containsExactly("retry-later", "position", "delete");
  }

  @Test
  void anOutageIsOverWithTheFirstStateThatKnowsOfNone() {
    troubles.tell(new Fact.StateChanged("delivering", "stalled", OUTAGE));
    troubles.tell(new Fact.StateChanged("stalled", "delivering", null));

    assertThat(troubles.now()).isEmpty();
  }

  private static Trouble missing(String topic) {
    return new Trouble(new Verdict.PauseTopic(topic, PauseReason.TOPIC_MISSING, "none"), 700, 1);
  }

  private void barred(Trouble trouble) {
    troubles.tell(new Fact.TopicBarred(((Verdict.PauseTopic) trouble.cause()).topic(), trouble));
  }

  @Test
  void everyTopicThatIsBarredIsTroubleUntilItIsOpened() {
    Trouble forbidden =
        new Trouble(new Verdict.PauseTopic("b", PauseReason.TOPIC_FORBIDDEN, "no"), 800, 1);
    barred(missing("a"));
    barred(forbidden);
    troubles.tell(new Fact.Failed(Part.POSITION, "disk full"));

    assertThat(troubles.now()).startsWith(missing("a"), forbidden).hasSize(3);
    assertThat(troubles.bars().count()).isEqualTo(2);
    assertThat(troubles.bars().count(PauseReason.TOPIC_FORBIDDEN)).isEqualTo(1);
    assertThat(troubles.bars().count(PauseReason.POLICY)).isZero();

    troubles.tell(new Fact.TopicOpened("a"));
    assertThat(troubles.now()).startsWith(forbidden).hasSize(2);
    assertThat(troubles.bars().byReason().get(PauseReason.TOPIC_MISSING)).isZero();
  }

  @Test
  void aTopicThatDeliveryTellsOfIsOneTrouble() {
    troubles.tell(new Fact.StateChanged("delivering", "paused-topic", missing("a")));
    barred(missing("a").again(missing("a").cause()));
    barred(missing("b"));

    assertThat(troubles.now()).containsExactly(missing("a"), missing("b"));
  }

  @Test
  void aTopicThatIsBarredForAnotherReasonIsCountedOnce() {
    barred(missing("a"));
    barred(new Trouble(new Verdict.PauseTopic("a", PauseReason.TOPIC_FORBIDDEN, "no"), 700, 2));

    assertThat(troubles.bars().count()).isEqualTo(1);
    assertThat(troubles.bars().count(PauseReason.TOPIC_FORBIDDEN)).isEqualTo(1);
  }

  @Test
  void ofManyTopicsTheOldestAreShownAndAllAreCounted() {
    for (int i = 0; i < 1_000; i++) {
      barred(missing("t" + i));
    }
    assertThat(troubles.now()).hasSize(Bars.SHOWN).startsWith(missing("t0"), missing("t1"));
    assertThat(troubles.bars().count(PauseReason.TOPIC_MISSING)).isEqualTo(1_000);
  }

  @Test
  void theOldestBarIsTheOneThatLastsForLongest() {
    assertThat(troubles.bars().sinceMillis()).isEmpty();
    barred(missing("a"));
    barred(new Trouble(missing("b").cause(), 600, 1));
    assertThat(troubles.bars().sinceMillis()).hasValue(600);
    troubles.tell(new Fact.TopicOpened("b"));
    assertThat(troubles.bars().sinceMillis()).hasValue(700);
  }

  @Test
  void everyPartSaysWhatItMeansAndWhatToDo() {
    assertThat(Part.values())
        .allSatisfy(
            part -> {
              assertThat(part.label()).matches("[a-z-]+");
              assertThat(part.what()).isNotBlank().doesNotEndWith(".");
              assertThat(part.wayOut()).isNotBlank().doesNotEndWith(".");
            });
  }
}
