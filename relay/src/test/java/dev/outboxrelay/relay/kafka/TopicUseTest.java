package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TopicUseTest {
  private final TopicUse use = new TopicUse("orders", 12, 0);

  @Test
  void eachPartitionIsIntroducedForItself() {
    assertThat(use.introduces(3)).isTrue();
    use.introduced(3);
    assertThat(use.introduces(3)).isFalse();
    assertThat(use.introduces(4)).isTrue();
  }

  @Test
  void whatWasIntroducedStaysSoWhenTheTopicHasMorePartitions() {
    use.introduced(3);
    TopicUse more = use.again(24, 1);
    assertThat(more.introduces(3)).isFalse();
    assertThat(more.introduces(23)).isTrue();
  }

  @Test
  void withoutAKeyOnlyATopicOfOnePartitionHasAnOrder() {
    assertThat(use.introduces(Partitioning.ANY)).isFalse();
    assertThat(new TopicUse("orders", 1, 0).introduces(Partitioning.ANY)).isTrue();
  }
}
