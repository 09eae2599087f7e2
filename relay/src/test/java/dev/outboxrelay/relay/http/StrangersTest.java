package dev.outboxrelay.relay.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.relay.config.HttpAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that want nothing good; each test asks for health through them. */
@Timeout(120)
class StrangersTest {
  /** More than sockets take for a client that reads nothing. */
  private static final int BIG = 16 << 20;

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final HttpLimits LIMITS =
      new HttpLimits(8, 4096, LONG, LONG, LONG, LONG, 5L << 20);

  private final CountDownLatch disk = new CountDownLatch(1);
  private final List<Socket> strangers = new ArrayList<>();
  private RelayHttpServer server = start(LIMITS);

  private RelayHttpServer start(HttpLimits limits) {
    Endpoint health = request -> Response.plain(Response.OK, "ok");
    Endpoint big = request -> Response.plain(Response.OK, "x".repeat(BIG));
    Endpoint hanging =
        request -> {
          try {
            disk.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return Response.plain(Response.OK, "at last");
        };
    return RelayHttpServer.start(
        "ADDRESS",
        "http",
        new HttpAddress("127.0.0.1", 0),
        Map.of("/healthz", health),
        Map.of("/big", big, "/hanging", hanging),
        limits);
  }

  @AfterEach
  void stop() throws IOException {
    disk.countDown();
    server.close();
    for (Socket stranger : strangers) {
      stranger.close();
    }
  }

  private void restart(HttpLimits limits) {
    server.close();
    server = start(limits);
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(64 << 10); // it would grow with who reads fast
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
    socket.setSoTimeout(60_000);
    strangers.add(socket);
    return socket;
  }

  private Socket send(String bytes) throws IOException {
    Socket socket = connect();
    socket.getOutputStream().write(bytes.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private static String answer(Socket socket) throws IOException {
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
  }

  private Socket get(String path) throws IOException {
    return send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }

  private void assertHealthy() throws IOException {
    assertThat(answer(get("/healthz"))).startsWith("HTTP/1.1 200 OK\r\n").endsWith("\r\n\r\nok\n");
  }

  /** Whether the other side has let go of it. */
  private static boolean isClosed(Socket socket) {
    try {
      socket.setSoTimeout(1);
      return socket.getInputStream().read() < 0;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  /** How many are still held, beside one whose answer is to be read later. */
  private long heldBeside(Socket asked) {
    return strangers.stream().filter(one -> one != asked && !isClosed(one)).count();
  }

  @Test
  void whoSaysNothingIsNoObstacleAndHoldsNoMoreThanTheLimit() throws Exception {
    for (int i = 0; i < 40; i++) {
      connect();
    }
    assertHealthy();

    await()
        .untilAsserted(
            () -> assertThat(heldBeside(null)).isLessThanOrEqualTo(LIMITS.connections()));
    assertHealthy();
  }

  @Test
  void whoNeverComesToAnEndIsNoObstacleAndGoesFirst() throws Exception {
    Socket asked = get("/hanging");
    assertHealthy();
    for (int i = 0; i < 40; i++) {
      send("GET / HT");
    }
    assertHealthy();

    await().untilAsserted(() -> assertThat(heldBeside(asked)).isLessThan(LIMITS.connections()));
    disk.countDown();
    assertThat(answer(asked)).endsWith("at last\n");
  }

  @Test
  void aHeadThatComesByteByByteIsAnswered() throws Exception {
    Socket slow = send("GET /healthz HTTP/1.1\r\n");
    for (byte b : "Host: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII)) {
      slow.getOutputStream().write(b);
      slow.getOutputStream().flush();
    }

    assertThat(answer(slow)).startsWith("HTTP/1.1 200 OK\r\n");
  }

  @Test
  void headersWithoutAnEndAreRefusedAtTheLimit() throws Exception {
    Socket endless = send("GET /healthz HTTP/1.1\r\n" + "X: y\r\n".repeat(1000));

    assertThat(answer(endless)).startsWith("HTTP/1.1 431 ").contains("at most 4096 bytes");
    assertHealthy();
  }

  @Test
  void whatIsNoHttpIsRefused() throws Exception {
    for (String bytes :
        List.of(
            "hello\r\n\r\n",
            "GET /healthz\r\n\r\n",
            "GET /%zz HTTP/1.1\n\n",
            "GET mailto:somebody HTTP/1.1\r\n\r\n")) {
      assertThat(answer(send(bytes))).as(bytes).startsWith("HTTP/1.1 400 ");
    }
    assertThat(answer(send("GET /healthz HTTP/1.1\r\n: y\r\n\r\n"))).startsWith("HTTP/1.1 400 ");
  }

  @Test
  void anAnswerOutlivesABodyThatNobodyAskedFor() throws Exception {
    Socket post = send("POST /healthz HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
    awaitBegun(post);
    for (int i = 0; i < 100; i++) {
      post.getOutputStream().write(new byte[1000]);
    }

    assertThat(answer(post)).startsWith("HTTP/1.1 405 ").contains("Allow: GET, HEAD\r\n");
  }

  @Test
  void whoNeverTakesItsAnswerHoldsOneAnswerAtMost() throws Exception {
    for (int i = 0; i < 6; i++) {
      awaitBegun(get("/big"));
    }
    assertHealthy();
    Socket reader = get("/big");

    assertThat(answer(reader).length()).isGreaterThan(BIG);
    assertHealthy();
    assertThat(strangers.subList(0, 6)).noneMatch(StrangersTest::isWhole);
  }

  @Test
  void whoTakesItsAnswerOutlivesThoseWhoAskLaterAndTakeNone() throws Exception {
    restart(new HttpLimits(8, 4096, LONG, LONG, LONG, LONG, 2L * BIG));
    Socket reader = get("/big");
    awaitBegun(reader);
    int taken = 0;
    for (int i = 0; i < 3; i++) {
      awaitBegun(get("/big"));
      // More than was under way: the relay wrote it after the last one's answer.
      taken += reader.getInputStream().readNBytes(BIG / 4).length;
    }

    assertThat(taken + answer(reader).length()).isGreaterThan(BIG);
  }

  /** Waits until its answer is being sent; whose turn it is depends on the threads. */
  private static void awaitBegun(Socket asked) {
    await().until(() -> asked.getInputStream().available() > 0);
  }

  @Test
  void aPageThatHangsTakesNotHealthAndOthersAreToldToAskAgain() throws Exception {
    for (int i = 0; i < 30; i++) {
      get("/hanging");
      assertHealthy();
    }
    await().untilAsserted(() -> assertThat(answer(get("/big"))).startsWith("HTTP/1.1 503 "));
    assertHealthy();
  }

  @Test
  void eachStepHasItsDeadline() throws Exception {
    Duration brief = Duration.ofMillis(50);
    restart(new HttpLimits(8, 4096, brief, LONG, LONG, LONG, BIG));
    assertThat(answer(send("GET /healthz HTTP/1.1\r\n"))).isEmpty();

    restart(new HttpLimits(8, 4096, LONG, brief, LONG, LONG, BIG));
    assertThat(answer(get("/hanging"))).isEmpty();

    restart(new HttpLimits(8, 4096, LONG, LONG, LONG, brief, BIG));
    Socket answered = get("/healthz");
    assertThat(answer(answered)).startsWith("HTTP/1.1 200 ");
    await().untilAsserted(() -> assertThat(isGone(answered)).isTrue());
  }

  /** Whether all of a big answer is there to be read. */
  private static boolean isWhole(Socket asked) {
    try {
      return answer(asked).length() > BIG;
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether writing to it fails, as nobody is there any more. */
  private static boolean isGone(Socket socket) {
    try {
      socket.getOutputStream().write('x');
      return false;
    } catch (IOException e) {
      return true;
    }
  }
}
