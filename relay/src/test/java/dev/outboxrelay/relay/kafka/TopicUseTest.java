package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TopicUseTest {
  private static final long SECOND = 1_000_000_000L;

  private final TopicUse use = new TopicUse("orders", 12, 0);

  @Test
  void eachPartitionIsIntroducedForItself() {
    assertThat(use.introduces(3, 0)).isTrue();
    use.introduced(3, 0);
    assertThat(use.introduces(3, 0)).isFalse();
    assertThat(use.introduces(4, 0)).isTrue();
  }

  @Test
  void whatWasIntroducedStaysSoWhenTheTopicHasMorePartitions() {
    use.introduces(3, 1);
    use.introduced(3, 1);
    TopicUse more = use.again(24, 1);
    assertThat(more.introduces(3, 1)).isFalse();
    assertThat(more.introduces(23, 1)).isTrue();
  }

  @Test
  void withoutAKeyOnlyATopicOfOnePartitionHasAnOrder() {
    assertThat(use.introduces(Partitioning.ANY, 0)).isFalse();
    assertThat(new TopicUse("orders", 1, 0).introduces(Partitioning.ANY, 0)).isTrue();
  }

  @Test
  void aPartitionThatTheTopicDoesNotHaveIntroducesNothing() {
    assertThat(use.introduces(12, 0)).isFalse();
  }

  @Test
  void aPartitionThatWasSilentIsIntroducedAnewAndTheOthersAreNot() {
    for (int partition = 1; partition <= 2; partition++) {
      use.introduces(partition, 0);
      use.introduced(partition, 0);
    }
    for (long now = 0; now <= 3 * SECOND; now += SECOND / 2) {
      assertThat(use.introduces(1, now)).isFalse();
    }
    assertThat(use.introduces(2, 3 * SECOND)).isTrue();
    use.introduced(2, 3 * SECOND);
    assertThat(use.introduces(2, 3 * SECOND)).isFalse();
  }

  @Test
  void aPartitionWhoseAcksTakeLongIsNotTakenForSilent() {
    assertThat(use.introduces(3, 0)).isTrue();
    use.introduced(3, 5 * SECOND);
    assertThat(use.introduces(3, 5 * SECOND)).isFalse();
    assertThat(use.introduces(3, 6 * SECOND)).isTrue();
  }
}
