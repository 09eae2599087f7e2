package dev.outboxrelay.relay.kafka;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Finds out what listens at an address, by the question that every Kafka client asks first.
 *
 * <p>Kafka's client must not meet a stranger: it takes the first four bytes that come for a length
 * and allocates that much, some hundred megabytes for what a TLS or HTTP server says.
 */
public final class PeerProbe {
  /** Longer than any list of the versions that a broker knows. */
  private static final int LONGEST_ANSWER = 1 << 20;

  private static final short API_VERSIONS = 18;
  private static final int CORRELATION = 0x6f757462;
  private static final byte[] CLIENT = "outbox-relay-probe".getBytes(StandardCharsets.US_ASCII);

  private final Duration patience;

  /**
   * A probe.
   *
   * @param patience for the connection, and again for the answer
   */
  public PeerProbe(Duration patience) {
    this.patience = patience;
  }

  /** What listens there. */
  public sealed interface Peer {
    /** A broker. */
    record Kafka() implements Peer {}

    /** Nobody, or somebody who says nothing; that may pass. */
    record Silent(String why) implements Peer {}

    /**
     * Something else.
     *
     * @param protocol what it speaks, for a person
     */
    record Foreign(String protocol) implements Peer {}
  }

  /**
   * Connects and asks.
   *
   * @param tls whether Kafka is to be spoken inside of TLS. No certificate is looked at, as nothing
   *     is entrusted to the other side
   */
  public Peer look(String host, int port, boolean tls) {
    int millis = Math.toIntExact(patience.toMillis());
    try (Socket plain = new Socket()) {
      plain.connect(new InetSocketAddress(host, port), millis);
      plain.setSoTimeout(millis);
      return tls ? insideOfTls(plain, host, port) : ask(plain);
    } catch (IOException | GeneralSecurityException e) {
      return new Peer.Silent(e.toString());
    }
  }

  private static Peer insideOfTls(Socket plain, String host, int port)
      throws IOException, GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new AnyCertificate()}, new SecureRandom());
    try (SSLSocket secured =
        (SSLSocket) context.getSocketFactory().createSocket(plain, host, port, true)) {
      secured.startHandshake();
      return ask(secured);
    }
  }

  private static Peer ask(Socket socket) throws IOException {
    ByteBuffer question = ByteBuffer.allocate(14 + CLIENT.length);
    question.putInt(10 + CLIENT.length).putShort(API_VERSIONS).putShort((short) 0);
    question.putInt(CORRELATION).putShort((short) CLIENT.length).put(CLIENT);
    DataOutputStream out = new DataOutputStream(socket.getOutputStream());
    out.write(question.array());
    out.flush();
    InputStream in = socket.getInputStream();
    return judge(in.readNBytes(8));
  }

  /** By the first bytes of an answer. */
  static Peer judge(byte[] answer) {
    if (answer.length == 0) {
      return new Peer.Silent("it closes the connection without an answer");
    }
    String text = new String(answer, StandardCharsets.ISO_8859_1);
    if (answer.length == 8) {
      ByteBuffer fields = ByteBuffer.wrap(answer);
      int length = fields.getInt();
      if (length >= 4 && length <= LONGEST_ANSWER && fields.getInt() == CORRELATION) {
        return new Peer.Kafka();
      }
    }
    if (answer.length > 1 && (answer[0] == 0x15 || answer[0] == 0x16) && answer[1] == 3) {
      return new Peer.Foreign("TLS");
    } else if (text.startsWith("HTTP") || text.startsWith("<")) {
      return new Peer.Foreign("HTTP");
    } else if (text.startsWith("SSH-")) {
      return new Peer.Foreign("SSH");
    }
    return new Peer.Foreign("another protocol");
  }

  private static final class AnyCertificate implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
