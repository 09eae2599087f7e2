package dev.outboxrelay.relay.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class PeerProbeTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final PeerProbe PROBE = new PeerProbe(PATIENCE);
  private static final OtherSide OTHER_SIDE = new OtherSide(Optional.empty(), PATIENCE);
  private static final byte[] HTTP = ascii("HTTP/1.1 400 Bad Request\r\n\r\n");
  private static final byte[] TLS = HexFormat.of().parseHex("15030300020250");

  private static Peer look(Speaker speaker) {
    return PROBE.plain(new InetSocketAddress(InetAddress.getLoopbackAddress(), speaker.port()));
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @Test
  void aServerThatSpeaksTlsIsNamed() throws IOException {
    try (Speaker tls = new Speaker(TLS)) {
      assertThat(look(tls).kind()).isEqualTo(Peer.Kind.TLS);
    }
  }

  @Test
  void aServerThatSpeaksHttpIsNamed() throws IOException {
    try (Speaker http = new Speaker(HTTP)) {
      assertThat(look(http)).isEqualTo(new Peer(Peer.Kind.FOREIGN, "speaks HTTP, not Kafka"));
    }
  }

  @Test
  void whateverElseIsNoKafka() throws IOException {
    try (Speaker other = new Speaker(ascii("220 mail.example.org ESMTP\r\n"))) {
      assertThat(look(other).kind()).isEqualTo(Peer.Kind.FOREIGN);
    }
  }

  @Test
  void whoSaysNothingIsNotTakenForAStranger() throws IOException {
    try (Speaker silent = new Speaker(new byte[0])) {
      assertThat(look(silent).kind()).isEqualTo(Peer.Kind.SILENT);
    }
    Speaker gone = new Speaker(new byte[0]);
    gone.close();
    assertThat(look(gone).kind()).isEqualTo(Peer.Kind.UNREACHABLE);
  }

  @Test
  void anAnswerToTheQuestionIsABrokersAlsoIfItWantsALoginBeforeItSaysMore() throws IOException {
    try (Speaker kafka = new Speaker(HexFormat.of().parseHex("0000000a6f627872000000000000"))) {
      assertThat(look(kafka).kind()).isEqualTo(Peer.Kind.GUARDED);
    }
  }

  private static KafkaSettings settings(Speaker... speakers) {
    String servers = Arrays.stream(speakers).map(Speaker::address).collect(Collectors.joining(","));
    return KafkaSettings.from(
        Map.of("KAFKA_BOOTSTRAP_SERVERS", servers),
        1 << 20,
        false,
        new ArrayList<>(),
        new ArrayList<>());
  }

  @Test
  void aStrangerAmongTheAddressesIsNamedAndLeftOut() throws IOException {
    try (Speaker http = new Speaker(HTTP);
        Speaker silent = new Speaker(new byte[0])) {
      Bootstrap found = OTHER_SIDE.look(settings(silent, http));
      assertThat(found.refusal()).isNull();
      assertThat(found.complaint()).isEqualTo(http.address() + " speaks HTTP, not Kafka");
      assertThat(found.usable().bootstrapAddresses()).containsExactly(silent.address());
    }
  }

  @Test
  void nothingIsLeftOutWhereThereAreNoStrangers() throws IOException {
    try (Speaker silent = new Speaker(new byte[0])) {
      KafkaSettings settings = settings(silent);
      assertThat(OTHER_SIDE.look(settings).complaint()).isNull();
      assertThat(OTHER_SIDE.look(settings).usable()).isSameAs(settings);
    }
  }

  @Test
  void nothingButStrangersIsRefusedAndAllAreNamed() throws IOException {
    try (Speaker http = new Speaker(HTTP);
        Speaker tls = new Speaker(TLS)) {
      Verdict verdict = OTHER_SIDE.look(settings(http, tls)).refusal();
      assertThat(verdict.reasonLabel()).isEqualTo("foreign-peer");
      assertThat(verdict.error())
          .contains(http.address() + " speaks HTTP")
          .contains(tls.address() + " speaks TLS");
    }
  }

  @Test
  void aClientIsMadeAnewWhereItMayMeetAStrangerThatCameLater() throws IOException {
    try (Speaker http = new Speaker(HTTP);
        Speaker silent = new Speaker(new byte[0]);
        Speaker tls = new Speaker(TLS)) {
      KafkaSettings settings = settings(http, silent, tls);
      Bootstrap now = OTHER_SIDE.look(settings);
      Bootstrap before =
          new Bootstrap(settings, new TreeMap<>(Map.of(http.address(), "speaks HTTP")));
      assertThat(now.after(now)).isNull();
      assertThat(before.after(now))
          .isEqualTo(
              new Verdict.RebuildAndRewind(
                  tls.address() + " speaks TLS; set KAFKA_SECURITY_PROTOCOL=SSL or SASL_SSL"));
    }
  }
}
