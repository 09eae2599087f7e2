package dev.outboxrelay.relay.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outboxrelay.relay.config.HttpAddress;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Standing;
import dev.outboxrelay.relay.fact.Bars;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.HeldSum;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.fleet.FleetStatus;
import dev.outboxrelay.relay.fleet.OutboxOnHold;
import dev.outboxrelay.relay.history.History;
import dev.outboxrelay.relay.history.SamplerThread;
import dev.outboxrelay.relay.metrics.RelayMetrics;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.Statuses;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RelayHttpServerTest {
  private static final HttpAddress ANY_PORT = new HttpAddress("127.0.0.1", 0);
  private static final Path OUTBOX = Path.of("/var/lib/outbox");

  private final AtomicLong nanos = new AtomicLong();
  private long millis = 1_000;
  private final UnsettledAge age = new UnsettledAge(() -> Instant.ofEpochMilli(millis));
  private final RelayMetrics metrics = new RelayMetrics("1.2.3", age, List::of, nanos::get);
  private final HttpClient client = HttpClient.newHttpClient();
  private FleetStatus fleet = new FleetStatus(List.of(), List.of(), OptionalLong.empty());
  private final History history = new History(age);
  private final RelayConfig config =
      RelayConfig.from(Map.of("OUTBOX_DIR", "/o", "KAFKA_SSL_KEY_PASSWORD", "hunter2"));
  private final RelayHttpServer server = RelayHttpServer.start(ANY_PORT, pages());

  @AfterEach
  void stop() {
    server.close();
    metrics.close();
  }

  private StatusPages pages() {
    Clocks clocks = new Clocks(nanos::get, InstantSource.fixed(Instant.ofEpochMilli(1_000)));
    return new StatusPages(
        "1.2.3", metrics, () -> fleet, () -> {}, history, age, () -> config, clocks);
  }

  @Test
  void theFrontPageNamesEveryOther() throws Exception {
    assertThat(get("/").body())
        .contains("/metrics", "/healthz", "/readyz", "/status.json", "/history.json");
  }

  @Test
  void whatThePageRefersToIsServedAndNothingIsLoadedFromElsewhere() throws Exception {
    HttpResponse<String> page = get("/");
    assertThat(page.headers().firstValue("Content-Type")).hasValue("text/html; charset=utf-8");
    assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
        .startsWith("default-src 'none';")
        .doesNotContain("unsafe");
    assertThat(page.body()).doesNotContain("http://", "https://", "style=", "<style");
    Set<String> files = new TreeSet<>();
    collect("", "(?:src|href)=\"(assets/[^\"]+)\"", page.body(), files);
    for (String script : List.copyOf(files)) {
      if (script.endsWith(".js") && !script.endsWith("uplot.js")) {
        collect("assets/", "from \"\\./([^\"]+)\"", get("/" + script).body(), files);
      }
    }
    assertThat(files).hasSize(11);
    for (String file : files) {
      HttpResponse<String> response = get("/" + file);
      assertThat(response.statusCode()).as(file).isEqualTo(200);
      assertThat(response.body()).as(file).isNotBlank();
    }
  }

  @Test
  void theHistoryOfWhatIsServedCanBeAskedForAndNoOtherPath() throws Exception {
    Path other = Path.of("/var/lib/other outbox");
    fleet =
        new FleetStatus(
            List.of(Statuses.idle(OUTBOX, 0), Statuses.idle(other, 0)),
            List.of(),
            OptionalLong.empty());
    SamplerThread sampler = SamplerThread.start(history, () -> fleet.open());
    try (sampler) {
      await().until(() -> !history.of(other).isEmpty());
    }

    JsonNode json =
        new ObjectMapper().readTree(get("/history.json?outbox=%2Fvar%2Flib%2Fother+outbox").body());
    assertThat(json.get("outbox").asText()).isEqualTo(other.toString());
    assertThat(json.get("at").size()).isEqualTo(1);
    assertThat(json.get("lag_events").get(0).asLong()).isZero();
    for (String path : List.of("/history.json", "/dead-letters.json")) {
      assertThat(get(path).statusCode()).isEqualTo(404);
      assertThat(get(path + "?outbox=/etc").statusCode()).isEqualTo(404);
      assertThat(get(path + "?outbox=/var/lib/outbox/../outbox").statusCode()).isEqualTo(404);
      assertThat(raw(path + "?outbox=%zz")).startsWith("HTTP/1.1 400");
    }
  }

  @Test
  void theConfigurationIsShownWithoutItsSecrets() throws Exception {
    HttpResponse<String> response = get("/config.json");

    assertThat(response.body())
        .contains("\"OUTBOX_DIR\" : \"/o\"", "\"ssl.key.password\" : \"***\"");
    assertThat(response.body()).doesNotContain("hunter2");
  }

  @Test
  void eachOutboxHasASentence() throws Exception {
    fleet =
        new FleetStatus(
            List.of(Statuses.idle(OUTBOX, 0)),
            List.of(new OutboxOnHold(Path.of("/b"), "unusable", "no rights", 800, 2)),
            OptionalLong.empty());

    JsonNode json = new ObjectMapper().readTree(get("/status.json").body());

    assertThat(json.get("now").asLong()).isEqualTo(1_000);
    assertThat(json.at("/outboxes/0/summary/level").asText()).isEqualTo("ok");
    assertThat(json.at("/outboxes/0/summary/text").asText()).contains("nothing waits");
    assertThat(json.at("/on_hold/0/summary/level").asText()).isEqualTo("action");
  }

  private static void collect(String prefix, String pattern, String text, Set<String> into) {
    Pattern.compile(pattern)
        .matcher(text)
        .results()
        .map(match -> prefix + match.group(1))
        .forEach(into::add);
  }

  /** What the server answers to a path that a well-behaved client would not send. */
  private String raw(String path) throws IOException {
    return raw(path, "localhost");
  }

  private String raw(String path, String host) throws IOException {
    return raw(server.port(), path, host);
  }

  private static String raw(int port, String path, String host) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(30_000);
      String request =
          "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void itIsReadyOnceAnOutboxIsOpenAndHealthyAllAlong() throws Exception {
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
    assertThat(get("/readyz").statusCode()).isEqualTo(503);

    fleet = FleetStatus.of(Statuses.idle(OUTBOX, 0));
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
    assertThat(get("/readyz").statusCode()).isEqualTo(200);
  }

  @Test
  void aLoopThatStandsStillIsUnhealthyAndNamed() throws Exception {
    fleet = FleetStatus.of(Statuses.idle(OUTBOX, 0));
    nanos.set(Duration.ofSeconds(16).toNanos());

    assertThat(get("/healthz").statusCode()).isEqualTo(503);
    assertThat(get("/healthz").body()).contains("stuck", OUTBOX.toString(), "16 s");
    assertThat(get("/readyz").statusCode()).isEqualTo(503);
  }

  @Test
  void aProcessThatWatchesForOutboxesIsReadyWithoutOneAndUnhealthyOnceItStopsLooking()
      throws Exception {
    fleet = new FleetStatus(List.of(), List.of(), OptionalLong.of(0));
    assertThat(get("/readyz").statusCode()).isEqualTo(200);

    nanos.set(Duration.ofSeconds(16).toNanos());
    assertThat(get("/healthz").statusCode()).isEqualTo(503);
    assertThat(get("/healthz").body()).contains("the search for outboxes", "16 s");
  }

  @Test
  void anOutboxThatCannotBeServedIsShownWithItsReasonAndIsHealthy() throws Exception {
    fleet =
        new FleetStatus(
            List.of(),
            List.of(new OutboxOnHold(OUTBOX, "needs-operator", "restore it", 900, 3)),
            OptionalLong.of(0));

    JsonNode hold = new ObjectMapper().readTree(get("/status.json").body()).at("/on_hold/0");
    assertThat(hold.get("outbox").asText()).isEqualTo(OUTBOX.toString());
    assertThat(hold.get("reason").asText()).isEqualTo("needs-operator");
    assertThat(hold.get("error").asText()).isEqualTo("restore it");
    assertThat(hold.get("since").asLong()).isEqualTo(900);
    assertThat(hold.get("attempts").asInt()).isEqualTo(3);
    assertThat(get("/healthz").statusCode()).isEqualTo(200);
  }

  @Test
  void anOutageOfKafkaIsHealthyAndReadyAndShownInTheStatus() throws Exception {
    Trouble trouble =
        new Trouble(
            new Verdict.PauseTopic("orders", PauseReason.TOPIC_MISSING, "no such topic"), 900, 3);
    fleet =
        FleetStatus.of(
            Statuses.withLag(
                OUTBOX,
                new Standing(new DeliveryState.Delivering(), trouble),
                0,
                OptionalLong.of(800)));

    assertThat(get("/healthz").statusCode()).isEqualTo(200);
    assertThat(get("/readyz").statusCode()).isEqualTo(200);
    HttpResponse<String> response = get("/status.json");
    JsonNode outbox = new ObjectMapper().readTree(response.body()).at("/outboxes/0");
    assertThat(response.headers().firstValue("Content-Type")).hasValue("application/json");
    assertThat(outbox.get("state").asText()).isEqualTo("paused-topic");
    assertThat(outbox.at("/trouble/kind").asText()).isEqualTo("pause-topic");
    assertThat(outbox.at("/trouble/topic").asText()).isEqualTo("orders");
    assertThat(outbox.at("/trouble/do").asText()).isEqualTo("create the topic");
    assertThat(outbox.at("/trouble/attempts").asInt()).isEqualTo(3);
    assertThat(outbox.get("lag_events").asLong()).isEqualTo(2);
    assertThat(outbox.get("oldest_unsettled").asLong()).isEqualTo(800);
  }

  @Test
  void theTopicsThatCannotBeWrittenAreCountedAndTheOldestNamed() throws Exception {
    List<Trouble> oldest =
        IntStream.range(0, Bars.SHOWN)
            .mapToObj(i -> new Verdict.PauseTopic("t" + i, PauseReason.TOPIC_MISSING, "none"))
            .map(pause -> new Trouble(pause, 900, 3))
            .toList();
    Bars bars =
        new Bars(
            Map.of(
                PauseReason.TOPIC_MISSING, 9_990,
                PauseReason.TOPIC_FORBIDDEN, 10,
                PauseReason.POLICY, 0),
            oldest);
    fleet = FleetStatus.of(Statuses.barred(Statuses.idle(OUTBOX, 0), bars));

    String body = get("/status.json").body();
    JsonNode barred = new ObjectMapper().readTree(body).at("/outboxes/0/barred_topics");
    assertThat(barred.get("total").asInt()).isEqualTo(10_000);
    assertThat(barred.get("by_reason"))
        .hasToString("{\"topic-missing\":9990,\"topic-forbidden\":10}");
    assertThat(barred.get("topics")).hasSize(Bars.SHOWN);
    JsonNode first = barred.at("/topics/0");
    assertThat(first.get("topic").asText()).isEqualTo("t0");
    assertThat(first.get("reason").asText()).isEqualTo("topic-missing");
    assertThat(first.get("since").asLong()).isEqualTo(900);
    assertThat(first.get("attempts").asInt()).isEqualTo(3);
    assertThat(first.get("error").asText()).isEqualTo("none");
    assertThat(first.get("do").asText()).isEqualTo("create the topic");
    assertThat(body.length()).isLessThan(20_000);
  }

  @Test
  void nothingIsBarredWhereAllIsWell() throws Exception {
    fleet = FleetStatus.of(Statuses.idle(OUTBOX, 0));
    JsonNode outbox = new ObjectMapper().readTree(get("/status.json").body()).at("/outboxes/0");
    assertThat(outbox.get("barred_topics"))
        .hasToString("{\"total\":0,\"by_reason\":{},\"topics\":[]}");
  }

  @Test
  void theAgeOfAnEventThatNobodyCanReadGrowsAndIsTheSameOnThePageAndInTheMetrics()
      throws Exception {
    PipelineStatus unread =
        Statuses.withLag(OUTBOX, new DeliveryState.Delivering(), 0, OptionalLong.empty());
    fleet = FleetStatus.of(unread);
    metrics.watch(OUTBOX, () -> unread);
    get("/status.json");
    millis += 7_000;

    JsonNode status = new ObjectMapper().readTree(get("/status.json").body());
    assertThat(status.at("/outboxes/0/oldest_age_ms").asLong()).isEqualTo(7_000);
    assertThat(get("/metrics").body())
        .contains("outbox_relay_oldest_unsent_age_seconds{outbox=\"" + OUTBOX + "\"} 7.0");
  }

  @Test
  void metricsComeInTheFormThatIsAskedFor() throws Exception {
    HttpResponse<String> plain = get("/metrics");
    HttpResponse<String> open = get("/metrics", "application/openmetrics-text;version=1.0.0");

    assertThat(plain.headers().firstValue("Content-Type")).hasValue(RelayMetrics.PLAIN_TEXT);
    assertThat(plain.body()).contains("# TYPE jvm_memory_used_bytes gauge\n");
    assertThat(open.headers().firstValue("Content-Type")).hasValue(RelayMetrics.OPEN_METRICS);
    assertThat(open.body()).endsWith("# EOF\n");
  }

  @Test
  void whatIsLongIsCompressedForWhoAsksForIt() throws Exception {
    HttpResponse<byte[]> packed =
        client.send(
            request("/metrics").header("Accept-Encoding", "gzip").build(),
            HttpResponse.BodyHandlers.ofByteArray());
    HttpResponse<String> plain = get("/metrics");

    assertThat(packed.headers().firstValue("Content-Encoding")).hasValue("gzip");
    assertThat(packed.headers().firstValue("Content-Type")).hasValue(RelayMetrics.PLAIN_TEXT);
    assertThat(packed.headers().firstValueAsLong("Content-Length")).hasValue(packed.body().length);
    try (InputStream body = new GZIPInputStream(new ByteArrayInputStream(packed.body()))) {
      assertThat(new String(body.readAllBytes(), StandardCharsets.UTF_8))
          .contains("# TYPE jvm_memory_used_bytes gauge\n");
    }
    assertThat(packed.body().length).isLessThan(plain.body().length() / 3);
    assertThat(plain.headers().firstValue("Content-Encoding")).isEmpty();
    for (HttpResponse<?> response : List.of(packed, plain)) {
      assertThat(response.headers().firstValue("Vary")).hasValue("Accept, Accept-Encoding");
    }
    HttpResponse<String> shortOne =
        client.send(
            request("/healthz").header("Accept-Encoding", "gzip").build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(shortOne.headers().firstValue("Content-Encoding")).isEmpty();
    assertThat(shortOne.body()).isEqualTo("ok\n");
  }

  @Test
  void onTheLoopbackInterfaceTheNameOfAnotherSiteIsNotAnswered() throws Exception {
    for (String path : List.of("/", "/config.json", "/healthz", "/nothing")) {
      assertThat(raw(path, "evil.example:" + server.port()))
          .startsWith("HTTP/1.1 421")
          .contains("127.0.0.1 and [::1]")
          .doesNotContain("OUTBOX_DIR");
    }
    assertThat(raw("/healthz", "localhost:1")).startsWith("HTTP/1.1 200");
    try (RelayHttpServer everywhere =
        RelayHttpServer.start(new HttpAddress("0.0.0.0", 0), pages())) {
      assertThat(raw(everywhere.port(), "/healthz", "relay.example")).startsWith("HTTP/1.1 200");
    }
  }

  @Test
  void nothingCanBeChangedOverHttp() throws Exception {
    for (String method : List.of("POST", "PUT", "DELETE")) {
      HttpResponse<String> response =
          client.send(
              request("/status.json").method(method, HttpRequest.BodyPublishers.noBody()).build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(response.statusCode()).isEqualTo(405);
      assertThat(response.headers().firstValue("Allow")).hasValue("GET, HEAD");
    }
  }

  @Test
  void headAnswersWithoutABodyAndUnknownPathsAreNotFound() throws Exception {
    HttpResponse<String> head =
        client.send(
            request("/healthz").method("HEAD", HttpRequest.BodyPublishers.noBody()).build(),
            HttpResponse.BodyHandlers.ofString());

    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.body()).isEmpty();
    assertThat(get("/healthz/x").statusCode()).isEqualTo(404);
    assertThat(get("/metricsx").statusCode()).isEqualTo(404);
  }

  @Test
  void aPortThatIsTakenIsRefusedWithTheWayOut() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      HttpAddress address = new HttpAddress("127.0.0.1", taken.getLocalPort());

      assertThatThrownBy(() -> RelayHttpServer.start(address, pages()))
          .isInstanceOf(HttpUnavailable.class)
          .hasMessageStartingWith("OUTBOX_HTTP_ADDRESS=" + address + ": can't listen there: ")
          .hasMessageEndingWith("give another address, or off");
    }
  }

  private HttpResponse<String> get(String path) throws Exception {
    return get(path, "*/*");
  }

  private HttpResponse<String> get(String path, String accept) throws Exception {
    return client.send(
        request(path).header("Accept", accept).build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
        .timeout(Duration.ofSeconds(30));
  }

  @Test
  void whatIsParkedIsCountedAndTheTopicsWithMostOfItNamed() throws Exception {
    HeldSum sum = new HeldSum();
    for (int topic = 0; topic < 10_000; topic++) {
      sum.add(new Held.Topic("t" + topic, topic, 100L * topic), OptionalLong.of(500 + topic));
    }
    fleet = FleetStatus.of(Statuses.parked(Statuses.idle(OUTBOX, 0), sum.sum()));

    String body = get("/status.json").body();
    JsonNode parked = new ObjectMapper().readTree(body).at("/outboxes/0/parked");
    assertThat(parked.get("topics").asInt()).isEqualTo(9_999);
    assertThat(parked.get("events").asLong()).isEqualTo(49_995_000);
    assertThat(parked.get("bytes").asLong()).isEqualTo(4_999_500_000L);
    assertThat(parked.get("of")).hasSize(Bars.SHOWN);
    assertThat(parked.at("/of/0"))
        .hasToString("{\"topic\":\"t9999\",\"events\":9999,\"bytes\":999900}");
    assertThat(parked.at("/of/19/topic").asText()).isEqualTo("t9980");
    assertThat(body.length()).isLessThan(20_000);
  }
}
