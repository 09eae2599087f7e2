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
