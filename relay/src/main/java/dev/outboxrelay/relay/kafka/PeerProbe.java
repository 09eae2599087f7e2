package dev.outboxrelay.relay.kafka;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.apache.kafka.common.protocol.ApiKeys;

/**
 * Tells what answers at an address by its first bytes. Kafka's client takes them for the length of
 * an answer: of a TLS alert or of HTTP it makes a buffer of hundreds of megabytes, and then says
 * nothing, or that memory is short. Sends no credentials.
 */
final class PeerProbe {
  private static final int CORRELATION = 0x6F627872;
  private static final int LONGEST_ANSWER = 16 << 20;
  private static final int MOST_BROKERS = 10_000;
  private static final int TLS_ALERT = 0x15;
  private static final int TLS_HANDSHAKE = 0x16;
  private static final int TLS_MAJOR_VERSION = 3;

  private static final String HANGS_UP = "ends the connection without an answer; is that Kafka?";

  private final int timeoutMillis;

  PeerProbe(Duration timeout) {
    this.timeoutMillis = Math.toIntExact(timeout.toMillis());
  }

  /** What is there for a client that does not use TLS. */
  Peer plain(InetSocketAddress address) {
    try (Socket socket = connect(address)) {
      return ask(socket);
    } catch (IOException e) {
      return unreachable(e);
    }
  }

  /**
   * What is there for a client that does; whether it is trusted is not looked at.
   *
   * @param address with the name that the client has for it: routers choose by that who answers
   */
  Peer tls(InetSocketAddress address) {
    try (Socket socket = connect(address)) {
      return askWithTls(socket, address);
    } catch (IOException e) {
      return unreachable(e);
    }
  }

  private Peer askWithTls(Socket socket, InetSocketAddress address) throws IOException {
    try (SSLSocket tls = AnyCertificate.over(socket, address.getHostString(), address.getPort())) {
      tls.startHandshake();
      Peer peer = ask(tls);
      // Some hang up on who has no certificate: Kafka's client finds out.
      return peer.detail().equals(HANGS_UP) ? new Peer(Peer.Kind.KAFKA, "speaks TLS") : peer;
    } catch (SSLException | EOFException e) {
      Peer plain = plain(address);
      return switch (plain.kind()) {
        // It wants something of us: Kafka's client says what.
        case TLS -> new Peer(Peer.Kind.KAFKA, "speaks TLS");
        case KAFKA, GUARDED ->
            new Peer(
                Peer.Kind.FOREIGN,
                "speaks Kafka without TLS; set KAFKA_SECURITY_PROTOCOL="
                    + (plain.kind() == Peer.Kind.KAFKA ? "PLAINTEXT" : "SASL_PLAINTEXT"));
        case FOREIGN, SILENT, UNREACHABLE -> plain;
      };
    }
  }

  private Socket connect(InetSocketAddress address) throws IOException {
    if (address.isUnresolved()) {
      throw new ConnectException("is a name that can't be resolved here");
    }
    Socket socket = new Socket();
    try {
      socket.setSoTimeout(timeoutMillis);
      socket.connect(address, timeoutMillis);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private static Peer unreachable(IOException error) {
    String detail =
        error instanceof SocketTimeoutException
            ? "can't be reached: no connection in time; a firewall may drop it"
            : error instanceof ConnectException && error.getMessage().startsWith("is a name")
                ? error.getMessage()
                : "can't be reached: " + error.getMessage();
    return new Peer(Peer.Kind.UNREACHABLE, detail);
  }

  private static Peer ask(Socket socket) throws IOException {
    try {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      send(socket, ApiKeys.API_VERSIONS);
      byte[] first = in.readNBytes(8);
      Peer foreign = foreign(first);
      if (foreign != null) {
        return foreign;
      }
      in.skipNBytes(length(first) - 4L);
      send(socket, ApiKeys.METADATA);
      return in.readNBytes(8).length == 8
          ? new Peer(Peer.Kind.KAFKA, "speaks Kafka", brokers(in))
          : new Peer(Peer.Kind.GUARDED, "speaks Kafka and wants a login (SASL)");
    } catch (SocketTimeoutException e) {
      return new Peer(Peer.Kind.SILENT, "takes the connection and answers nothing; is that Kafka?");
    } catch (SSLException e) {
      throw e;
    } catch (IOException e) {
      return new Peer(Peer.Kind.SILENT, HANGS_UP);
    }
  }

  private static List<String> brokers(DataInputStream answer) throws IOException {
    List<String> brokers = new ArrayList<>();
    int count = Math.min(answer.readInt(), MOST_BROKERS);
    for (int i = 0; i < count; i++) {
      answer.readInt();
      String host = answer.readUTF();
      brokers.add(host + ":" + answer.readInt());
      answer.skipNBytes(Math.max(0, answer.readShort()));
    }
    return brokers;
  }

  /** Null if it may be Kafka. */
  private static Peer foreign(byte[] first) {
    if (first.length >= 2
        && (first[0] == TLS_ALERT || first[0] == TLS_HANDSHAKE)
        && first[1] == TLS_MAJOR_VERSION) {
      return new Peer(Peer.Kind.TLS, "speaks TLS");
    }
    if (first.length == 0) {
      return new Peer(Peer.Kind.SILENT, HANGS_UP);
    }
    String text = new String(first, StandardCharsets.US_ASCII);
    if (text.startsWith("HTTP")) {
      return new Peer(Peer.Kind.FOREIGN, "speaks HTTP, not Kafka");
    }
    boolean kafka =
        first.length == 8
            && length(first) > 4
            && length(first) <= LONGEST_ANSWER
            && number(first, 4) == CORRELATION;
    return kafka
        ? null
        : new Peer(
            Peer.Kind.FOREIGN,
            "does not speak Kafka; its answer begins with \""
                + text.replaceAll("[^ -~]", ".")
                + "\"");
  }

  private static int length(byte[] first) {
    return number(first, 0);
  }

  private static int number(byte[] bytes, int at) {
    return (bytes[at] & 0xFF) << 24
        | (bytes[at + 1] & 0xFF) << 16
        | (bytes[at + 2] & 0xFF) << 8
        | (bytes[at + 3] & 0xFF);
  }

  /** In the oldest version that brokers still take: about versions, or about no topic at all. */
  private static void send(Socket socket, ApiKeys what) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream request = new DataOutputStream(bytes);
    request.writeShort(what.id);
    request.writeShort(what == ApiKeys.METADATA ? 1 : 0);
    request.writeInt(CORRELATION);
    request.writeUTF("outbox-relay-probe");
    if (what == ApiKeys.METADATA) {
      request.writeInt(0);
    }
    // At once: who answers before it has read all may reset the connection, and the answer is lost.
    byte[] whole =
        ByteBuffer.allocate(4 + bytes.size()).putInt(bytes.size()).put(bytes.toByteArray()).array();
    OutputStream out = socket.getOutputStream();
    out.write(whole);
    out.flush();
  }
}
