package dev.outboxrelay.relay.kafka.settings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.record.RecordCodec;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.secret.SecretWords;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.internal.AbstractRecords;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KafkaSettingsTest {
  private static final long WINDOW = 32L << 20;
  private static final String JAAS =
      "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\""
          + " password=\"hunter2\";";

  private final List<String> errors = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  @TempDir private Path dir;

  @Test
  void whatDeliveryWithoutLossRestsOnIsAlwaysSet() throws IOException {
    Map<String, String> properties = read(Map.of()).producerProperties();

    assertThat(properties)
        .containsEntry("acks", "all")
        .containsEntry("enable.idempotence", "true")
        .containsEntry("delivery.timeout.ms", "2147483647")
        .containsEntry("retries", "2147483647");
    assertThat(Long.parseLong(properties.get("buffer.memory"))).isGreaterThan(WINDOW);
    assertThat(errors).isEmpty();
  }

  @Test
  void kafkaAcceptsWhatWeGiveItByDefault() throws IOException {
    Map<String, Object> properties = new HashMap<>(read(Map.of()).producerProperties());
    properties.put("key.serializer", ByteArraySerializer.class);
    properties.put("value.serializer", ByteArraySerializer.class);

    ProducerConfig config = new ProducerConfig(properties);

    assertThat(config.getString("acks")).isEqualTo("-1");
  }

  @Test
  void aQuietConnectionIsClosedBeforeALoadBalancerForgetsIt() {
    Map<String, String> properties = read(Map.of()).producerProperties();

    assertThat(Integer.parseInt(properties.get("connections.max.idle.ms")))
        .isLessThan((int) Duration.ofMinutes(4).toMillis());
    assertThat(read(Map.of("KAFKA_CONNECTIONS_MAX_IDLE_MS", "9000")).producerProperties())
        .containsEntry("connections.max.idle.ms", "9000");
  }

  @Test
  void brokersThatAreNamedInAFileAreShownByThatFile() throws IOException {
    Path file = Files.writeString(dir.resolve("brokers"), "a:1");

    assertThat(read(Map.of("KAFKA_BOOTSTRAP_SERVERS_FILE", file.toString())).bootstrapServers())
        .contains(file.toString());
  }

  @Test
  void aSettingIsItsNameInCapitals() throws IOException {
    KafkaSettings settings =
        read(
            Map.of(
                "KAFKA_BOOTSTRAP_SERVERS", "a:1,b:2",
                "KAFKA_SECURITY_PROTOCOL", "SASL_SSL",
                "KAFKA_LINGER_MS", "5"));

    assertThat(settings.bootstrapServers()).isEqualTo("a:1,b:2");
    assertThat(settings.producerProperties())
        .containsEntry("security.protocol", "SASL_SSL")
        .containsEntry("linger.ms", "5");
    assertThat(warnings).isEmpty();
  }

  @Test
  void namesThatKubernetesInjectsAreIgnoredWithOneWarning() {
    read(Map.of("KAFKA_PORT", "tcp://10.0.0.1:9092", "KAFKA_SERVICE_HOST", "10.0.0.1"));

    assertThat(warnings).singleElement().asString().endsWith("KAFKA_PORT, KAFKA_SERVICE_HOST");
    assertThat(errors).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "KAFKA_ACKS,1",
    "KAFKA_ACKS,0",
    "KAFKA_ENABLE_IDEMPOTENCE,false",
    "KAFKA_DELIVERY_TIMEOUT_MS,120000",
    "KAFKA_RETRIES,10",
    "KAFKA_MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION,6",
    "KAFKA_BUFFER_MEMORY,33554432",
    "KAFKA_MAX_BLOCK_MS,60000",
    "KAFKA_TRANSACTIONAL_ID,mine",
    "KAFKA_KEY_SERIALIZER,org.apache.kafka.common.serialization.StringSerializer",
    "KAFKA_COMPRESSION_TYPE,fast",
    "KAFKA_PARTITIONER_CLASS,org.apache.kafka.clients.producer.RoundRobinPartitioner",
    "KAFKA_PARTITIONER_IGNORE_KEYS,true",
    "KAFKA_INTERCEPTOR_CLASSES,org.example.Interceptor",
    "KAFKA_TRANSACTION_TWO_PHASE_COMMIT_ENABLE,true",
    "KAFKA_METADATA_RECOVERY_STRATEGY,none",
  })
  void whatWeakensDeliveryOrIsNoValueIsRefused(String name, String value) {
    read(Map.of(name, value));

    assertThat(errors).isNotEmpty().allMatch(error -> error.startsWith(name + "=" + value + ": "));
  }

  /** No event may fail, or wait for ever, for a limit of the relay's own. */
  @ParameterizedTest
  @CsvSource({
    "KAFKA_MAX_REQUEST_SIZE,1500",
    "KAFKA_MAX_REQUEST_SIZE,1048576",
    "KAFKA_BUFFER_MEMORY,33554433",
    "KAFKA_MAX_BLOCK_MS,0",
    "KAFKA_REQUEST_TIMEOUT_MS,1",
    "KAFKA_REQUEST_TIMEOUT_MS,86400000",
    "KAFKA_LINGER_MS,60000",
    "KAFKA_RETRY_BACKOFF_MS,86400000",
    "KAFKA_RETRY_BACKOFF_MAX_MS,86400000",
    "KAFKA_RECONNECT_BACKOFF_MS,86400000",
    "KAFKA_RECONNECT_BACKOFF_MAX_MS,86400000",
    "KAFKA_SOCKET_CONNECTION_SETUP_TIMEOUT_MS,1",
    "KAFKA_SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS,1",
    "KAFKA_METADATA_MAX_AGE_MS,86400000",
    "KAFKA_METADATA_MAX_IDLE_MS,5000",
    "KAFKA_METADATA_RECOVERY_REBOOTSTRAP_TRIGGER_MS,86400000",
  })
  void aLimitThatAnEventCouldRunIntoIsRefused(String name, String value) {
    read(Map.of(name, value));

    assertThat(errors)
        .singleElement()
        .asString()
        .startsWith(name + "=" + value + ": ")
        .containsAnyOf("give ", "raise it");
  }

  @Test
  void theLargestEventFitsTheSmallestLimit() {
    byte[] nothing = new byte[0];
    RecordHeader id = new RecordHeader("outbox-event-id", new byte[36]);
    int fixed = RecordCodec.FIXED_BYTES + RecordCodec.PROLOGUE_BYTES + 1;
    byte[] value = new byte[RecordLimits.EVENTS.maxRecordBytes() - fixed];
    Header[] one = {id};
    assertThat(size(nothing, value, one)).isLessThan(SettingRules.LARGEST_REQUEST);
    assertThat(size(value, nothing, one)).isLessThan(SettingRules.LARGEST_REQUEST);

    Header[] most = new Header[RecordLimits.MAX_HEADERS + 1];
    int each = value.length / RecordLimits.MAX_HEADERS - "name".length();
    Arrays.fill(most, new RecordHeader("name", new byte[each]));
    most[0] = id;
    assertThat(size(nothing, nothing, most)).isLessThan(SettingRules.LARGEST_REQUEST);
  }

  private static long size(byte[] key, byte[] value, Header... headers) {
    return AbstractRecords.estimateSizeInBytesUpperBound(
        RecordBatch.CURRENT_MAGIC_VALUE, CompressionType.NONE, key, value, headers);
  }

  @Test
  void namesOfBrokersThatAreNotVerifiedAreSaidLoudly() throws IOException {
    Path file = Files.writeString(dir.resolve("p"), "ssl.endpoint.identification.algorithm=\n");

    read(Map.of("KAFKA_CONFIG_FILE", file.toString()));

    assertThat(warnings).singleElement().asString().contains("can pose as a broker");
  }

  @ParameterizedTest
  @CsvSource({"KAFKA_ACKS,-1", "KAFKA_ACKS,all", "KAFKA_ENABLE_IDEMPOTENCE,true"})
  void sayingWhatWeInsistOnAnywayIsFine(String name, String value) {
    read(Map.of(name, value));

    assertThat(errors).isEmpty();
  }

  @Test
  void theEnvironmentWinsOverTheFile() throws IOException {
    Path file = dir.resolve("kafka.properties");
    Files.writeString(file, "linger.ms=7\nclient.id = from-file \nsome.plugin.level=3\n");

    Map<String, String> properties =
        read(Map.of("KAFKA_CONFIG_FILE", file.toString(), "KAFKA_LINGER_MS", "9"))
            .producerProperties();

    assertThat(properties)
        .containsEntry("linger.ms", "9")
        .containsEntry("client.id", "from-file")
        .containsEntry("some.plugin.level", "3");
    assertThat(warnings).singleElement().asString().contains("some.plugin.level");
  }

  @Test
  void aFileIsHeldToTheSameRulesAndNamedInTheError() throws IOException {
    Path file = dir.resolve("kafka.properties");
    Files.writeString(file, "acks=1\n");

    read(Map.of("KAFKA_CONFIG_FILE", file.toString()));

    assertThat(errors).singleElement().asString().startsWith("acks in " + file + "=1: ");
  }

  @Test
  void whatAnEditorOfWindowsPutsIntoAFileIsNoPartOfIt() throws IOException {
    Path file = dir.resolve("kafka.properties");
    Path secret = dir.resolve("jaas");
    Files.writeString(file, "\uFEFFlinger.ms=5\r\nclient.id=c\r\n");
    Files.writeString(secret, "\uFEFF" + JAAS + "\r\n");

    KafkaSettings settings =
        read(
            Map.of(
                "KAFKA_CONFIG_FILE", file.toString(),
                "KAFKA_SASL_JAAS_CONFIG_FILE", secret.toString()));

    assertThat(settings.producerProperties())
        .containsEntry("linger.ms", "5")
        .containsEntry("client.id", "c")
        .containsEntry("sasl.jaas.config", JAAS);
    assertThat(errors).isEmpty();
  }

  @Test
  void aMissingFileIsAnErrorThatNamesIt() {
    read(
        Map.of(
            "KAFKA_CONFIG_FILE", dir.resolve("no.properties").toString(),
            "KAFKA_SASL_JAAS_CONFIG_FILE", dir.resolve("no.jaas").toString()));

    assertThat(errors)
        .hasSize(2)
        .anyMatch(error -> error.contains("no.properties"))
        .anyMatch(error -> error.contains("no.jaas"));
  }

  @Test
  void aSecretInAFileIsReadWithTheRestAndToldFromAnother() throws IOException {
    Path file = dir.resolve("jaas");
    Map<String, String> env = Map.of("KAFKA_SASL_JAAS_CONFIG_FILE", file.toString());
    Files.writeString(file, JAAS + "\n");
    KafkaSettings settings = read(env);
    assertThat(settings.producerProperties()).containsEntry("sasl.jaas.config", JAAS);
    assertThat(settings.differencesTo(read(env))).isEmpty();

    Files.writeString(file, JAAS.replace("hunter2", "rotated") + "\n");
    assertThat(settings.producerProperties()).containsEntry("sasl.jaas.config", JAAS);
    assertThat(read(env).differencesTo(settings)).containsExactly("sasl.jaas.config");
    assertThat(settings.toString()).doesNotContain("hunter2");
  }

  @Test
  void aKeyStoreThatWasReplacedUnderItsNameIsADifference() throws IOException {
    Path store = dir.resolve("trust.p12");
    Map<String, String> env = Map.of("KAFKA_SSL_TRUSTSTORE_LOCATION", store.toString());
    KafkaSettings without = read(env);
    Files.writeString(store, "one");
    KafkaSettings first = read(env);
    assertThat(first.differencesTo(without)).containsExactly("ssl.truststore.location");
    assertThat(first.differencesTo(read(env))).isEmpty();
    Files.writeString(store, "two");
    assertThat(read(env).differencesTo(first)).containsExactly("ssl.truststore.location");
  }

  @Test
  void settingsThatCameOrWentAreDifferences() throws IOException {
    Path file = dir.resolve("p");
    Map<String, String> env = Map.of("KAFKA_CONFIG_FILE", file.toString());
    Files.writeString(file, "linger.ms=5\n");
    KafkaSettings before = read(env);
    Files.writeString(file, "sasl.mechanism=PLAIN\n");
    assertThat(read(env).differencesTo(before)).containsExactly("linger.ms", "sasl.mechanism");
  }

  @Test
  void aSecretGivenTwiceIsRefused() throws IOException {
    Path file = dir.resolve("jaas");
    Files.writeString(file, JAAS);

    read(Map.of("KAFKA_SASL_JAAS_CONFIG", JAAS, "KAFKA_SASL_JAAS_CONFIG_FILE", file.toString()));

    assertThat(errors)
        .singleElement()
        .asString()
        .contains("KAFKA_SASL_JAAS_CONFIG_FILE and KAFKA_SASL_JAAS_CONFIG are both set");
  }

  @Test
  void noSecretIsEverShown() throws IOException {
    Path file = dir.resolve("kafka.properties");
    Files.writeString(file, "my.plugin.password=hunter2\nssl.key.password=hunter2\n");
    Path secret = dir.resolve("store");
    Files.writeString(secret, "hunter2\n");

    KafkaSettings settings =
        read(
            Map.of(
                "KAFKA_CONFIG_FILE",
                file.toString(),
                "KAFKA_SASL_JAAS_CONFIG",
                JAAS,
                "KAFKA_SSL_TRUSTSTORE_PASSWORD_FILE",
                secret.toString(),
                "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL",
                "https://u:hunter2@idp/token"));

    assertThat(settings.masked())
        .containsEntry("sasl.jaas.config", "***")
        .containsEntry("sasl.oauthbearer.token.endpoint.url", "https://***@idp/token")
        .containsEntry("ssl.truststore.password", "*** (from " + secret + ")");
    assertThat(settings + " " + settings.masked() + errors + warnings).doesNotContain("hunter2");
    assertThat(settings.producerProperties().toString()).contains("hunter2");
  }

  @Test
  void onlyWhatIsKnownAndNoSecretIsShown() throws IOException {
    Path file = dir.resolve("kafka.properties");
    Files.writeString(
        file,
        """
        sasl.jass.config=hunter2
        my.plugin.pwd=hunter2
        my.authorization=Bearer hunter2
        sasl.kerberos.kinit.cmd=kinit --password hunter2
        sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required
          hunter2="x" hunter2 hunter2;
        bootstrap.servers=hunter2@broker:9092,b:1
        sasl.oauthbearer.jwks.endpoint.url=https://idp/keys?client_secret=hunter2#hunter2
        linger.ms=3
        """);

    KafkaSettings settings = read(Map.of("KAFKA_CONFIG_FILE", file.toString()));

    assertThat(settings.masked())
        .containsEntry("sasl.jass.config", "***")
        .containsEntry("my.plugin.pwd", "***")
        .containsEntry("bootstrap.servers", "***@broker:9092,b:1")
        .containsEntry("sasl.oauthbearer.jwks.endpoint.url", "https://idp/keys?***")
        .containsEntry("linger.ms", "3");
    assertThat(warnings)
        .singleElement()
        .asString()
        .contains("my.authorization, my.plugin.pwd, sasl.jass.config, and 1 that are no names");
    assertThat(settings + " " + errors + warnings).doesNotContain("hunter2");
    assertThat(SecretWords.OF_THIS_PROCESS.scrub("about hunter2")).isEqualTo("about ***");
  }

  @Test
  void aSecretThatWasGivenForTheNameOfItsFileIsNotShown() {
    read(Map.of("KAFKA_SSL_KEY_PASSWORD_FILE", "hunter2"));

    assertThat(errors)
        .singleElement()
        .asString()
        .contains("absolute path")
        .doesNotContain("hunter2");
  }

  private KafkaSettings read(Map<String, String> env) {
    return KafkaSettings.from(env, WINDOW, false, errors, warnings);
  }
}
