package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.doctor.Doctor;
import dev.outboxrelay.relay.doctor.Finding;
import dev.outboxrelay.relay.doctor.Finding.Grade;
import dev.outboxrelay.relay.doctor.KafkaChecks;
import dev.outboxrelay.relay.inspect.Backlog;
import dev.outboxrelay.relay.kafka.KafkaAdmin;
import dev.outboxrelay.relay.kafka.KafkaRefused;
import dev.outboxrelay.relay.kafka.TopicFinding;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.assertj.core.data.Offset;
import org.awaitility.Awaitility;
import org.awaitility.core.ThrowingRunnable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The checks that ask a cluster, against a broker that has an authorizer. */
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class KafkaAdminIT {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  @TempDir static Path brokerData;
  private static Broker broker;

  @TempDir private Path dir;

  @BeforeAll
  static void startBroker() throws Exception {
    broker =
        new Broker(
            brokerData.resolve("kafka"),
            "--property",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "--property",
            "allow.everyone.if.no.acl.found=true");
  }

  @AfterAll
  static void stopBroker() {
    broker.close();
  }

  @Test
  void aClusterTellsItsIdAndItsBrokers() {
    try (KafkaAdmin admin = admin()) {
      assertThat(admin.cluster().id()).isNotEmpty();
      assertThat(admin.cluster().addresses()).containsExactly(broker.bootstrap());
      assertThat(admin.cluster().millis().orElseThrow())
          .isCloseTo(System.currentTimeMillis(), Offset.offset(60_000L));
    }
  }

  @Test
  void topicsAreCreatedOnceAndDescribedWithTheirLimits() throws Exception {
    broker.createTopic("limited", 1, Map.of("retention.ms", "60000", "cleanup.policy", "compact"));
    try (KafkaAdmin admin = admin()) {
      assertThat(admin.create("made", Optional.of(3), Optional.empty())).isTrue();
      assertThat(admin.create("made", Optional.of(5), Optional.empty())).isFalse();

      eventually(() -> assertDescribed(admin.describe(List.of("made", "limited", "none"))));
    }
  }

  private static void assertDescribed(List<TopicFinding> findings) {
    assertThat(findings.get(0))
        .isInstanceOfSatisfying(
            TopicFinding.Found.class,
            made -> {
              assertThat(made.partitions()).isEqualTo(3);
              assertThat(made.replication()).isEqualTo(1);
              assertThat(made.leaderless()).isZero();
            });
    assertThat(findings.get(1))
        .isInstanceOfSatisfying(
            TopicFinding.Found.class,
            limited -> {
              assertThat(limited.limits().orElseThrow().retentionMillis()).isEqualTo(60_000);
              assertThat(limited.limits().orElseThrow().compacted()).isTrue();
            });
    assertThat(findings.get(2)).isEqualTo(new TopicFinding.Missing("none"));
  }

  @Test
  void aTopicThatMayNotBeWrittenIsForbidden() throws Exception {
    broker.createTopic("read-only", 1, Map.of());
    broker.createTopic("hidden", 1, Map.of());
    deny("read-only", AclOperation.WRITE);
    deny("hidden", AclOperation.DESCRIBE);

    try (KafkaAdmin admin = admin()) {
      eventually(
          () ->
              assertThat(admin.describe(List.of("read-only", "hidden")))
                  .allMatch(finding -> finding instanceof TopicFinding.Forbidden));
    }
  }

  @Test
  void aNameThatNoTopicCanHaveIsRefused() {
    try (KafkaAdmin admin = admin()) {
      assertThatThrownBy(() -> admin.create("a b", Optional.empty(), Optional.empty()))
          .isInstanceOf(KafkaRefused.class)
          .hasMessageContaining("can't create topic a b");
    }
  }

  @Test
  void aClusterThatDoesNotAnswerIsNamed() {
    try (KafkaAdmin admin =
        KafkaAdmin.open(config("127.0.0.1:1").kafka(), Duration.ofMillis(500))) {
      assertThatThrownBy(admin::cluster)
          .isInstanceOf(KafkaRefused.class)
          .hasMessageContaining("127.0.0.1:1");
    }
  }

  @Test
  void theDoctorFindsTheTopicThatHoldsEventsUpAndNoFaultElsewhere() throws Exception {
    broker.createTopic("there", 1, Map.of());
    try (Outbox outbox = Outbox.builder().path(dir.resolve("outbox")).open()) {
      outbox.append(OutboxEvent.of("there", "value"));
      outbox.append(OutboxEvent.of("not-there", "value"));
    }

    Doctor doctor = new Doctor(config(broker.bootstrap()), Clock.systemUTC(), TIMEOUT);
    eventually(() -> assertOnlyOneTopicIsMissing(doctor.examine()));
  }

  @Test
  void aClockThatIsAheadOfTheBrokersIsAProblemOnceKafkaRefusesItsTimes() {
    assertThat(clockFindings(Duration.ZERO)).isEmpty();
    assertThat(clockFindings(Duration.ofMinutes(-10)))
        .singleElement()
        .extracting(Finding::grade)
        .isEqualTo(Grade.WARNING);
    assertThat(clockFindings(Duration.ofHours(2)))
        .singleElement()
        .extracting(Finding::grade)
        .isEqualTo(Grade.PROBLEM);
  }

  private List<Finding> clockFindings(Duration ahead) {
    Clock clock = Clock.offset(Clock.systemUTC(), ahead);
    return new KafkaChecks(config(broker.bootstrap()), clock, TIMEOUT)
        .findings(Set.of(), new Backlog(Map.of(), 0, true)).stream()
            .filter(finding -> finding.check().equals("clock"))
            .collect(Collectors.toList());
  }

  private static void assertOnlyOneTopicIsMissing(List<Finding> findings) {
    assertThat(findings)
        .filteredOn(finding -> finding.grade() == Grade.PROBLEM)
        .singleElement()
        .extracting(Finding::detail)
        .asString()
        .startsWith("not-there does not exist");
    assertThat(findings)
        .filteredOn(finding -> finding.check().equals("topic"))
        .anyMatch(finding -> finding.detail().startsWith("there, partitions: 1"));
  }

  /** What one request has changed, the next may not see yet. */
  private static void eventually(ThrowingRunnable assertion) {
    Awaitility.await().atMost(TIMEOUT.multipliedBy(2)).untilAsserted(assertion);
  }

  private static void deny(String topic, AclOperation operation) throws Exception {
    AclBinding binding =
        new AclBinding(
            new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL),
            new AccessControlEntry("User:ANONYMOUS", "*", operation, AclPermissionType.DENY));
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()))) {
      admin.createAcls(List.of(binding)).all().get(60, TimeUnit.SECONDS);
    }
  }

  private KafkaAdmin admin() {
    return KafkaAdmin.open(config(broker.bootstrap()).kafka(), TIMEOUT);
  }

  private RelayConfig config(String bootstrap) {
    return RelayConfig.from(
        Map.of(
            "OUTBOX_DIR", dir.resolve("outbox").toString(), "KAFKA_BOOTSTRAP_SERVERS", bootstrap));
  }
}
