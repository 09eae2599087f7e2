package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PeerProbeTest {
  private static final PeerProbe PROBE = new PeerProbe(Duration.ofSeconds(20));

  /** Says one thing to whoever says anything, at a port of its own. */
  private static final class Speaker implements AutoCloseable {
    private final ServerSocket socket = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());

    Speaker(byte[] answer) throws IOException {
      Thread thread = new Thread(() -> speak(answer), "speaker");
      thread.setDaemon(true);
      thread.start();
    }

    private void speak(byte[] answer) {
      while (!socket.isClosed()) {
        try (Socket connection = socket.accept()) {
          int unused = connection.getInputStream().read(new byte[100]);
          connection.getOutputStream().write(answer);
        } catch (IOException e) {
          // The next one.
        }
      }
    }

    Peer look() {
      return PROBE.plain("127.0.0.1", socket.getLocalPort());
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @Test
  void aServerThatSpeaksTlsIsNamed() throws IOException {
    try (Speaker tls = new Speaker(HexFormat.of().parseHex("15030300020250"))) {
      assertThat(tls.look().kind()).isEqualTo(Peer.Kind.TLS);
    }
  }

  @Test
  void aServerThatSpeaksHttpIsNamed() throws IOException {
    try (Speaker http = new Speaker(ascii("HTTP/1.1 400 Bad Request\r\n\r\n"))) {
      assertThat(http.look()).isEqualTo(new Peer(Peer.Kind.FOREIGN, "speaks HTTP, not Kafka"));
    }
  }

  @Test
  void whateverElseIsNoKafka() throws IOException {
    try (Speaker other = new Speaker(ascii("220 mail.example.org ESMTP\r\n"))) {
      assertThat(other.look().kind()).isEqualTo(Peer.Kind.FOREIGN);
    }
  }

  @Test
  void whoSaysNothingIsNotTakenForAStranger() throws IOException {
    try (Speaker silent = new Speaker(new byte[0])) {
      assertThat(silent.look().kind()).isEqualTo(Peer.Kind.SILENT);
    }
    Speaker gone = new Speaker(new byte[0]);
    gone.close();
    assertThat(gone.look().kind()).isEqualTo(Peer.Kind.UNREACHABLE);
  }

  @Test
  void anAnswerToTheQuestionIsABrokersAlsoIfItWantsALoginBeforeItSaysMore() throws IOException {
    try (Speaker kafka = new Speaker(HexFormat.of().parseHex("0000000a6f627872000000000000"))) {
      assertThat(kafka.look().kind()).isEqualTo(Peer.Kind.GUARDED);
    }
  }

  @Test
  void oneStrangerAmongTheAddressesIsNamedWithItsAddress() throws IOException {
    try (Speaker http = new Speaker(ascii("HTTP/1.1 400 Bad Request\r\n\r\n"));
        Speaker silent = new Speaker(new byte[0])) {
      String stranger = "127.0.0.1:" + http.socket.getLocalPort();
      String servers = "127.0.0.1:" + silent.socket.getLocalPort() + "," + stranger;
      KafkaSettings settings =
          KafkaSettings.from(
              Map.of("KAFKA_BOOTSTRAP_SERVERS", servers),
              1 << 20,
              false,
              new ArrayList<>(),
              new ArrayList<>());
      Verdict verdict = new OtherSide(Optional.empty(), Duration.ofSeconds(20)).strangers(settings);
      assertThat(verdict.reasonLabel()).isEqualTo("foreign-peer");
      assertThat(verdict.error()).contains(stranger + " speaks HTTP");
    }
  }
}
