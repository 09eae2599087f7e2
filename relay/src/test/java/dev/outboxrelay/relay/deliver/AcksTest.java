package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Acks that count with a commit, as those of a transaction will. */
class AcksTest {
  private final DeliveryWithLanes world = new DeliveryWithLanes(100);
  private final Commits commits = new Commits();

  @BeforeEach
  void start() {
    world.kafka.topics.add("a");
    world.kafka.topics.add("b");
    world.kafka.acks = commits;
    world.begin(fact -> {});
  }

  private static final class Commits implements Acks {
    private final List<Long> coverable = new ArrayList<>();
    private long committed;

    @Override
    public boolean count(InFlight oldest, Supplier<List<InFlight>> front) {
      if (oldest.sequence() <= committed) {
        return true;
      }
      coverable.clear();
      front.get().forEach(each -> coverable.add(each.sequence()));
      return false;
    }

    @Override
    public boolean outliveTheirSender() {
      return false;
    }
  }

  private void ackAll() {
    world.turns(6);
    world.kafka.answerAll();
    world.turns(1);
  }

  @Test
  void nothingIsSettledBeforeTheCommitThatCoversIt() {
    world.append("a", "a", "b");
    ackAll();
    assertThat(world.settled()).isZero();
    assertThat(commits.coverable).containsExactly(1L, 2L, 3L);
    commits.committed = 2;
    world.turns(1);
    assertThat(world.settled()).isEqualTo(2);
    assertThat(commits.coverable).containsExactly(3L);
  }

  @Test
  void aCommitCoversNothingBehindWhatIsNotAcked() {
    world.kafka.silent.add("b");
    world.append("a", "b", "a");
    ackAll();
    assertThat(commits.coverable).containsExactly(1L);
  }

  @Test
  void whatWasNotCommittedIsSentAgain() {
    world.append("a", "b");
    ackAll();
    world.kafka.loseSender("died");
    world.pass(Duration.ofSeconds(2));
    world.kafka.answerAll();
    world.turns(2);
    world.kafka.answerAll();
    world.turns(1);
    assertThat(world.kafka.log).containsExactly(1L, 2L, 1L, 2L);
    commits.committed = 2;
    world.turns(1);
    assertThat(world.settled()).isEqualTo(2);
  }
}
