package dev.outboxrelay.relay.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.config.RecordTimestamp;
import dev.outboxrelay.relay.doctor.Finding.Grade;
import dev.outboxrelay.relay.inspect.Backlog;
import dev.outboxrelay.relay.kafka.TopicFinding;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class TopicChecksTest {
  private static final Instant NOW = Instant.parse("2026-11-24T05:00:00Z");
  private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);
  private static final long HOUR = Duration.ofHours(1).toMillis();
  private static final Backlog NOTHING = new Backlog(Map.of(), 0, true);

  private final TopicChecks checks =
      new TopicChecks(RecordTimestamp.APPEND, false, CLOCK, OptionalLong.empty());

  @Test
  void aSoundTopicIsFine() {
    assertThat(checks.findings(topic(limits(7 * 24 * HOUR)), waiting(HOUR, 500)))
        .singleElement()
        .extracting(Finding::grade)
        .isEqualTo(Grade.OK);
  }

  @Test
  void aMissingTopicIsAProblemWithTheCommandThatCreatesIt() {
    Finding finding = one(checks.findings(new TopicFinding.Missing("orders"), NOTHING));

    assertThat(finding.grade()).isEqualTo(Grade.PROBLEM);
    assertThat(finding.advice()).contains("topics create orders");
  }

  @Test
  void aForbiddenTopicIsAProblemThatNamesTheRights() {
    Finding finding = one(checks.findings(new TopicFinding.Forbidden("orders", "denied"), NOTHING));

    assertThat(finding.grade()).isEqualTo(Grade.PROBLEM);
    assertThat(finding.advice()).contains("Write and Describe on topic orders");
  }

  @Test
  void anEventOlderThanTheRetentionIsAWarning() {
    assertThat(checks.findings(topic(limits(HOUR)), waiting(HOUR, 500)))
        .extracting(Finding::grade)
        .containsExactly(Grade.OK);

    Finding finding = one(checks.findings(topic(limits(HOUR)), waiting(HOUR + 1, 500)));
    assertThat(finding.grade()).isEqualTo(Grade.WARNING);
    assertThat(finding.detail()).contains("retention.ms=3600000");
    assertThat(finding.advice()).contains("OUTBOX_RECORD_TIMESTAMP=send");
  }

  @Test
  void retentionIsNoMatterWhenTheTimeOfSendingCounts() {
    TopicChecks sending = new TopicChecks(RecordTimestamp.SEND, false, CLOCK, OptionalLong.empty());

    assertThat(one(sending.findings(topic(limits(HOUR)), waiting(2 * HOUR, 500))).grade())
        .isEqualTo(Grade.OK);
  }

  @Test
  void anEventThatKafkaWouldRefuseForItsAgeIsAProblem() {
    TopicFinding.Limits strict = new TopicFinding.Limits(-1, 1 << 20, 1, HOUR, HOUR, false, false);

    Finding finding = one(checks.findings(topic(strict), waiting(2 * HOUR, 500)));
    assertThat(finding.grade()).isEqualTo(Grade.PROBLEM);
    assertThat(finding.detail()).contains("message.timestamp.before.max.ms=3600000");
  }

  @Test
  void anEventOfTheFutureIsDeliveredWithAnotherTimeAndThatIsAWarning() {
    assertThat(one(checks.findings(topic(limits(-1)), waiting(-HOUR, 500))).grade())
        .isEqualTo(Grade.OK);

    Finding finding = one(checks.findings(topic(limits(-1)), waiting(-HOUR - 1, 500)));
    assertThat(finding.grade()).isEqualTo(Grade.WARNING);
    assertThat(finding.detail()).contains("message.timestamp.after.max.ms=3600000");
    TopicChecks sending = new TopicChecks(RecordTimestamp.SEND, false, CLOCK, OptionalLong.empty());
    assertThat(one(sending.findings(topic(limits(-1)), waiting(-2 * HOUR, 500))).grade())
        .isEqualTo(Grade.OK);
  }

  @Test
  void aTopicOfKafkasOwnIsAProblem() {
    Finding finding =
        one(checks.findings(new TopicFinding.Internal("__consumer_offsets"), NOTHING));
    assertThat(finding.grade()).isEqualTo(Grade.PROBLEM);
    assertThat(finding.detail()).startsWith("__consumer_offsets is Kafka's own");
  }

  @Test
  void aPartitionThatAnEventNamesAndTheTopicDoesNotHaveIsAProblem() {
    Backlog.Topic last = new Backlog.Topic(1, time(HOUR), time(HOUR), 500, 0, 2);
    Backlog.Topic beyond = new Backlog.Topic(1, time(HOUR), time(HOUR), 500, 0, 3);

    assertThat(one(checks.findings(topic(limits(-1)), of(last))).grade()).isEqualTo(Grade.OK);
    Finding finding = one(checks.findings(topic(limits(-1)), of(beyond)));
    assertThat(finding.grade()).isEqualTo(Grade.PROBLEM);
    assertThat(finding.detail()).contains("names partition 3, the topic has 3");
  }

  private static Backlog of(Backlog.Topic topic) {
    return new Backlog(Map.of("orders", topic), 1, true);
  }

  @Test
  void tooFewReplicasInSyncAreAProblem() {
    TopicFinding.Limits two =
        new TopicFinding.Limits(-1, 1 << 20, 2, Long.MAX_VALUE, HOUR, false, false);
    TopicFinding topic = new TopicFinding.Found("orders", 3, 3, 1, 0, Optional.of(two));

    Finding finding = one(checks.findings(topic, NOTHING));
    assertThat(finding.grade()).isEqualTo(Grade.PROBLEM);
    assertThat(finding.detail()).contains("1 replicas in sync, min.insync.replicas=2");
  }

  @Test
  void anEventThatIsTooLargeForCertainIsAProblem() {
    int large = (1 << 20) + 500;
    assertThat(one(checks.findings(topic(limits(-1)), waiting(HOUR, large))).grade())
        .isEqualTo(Grade.PROBLEM);
    TopicChecks compressing =
        new TopicChecks(RecordTimestamp.APPEND, true, CLOCK, OptionalLong.empty());
    assertThat(one(compressing.findings(topic(limits(-1)), waiting(HOUR, large))).grade())
        .isEqualTo(Grade.WARNING);
  }

  @Test
  void anEventLargerThanBrokersTakeInARequestIsAProblem() {
    TopicChecks small =
        new TopicChecks(RecordTimestamp.APPEND, false, CLOCK, OptionalLong.of(100_000));
    assertThat(one(small.findings(topic(limits(-1)), waiting(HOUR, 100_000))).grade())
        .isEqualTo(Grade.OK);
    assertThat(one(small.findings(topic(limits(-1)), waiting(HOUR, 100_001))).grade())
        .isEqualTo(Grade.WARNING);
    Finding finding = one(small.findings(topic(limits(-1)), waiting(HOUR, 101_000)));
    assertThat(finding.grade()).isEqualTo(Grade.PROBLEM);
    assertThat(finding.detail()).contains("socket.request.max.bytes=100000: it can't be delivered");
  }

  @Test
  void anEventThatMayBeTooLargeIsAWarning() {
    Finding finding = one(checks.findings(topic(limits(-1)), waiting(HOUR, (1 << 20) + 1)));

    assertThat(finding.grade()).isEqualTo(Grade.WARNING);
    assertThat(finding.detail()).contains("max.message.bytes=1048576");
  }

  @Test
  void anEventWithoutAKeyForACompactedTopicIsAProblem() {
    TopicFinding.Limits compacted =
        new TopicFinding.Limits(-1, 1 << 20, 1, Long.MAX_VALUE, HOUR, true, false);

    Finding finding = one(checks.findings(topic(compacted), waiting(HOUR, 500)));
    assertThat(finding.grade()).isEqualTo(Grade.PROBLEM);
    assertThat(finding.detail()).contains("compacted", "1 events without a key");
  }

  @Test
  void moreInsyncReplicasThanReplicasCanNeverBeMet() {
    TopicFinding.Limits two =
        new TopicFinding.Limits(-1, 1 << 20, 2, Long.MAX_VALUE, HOUR, false, false);

    assertThat(one(checks.findings(topic(two), NOTHING)).grade()).isEqualTo(Grade.PROBLEM);
  }

  @Test
  void partitionsWithoutALeaderAreAProblem() {
    TopicFinding topic = new TopicFinding.Found("orders", 3, 1, 1, 2, Optional.empty());

    assertThat(one(checks.findings(topic, NOTHING)).detail())
        .isEqualTo("orders: 2 partitions have no leader");
  }

  @Test
  void aConfigurationThatMayNotBeReadIsSaid() {
    TopicFinding topic = new TopicFinding.Found("orders", 3, 1, 1, 0, Optional.empty());

    assertThat(one(checks.findings(topic, waiting(2 * HOUR, 500))).detail())
        .contains("its configuration may not be read");
    assertThat(one(checks.findings(topic, waiting(HOUR, 500))).grade()).isEqualTo(Grade.WARNING);
  }

  private static Finding one(List<Finding> findings) {
    assertThat(findings).hasSize(1);
    return findings.get(0);
  }

  private static TopicFinding topic(TopicFinding.Limits limits) {
    return new TopicFinding.Found("orders", 3, 1, 1, 0, Optional.of(limits));
  }

  private static TopicFinding.Limits limits(long retentionMillis) {
    return new TopicFinding.Limits(retentionMillis, 1 << 20, 1, Long.MAX_VALUE, HOUR, false, false);
  }

  private static Backlog waiting(long ageMillis, int recordBytes) {
    return new Backlog(
        Map.of(
            "orders", new Backlog.Topic(1, time(ageMillis), time(ageMillis), recordBytes, 1, -1)),
        1,
        true);
  }

  private static long time(long ageMillis) {
    return NOW.toEpochMilli() - ageMillis;
  }
}
