package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.config.Partitioner;
import dev.outboxrelay.relay.config.RecordTimestamp;
import dev.outboxrelay.relay.deliver.Completion;
import dev.outboxrelay.relay.deliver.Transport.Answer;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.rounds.WorkThread;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RoundRobinPartitioner;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.ClusterResource;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class KafkaTransportTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final byte[] HTTP = "HTTP/1.1 400 Bad".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] BROKER = HexFormat.of().parseHex("0000000a6f627872000000000000");

  private final List<MockProducer<byte[], byte[]>> producers = new CopyOnWriteArrayList<>();

  /** Those that a failure has ended. */
  private final List<MockProducer<byte[], byte[]>> ended = new CopyOnWriteArrayList<>();

  private static final long NOW = 1_700_000_000_000L;

  private final List<ClusterGuard> guards = new CopyOnWriteArrayList<>();
  private final List<String> servers = new CopyOnWriteArrayList<>();
  private final AtomicLong nanos = new AtomicLong();
  private final Watched watched = new Watched();
  private final Connections connections = new Connections();
  private volatile KafkaSettings settings = settings("broker:9092");
  private RuntimeException refusal;
  private volatile int partitions = 1;
  private final Surveyed survey = new Surveyed();

  /** Brokers of cluster c, who know of one topic. */
  private static final class Surveyed implements TopicSurvey.Brokers {
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch answers = new CountDownLatch(1);

    @Override
    public String cluster() {
      return "c";
    }

    @Override
    public Map<String, Throwable> errors(List<String> topics) throws InterruptedException {
      asked.countDown();
      answers.await();
      Map<String, Throwable> errors = new LinkedHashMap<>();
      for (String topic : topics) {
        errors.put(
            topic, topic.equals("orders") ? null : new UnknownTopicOrPartitionException(topic));
      }
      return errors;
    }

    @Override
    public void close() {}
  }

  /** Makes producers, and what knows of one topic. */
  private final ProducerFactory factory =
      new ProducerFactory() {
        @Override
        public Producer<byte[], byte[]> create(KafkaSettings used, ClusterGuard guard) {
          return newProducer(used, guard);
        }

        @Override
        public TopicLookup lookup() {
          return new TopicLookup(
              (used, brokers) -> {
                brokers.onUpdate(new ClusterResource("c"));
                MockConsumer<byte[], byte[]> asker = new MockConsumer<>("earliest");
                PartitionInfo partition = new PartitionInfo("orders", 0, leader, NODES, NODES);
                asker.updatePartitions("orders", List.of(partition));
                return asker;
              });
        }

        @Override
        public TopicSurvey survey() {
          return new TopicSurvey(used -> survey);
        }
      };

  private KafkaTransport transport(Optional<String> pinned) {
    return new KafkaTransport(
        factory,
        new RecordTimes(RecordTimestamp.APPEND, () -> Instant.ofEpochMilli(NOW)),
        Partitioner.CRC32,
        () -> settings,
        nanos::get,
        watched,
        new OtherSide(pinned, Duration.ofMillis(100)));
  }

  private KafkaTransport transport = transport(Optional.empty());

  private static KafkaSettings settings(String servers) {
    Map<String, String> env = Map.of("KAFKA_BOOTSTRAP_SERVERS", servers);
    return KafkaSettings.from(env, 1 << 20, false, new ArrayList<>(), new ArrayList<>());
  }

  @AfterEach
  void close() {
    transport.close();
  }

  private static final Node[] NODES = {};

  /** Of all partitions; null for none. */
  private Node leader = new Node(1, "127.0.0.1", 1);

  private MockProducer<byte[], byte[]> newProducer(KafkaSettings used, ClusterGuard guard) {
    guards.add(guard);
    servers.add(used.bootstrapServers());
    if (refusal != null) {
      throw refusal;
    }
    PartitionInfo partition = new PartitionInfo("orders", 0, leader, NODES, NODES);
    List<PartitionInfo> several =
        IntStream.range(0, 8)
            .mapToObj(number -> new PartitionInfo("orders", number, leader, NODES, NODES))
            .collect(Collectors.toList());
    Cluster cluster =
        new Cluster("c", leader == null ? List.of() : List.of(leader), several, Set.of(), Set.of());
    MockProducer<byte[], byte[]> producer =
        new MockProducer<>(
            cluster,
            false,
            new RoundRobinPartitioner(),
            new ByteArraySerializer(),
            new ByteArraySerializer()) {
          @Override
          public List<PartitionInfo> partitionsFor(String topic) {
            if (partitionsForException != null) {
              throw partitionsForException;
            }
            return Collections.nCopies(partitions, partition);
          }
        };
    connections.of(producer);
    producers.add(producer);
    return producer;
  }

  /** Numbers of the producers that were shown, and 0 whenever one was let go. */
  private final class Watched implements ProducerWatch {
    private final List<Integer> seen = new CopyOnWriteArrayList<>();

    @Override
    public void using(Producer<?, ?> producer) {
      seen.add(producers.indexOf(producer) + 1);
    }

    @Override
    public void letGo() {
      int shown = seen.get(seen.size() - 1) - 1;
      assertThat(producers.get(shown).closed())
          .isEqualTo(guards.get(shown).isDiscarded() || ended.contains(producers.get(shown)));
      seen.add(0);
    }
  }

  private static final class Result implements Completion {
    private final List<String> told = new ArrayList<>();
    private boolean alone;

    @Override
    public void acked(int partition) {
      told.add("acked in " + partition);
    }

    @Override
    public void failed(Throwable error) {
      told.add(error.getClass().getSimpleName());
    }

    @Override
    public boolean isAlone() {
      return alone;
    }
  }

  private static OutboxRecord record(long timestamp) {
    return record(timestamp, null);
  }

  private static OutboxRecord record(long timestamp, Integer partition) {
    return new OutboxRecord(
        1,
        0,
        1000,
        timestamp,
        UUID.fromString("01890a5d-ac96-774b-bcce-b302099a8057"),
        "orders",
        new byte[] {1},
        new byte[] {2, 3},
        List.of(new EventHeader("a", new byte[] {4}), new EventHeader("a", null)),
        partition,
        false,
        false,
        null,
        100);
  }

  private Answer awaitAnswer() {
    return await().atMost(PATIENCE).until(transport::poll, answer -> answer != null);
  }

  private MockProducer<byte[], byte[]> connect() {
    transport.connect();
    assertThat(awaitAnswer()).isEqualTo(new Answer.Connected(null));
    return producers.get(producers.size() - 1);
  }

  /** Connected, and the topic is known. */
  private MockProducer<byte[], byte[]> ready() {
    MockProducer<byte[], byte[]> producer = connect();
    transport.ask("orders", false);
    assertThat(awaitAnswer()).isEqualTo(new Answer.TopicReady("orders", partitions));
    return producer;
  }

  @Test
  void aProducerIsNotAskedForATopicThatIsMissingAsManyAre() {
    var unused = ready();
    guards.get(0).onUpdate(new ClusterResource("c"));
    assertThat(awaitAnswer()).isEqualTo(new Answer.ClusterSeen("c", false, null));
    transport.ask("missing", true);
    assertThat(awaitAnswer())
        .isEqualTo(new Answer.TopicUnavailable("missing", TopicLookup.missing("missing")));
    // Whatever the lookup says else, the producer is asked.
    transport.ask("orders", true);
    assertThat(awaitAnswer()).isEqualTo(new Answer.TopicReady("orders", partitions));
  }

  private void know(String cluster) {
    guards.get(guards.size() - 1).onUpdate(new ClusterResource(cluster));
    assertThat(awaitAnswer()).isEqualTo(new Answer.ClusterSeen(cluster, false, null));
  }

  @Test
  void ofManyTopicsTheMissingOnesAreTold() {
    var unused = ready();
    know("c");
    survey.answers.countDown();
    transport.askTogether(List.of("gone", "orders"));
    assertThat(awaitAnswer())
        .isEqualTo(
            new Answer.TopicsUnavailable(
                Map.of("gone", (Verdict.PauseTopic) TopicLookup.missing("gone")), true));
  }

  @Test
  void whatManyTopicsAreForAFormerSenderIsNotTold() throws InterruptedException {
    var unused = ready();
    know("c");
    transport.askTogether(List.of("gone", "orders"));
    survey.asked.await();
    transport.connect();
    survey.answers.countDown();
    assertThat(awaitAnswer()).isEqualTo(new Answer.Connected(null));
    transport.ask("orders", false);
    assertThat(awaitAnswer()).isEqualTo(new Answer.TopicReady("orders", partitions));
  }

  @Test
  void aTopicWithoutAnyLeaderIsAPause() {
    leader = null;
    var unused = connect();
    transport.ask("orders", false);
    assertThat(awaitAnswer())
        .isEqualTo(
            new Answer.TopicUnavailable(
                "orders",
                new Verdict.PauseTopic(
                    "orders",
                    PauseReason.NO_LEADER,
                    "no partition of topic orders, which has " + partitions + ", has a leader")));
  }

  private Verdict send(OutboxRecord record, Completion completion) {
    return transport.send(record, transport.partitionOf(record, partitions), completion);
  }

  /** The callback of an ack comes on a thread of Kafka's client. */
  private static void onAnotherThread(Runnable what) throws InterruptedException {
    Thread thread = new Thread(what);
    thread.start();
    thread.join();
  }

  private void fail(MockProducer<byte[], byte[]> producer, RuntimeException error)
      throws InterruptedException {
    onAnotherThread(() -> producer.errorNext(error));
    if (producer.closed()) {
      ended.add(producer);
    }
  }

  @Test
  void aRecordIsHandedOnAsItIsWithItsEventIdInAHeader() {
    MockProducer<byte[], byte[]> producer = ready();
    assertThat(send(record(2000), new Result())).isNull();
    ProducerRecord<byte[], byte[]> sent = producer.history().get(0);
    assertThat(sent.topic()).isEqualTo("orders");
    assertThat(sent.key()).containsExactly(1);
    assertThat(sent.value()).containsExactly(2, 3);
    assertThat(sent.timestamp()).isEqualTo(2000);
    assertThat(
            StreamSupport.stream(sent.headers().spliterator(), false)
                .map(
                    header ->
                        header.key()
                            + "="
                            + (header.value() == null
                                ? "null"
                                : new String(header.value(), StandardCharsets.US_ASCII)))
                .collect(Collectors.toList()))
        .containsExactly(
            "a=\u0004", "a=null", "outbox-event-id=01890a5d-ac96-774b-bcce-b302099a8057");
  }

  @Test
  void aRecordsOwnPartitionWinsOverThatOfItsKey() {
    partitions = 4;
    MockProducer<byte[], byte[]> producer = ready();
    int ofKey = new Partitioning(Partitioner.CRC32).ofKey(new byte[] {1}, 4);
    int other = (ofKey + 1) % 4;
    assertThat(transport.partitionOf(record(1, other), 4)).isEqualTo(other);
    assertThat(send(record(1, other), new Result())).isNull();
    assertThat(send(record(1), new Result())).isNull();
    assertThat(producer.history())
        .extracting(ProducerRecord::partition)
        .containsExactly(other, ofKey);
  }

  @Test
  void whatTheProducerKnowsOfPartitionsIsTold() {
    assertThat(transport.updates()).isZero();
    MockProducer<byte[], byte[]> producer = ready();
    int before = transport.updates();
    partitions = 8;
    seen("A");
    assertThat(transport.updates()).isNotEqualTo(before);
    assertThat(transport.partitionsNow("orders")).isEqualTo(8);
    assertThat(transport.isConfirmed()).isTrue();
    producer.partitionsForException = new TimeoutException("nobody answers");
    assertThat(transport.partitionsNow("orders")).isNegative();
  }

  @Test
  void anAckAndAFailureAreHandedToTheCompletion() throws Exception {
    MockProducer<byte[], byte[]> producer = ready();
    Result first = new Result();
    Result second = new Result();
    assertThat(send(record(1), first)).isNull();
    assertThat(send(record(1), second)).isNull();
    onAnotherThread(producer::completeNext);
    fail(producer, new OutOfOrderSequenceException("lost"));
    assertThat(first.told).containsExactly("acked in 0");
    assertThat(second.told).containsExactly("OutOfOrderSequenceException");
  }

  private boolean endsTheProducer(RuntimeException error, boolean alone) throws Exception {
    MockProducer<byte[], byte[]> producer = ready();
    Result result = new Result();
    result.alone = alone;
    assertThat(send(record(1), result)).isNull();
    fail(producer, error);
    assertThat(result.told).containsExactly(error.getClass().getSimpleName());
    if (producer.closed()) {
      assertThat(send(record(1), result)).isInstanceOf(Verdict.RetryLater.class);
      assertThat(transport.poll()).isNull();
    } else {
      assertThat(send(record(1), result)).isNull();
    }
    return producer.closed();
  }

  @Test
  void aFailureEndsTheProducerAtOnceUnlessItsRecordAloneIsToBlame() throws Exception {
    assertThat(endsTheProducer(new OutOfOrderSequenceException("lost"), true)).isTrue();
    assertThat(endsTheProducer(new TopicAuthorizationException("not allowed"), true)).isTrue();
    assertThat(endsTheProducer(new InvalidRecordException("perhaps"), false)).isTrue();
    assertThat(endsTheProducer(new InvalidRecordException("alone"), true)).isFalse();
    assertThat(endsTheProducer(new RecordTooLargeException("for sure"), false)).isFalse();
  }

  @Test
  void whatOurOwnLimitsRefuseIsForAnOperatorAndNoDeadLetter() {
    MockProducer<byte[], byte[]> producer = ready();
    producer.sendException = new RecordTooLargeException("huge");
    Result result = new Result();
    assertThat(send(record(1), result)).isInstanceOf(Verdict.PauseAll.class);
    assertThat(result.told).isEmpty();
  }

  @Test
  void eachProducerIsShownAfterTheOneBeforeItWasLetGo() {
    connect();
    connect();
    transport.close();
    assertThat(watched.seen).containsExactly(1, 0, 2, 0);
  }

  @Test
  void aProducerThatCameTooLateIsNeverShown() {
    transport.connect();
    await().atMost(PATIENCE).until(() -> producers.size() == 1);
    connect();
    transport.close();
    assertThat(watched.seen).containsExactly(2, 0);
    assertThat(producers).allMatch(MockProducer::closed);
  }

  @Test
  void whatIsWrongWithTheSettingsIsToldAndIsAMatterForAnOperator() {
    refusal = new KafkaException("Failed to construct", new NoSuchFileException("/t.jks"));
    transport.connect();
    assertThat(awaitAnswer())
        .isEqualTo(
            new Answer.ConnectFailed(
                new Verdict.PauseAll(
                    PauseReason.CONFIGURATION,
                    "KafkaException: Failed to construct (NoSuchFileException: /t.jks)")));
  }

  @Test
  void aBrokersNameThatCannotBeLookedUpYetIsTriedAgain() {
    refusal =
        new KafkaException(
            "Failed to construct",
            new ConfigException("No resolvable bootstrap urls given in bootstrap.servers"));
    transport.connect();
    assertThat(awaitAnswer())
        .isInstanceOfSatisfying(
            Answer.ConnectFailed.class,
            failed -> assertThat(failed.verdict()).isInstanceOf(Verdict.RebuildAndRewind.class));
  }

  @Test
  void theAnswersOfAnEarlierProducerAreDropped() {
    connect();
    transport.ask("orders", false);
    transport.connect();
    assertThat(awaitAnswer()).isEqualTo(new Answer.Connected(null));
    await().atMost(PATIENCE).until(() -> producers.get(0).closed());
    assertThat(transport.poll()).isNull();
    assertThat(producers.get(1).closed()).isFalse();
  }

  @Test
  void aStrangerAmongTheAddressesIsLeftOutUntilABrokerIsThereAgain() throws IOException {
    try (Speaker good = new Speaker(BROKER);
        Speaker other = new Speaker(HTTP)) {
      settings = settings(good.address() + "," + other.address());
      transport.connect();
      assertThat(awaitAnswer())
          .isEqualTo(new Answer.Connected(other.address() + " speaks HTTP, not Kafka"));
      assertThat(servers).last().isEqualTo(good.address());
      other.say(BROKER);
      assertThat(transport.isOutdated()).isFalse();
      nanos.addAndGet(Duration.ofSeconds(30).toNanos());
      assertThat(transport.poll()).isNull();
      await().atMost(PATIENCE).until(transport::isOutdated);
      connect();
      assertThat(transport.isOutdated()).isFalse();
      assertThat(servers).last().isEqualTo(good.address() + "," + other.address());
    }
  }

  @Test
  void whereOnlyStrangersAnswerNoProducerIsMade() throws IOException {
    try (Speaker other = new Speaker(HTTP)) {
      settings = settings(other.address());
      transport.connect();
      assertThat(awaitAnswer())
          .isEqualTo(
              new Answer.ConnectFailed(
                  new Verdict.PauseAll(
                      PauseReason.FOREIGN_PEER, other.address() + " speaks HTTP, not Kafka")));
      assertThat(producers).isEmpty();
    }
  }

  @Test
  void aStrangerThatComesWhileATopicIsNotAnsweredIsKeptFromTheProducer() throws IOException {
    try (Speaker good = new Speaker(BROKER);
        Speaker other = new Speaker(BROKER)) {
      settings = settings(good.address() + "," + other.address());
      connect().partitionsForException = new TimeoutException("nobody answers");
      other.say(HTTP);
      transport.ask("orders", false);
      assertThat(awaitAnswer())
          .isEqualTo(
              new Answer.TopicUnavailable(
                  "orders",
                  new Verdict.RebuildAndRewind(other.address() + " speaks HTTP, not Kafka")));
    }
  }

  @Test
  void aTopicThatMayNotBeDescribedIsAPause() {
    connect().partitionsForException = new SaslAuthenticationException("password");
    transport.ask("orders", false);
    assertThat(awaitAnswer())
        .isInstanceOfSatisfying(
            Answer.TopicUnavailable.class,
            unavailable ->
                assertThat(unavailable.verdict())
                    .isEqualTo(
                        new Verdict.PauseAll(
                            PauseReason.AUTHENTICATION, "SaslAuthenticationException: password")));
  }

  @Test
  void aProducerThatCannotBeMadeIsAnAnswerToo() {
    refusal = new SaslAuthenticationException("no login");
    transport.connect();
    assertThat(awaitAnswer())
        .isInstanceOfSatisfying(
            Answer.ConnectFailed.class,
            failed -> assertThat(failed.verdict()).isInstanceOf(Verdict.PauseAll.class));
  }

  @Test
  void whoBeginsAndGetsNoThreadForItsProducerGivesBackThoseThatItHas() {
    refusal = new WorkThread.Unavailable("kafka-producer-network-thread");
    transport.connect();
    assertThatThrownBy(this::awaitAnswer).isSameAs(refusal).hasMessageContaining("TasksMax");
  }

  @Test
  void whoWasConnectedWaitsForAThreadForItsNextProducer() {
    connect();
    refusal = new WorkThread.Unavailable("kafka-producer-network-thread");
    transport.connect();
    assertThat(awaitAnswer())
        .isEqualTo(new Answer.ConnectFailed(new Verdict.RebuildAndRewind(refusal.getMessage())));
  }

  @Test
  void closingClosesTheProducer() {
    MockProducer<byte[], byte[]> producer = connect();
    transport.close();
    assertThat(producer.closed()).isTrue();
  }

  @Test
  void otherSettingsMakeTheProducerOutdatedAndAreThoseOfTheNextOne() {
    connect();
    assertThat(transport.isOutdated()).isFalse();
    settings = settings("other:9092");
    assertThat(transport.isOutdated()).isTrue();
    assertThat(transport.describe()).contains("broker:9092");
    connect();
    assertThat(transport.isOutdated()).isFalse();
    assertThat(servers).containsExactly("broker:9092", "other:9092");
    assertThat(transport.describe()).contains("other:9092");
  }

  private void seen(String cluster) {
    guards.get(guards.size() - 1).onUpdate(new ClusterResource(cluster));
  }

  @Test
  void theClusterIsToldOnceAndAgainWhenAnotherOneTakesItsPlace() {
    connect();
    seen("A");
    assertThat(awaitAnswer()).isEqualTo(new Answer.ClusterSeen("A", false, null));
    seen("A");
    assertThat(transport.poll()).isNull();
    seen("B");
    assertThat(awaitAnswer()).isEqualTo(new Answer.ClusterSeen("B", true, null));
  }

  @Test
  void anAckOfAnotherClusterThanTheRecordWasMeantForDoesNotCount() throws InterruptedException {
    MockProducer<byte[], byte[]> producer = ready();
    seen("A");
    Result result = new Result();
    assertThat(send(record(1), result)).isNull();
    seen("B");
    onAnotherThread(producer::completeNext);
    assertThat(result.told).isEmpty();
  }

  @Test
  void whatIsGivenUpWithAProducerThatHasSeenTwoClustersIsNoFailure() throws InterruptedException {
    MockProducer<byte[], byte[]> producer = ready();
    seen("A");
    Result result = new Result();
    assertThat(send(record(1), result)).isNull();
    seen("B");
    onAnotherThread(() -> producer.errorNext(new KafkaException("closed")));
    assertThat(result.told).isEmpty();
    assertThat(send(record(2), result)).isInstanceOf(Verdict.RetryLater.class);
    assertThat(awaitAnswer()).isEqualTo(new Answer.ClusterSeen("B", true, null));
  }

  @Test
  void whereOneClusterIsNamedATopicIsReadyOnlyWhileTheBrokersAreKnownToBeOfIt() {
    transport.close();
    transport = transport(Optional.of("A"));
    transport.connect();
    await().atMost(PATIENCE).until(() -> guards.size() == 1 && guards.get(0).connections() == 1);
    seen("A");
    assertThat(awaitAnswer()).isEqualTo(new Answer.Connected(null));
    assertThat(awaitAnswer()).isEqualTo(new Answer.ClusterSeen("A", false, null));
    transport.ask("orders", false);
    assertThat(awaitAnswer()).isEqualTo(new Answer.TopicReady("orders", 1));
    assertThat(transport.isConfirmed()).isTrue();
    connections.loseOne();
    assertThat(transport.isConfirmed()).isFalse();
    transport.ask("orders", false);
    connections.makeOne();
    seen("A");
    assertThat(awaitAnswer()).isEqualTo(new Answer.TopicReady("orders", 1));
    assertThat(transport.isConfirmed()).isTrue();
  }

  @Test
  void aNewProducerBelongsToWhicheverClusterItFindsFirst() {
    connect();
    seen("A");
    assertThat(awaitAnswer()).isEqualTo(new Answer.ClusterSeen("A", false, null));
    connect();
    seen("B");
    assertThat(awaitAnswer()).isEqualTo(new Answer.ClusterSeen("B", false, null));
  }

  @Test
  void aTimeThatBrokersRefuseBeforeItHasComeIsNoDeadLetter() throws InterruptedException {
    MockProducer<byte[], byte[]> producer = ready();
    long ahead = NOW + Duration.ofHours(2).toMillis();
    List<Throwable> errors = new ArrayList<>();
    Completion completion =
        new Completion() {
          @Override
          public void acked(int partition) {
            throw new AssertionError("acked");
          }

          @Override
          public void failed(Throwable error) {
            errors.add(error);
          }

          @Override
          public boolean isAlone() {
            return false;
          }
        };
    assertThat(send(record(ahead), completion)).isNull();
    fail(producer, new InvalidTimestampException("out of range"));
    assertThat(transport.judge("orders", errors.get(0)))
        .isInstanceOf(Verdict.RebuildAndRewind.class);
    producer = ready();
    assertThat(send(record(ahead), new Result())).isNull();
    assertThat(producer.history().get(0).timestamp()).isEqualTo(NOW);

    long past = NOW - Duration.ofHours(2).toMillis();
    assertThat(send(record(past), completion)).isNull();
    onAnotherThread(producer::completeNext);
    fail(producer, new InvalidTimestampException("out of range"));
    assertThat(transport.judge("orders", errors.get(1))).isInstanceOf(Verdict.DeadLetter.class);
  }
}
