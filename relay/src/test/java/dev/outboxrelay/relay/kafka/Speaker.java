package dev.outboxrelay.relay.kafka;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Says one thing to whoever says anything, at a port of its own. */
final class Speaker implements AutoCloseable {
  private final ServerSocket socket = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
  private volatile byte[] answer;

  Speaker(byte[] answer) throws IOException {
    this.answer = answer;
    Thread thread = new Thread(this::speak, "speaker");
    thread.setDaemon(true);
    thread.start();
  }

  private void speak() {
    while (!socket.isClosed()) {
      try (Socket connection = socket.accept()) {
        int unused = connection.getInputStream().read(new byte[100]);
        connection.getOutputStream().write(answer);
      } catch (IOException e) {
        // The next one.
      }
    }
  }

  /** From now on. */
  void say(byte[] other) {
    answer = other;
  }

  int port() {
    return socket.getLocalPort();
  }

  String address() {
    return "127.0.0.1:" + port();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
