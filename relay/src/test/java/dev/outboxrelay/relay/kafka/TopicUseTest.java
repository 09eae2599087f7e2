package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.junit.jupiter.api.Test;

class TopicUseTest {
  private static final int PARTITIONS = 12;

  private final TopicUse use = new TopicUse("orders", PARTITIONS, 0);

  private static byte[] key(int number) {
    return ("key-" + number).getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aKeyIsIntroducedInThePartitionThatKafkaChoosesForIt() {
    for (int i = 0; i < 100; i++) {
      byte[] key = key(i);
      TopicUse fresh = new TopicUse("orders", PARTITIONS, 0);
      fresh.introduced(BuiltInPartitioner.partitionForKey(key, PARTITIONS));
      assertThat(fresh.introduces(key, 0)).isFalse();
    }
  }

  @Test
  void aKeyOfAnotherPartitionIsIntroducedToo() {
    assertThat(use.introduces(key(1), 0)).isTrue();
    use.introduced(BuiltInPartitioner.partitionForKey(key(1), PARTITIONS));
    assertThat(use.introduces(key(1), 0)).isFalse();
    assertThat(use.introduces(key(2), 0)).isTrue();
  }

  @Test
  void aPartitionerOfTheUsersIsNotFoughtWith() {
    assertThat(use.introduces(key(1), 0)).isTrue();
    int elsewhere = (BuiltInPartitioner.partitionForKey(key(1), PARTITIONS) + 1) % PARTITIONS;
    use.introduced(elsewhere);
    assertThat(use.introduces(key(1), 0)).isFalse();
  }

  @Test
  void withoutAKeyOnlyATopicOfOnePartitionHasAnOrder() {
    assertThat(use.introduces(null, 0)).isFalse();
    assertThat(new TopicUse("orders", 1, 0).introduces(null, 0)).isTrue();
  }

  @Test
  void aPartitionThatWasSilentIsIntroducedAnewAndTheOthersAreNot() {
    long second = 1_000_000_000L;
    for (int i = 1; i <= 2; i++) {
      use.introduces(key(i), 0);
      use.introduced(BuiltInPartitioner.partitionForKey(key(i), PARTITIONS));
    }
    for (long now = 0; now <= 3 * second; now += second / 2) {
      assertThat(use.introduces(key(1), now)).isFalse();
    }
    assertThat(use.introduces(key(2), 3 * second)).isTrue();
    use.introduced(BuiltInPartitioner.partitionForKey(key(2), PARTITIONS));
    assertThat(use.introduces(key(2), 3 * second)).isFalse();
  }
}
