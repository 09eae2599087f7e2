package dev.outboxrelay.relay.kafka;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;

/** Says one thing to whoever says anything, at a port of its own. */
final class Speaker implements AutoCloseable {
  private final ServerSocket socket = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
  private final Thread thread = new Thread(this::speak, "speaker");
  private final boolean endless;
  private volatile Socket listener = new Socket();
  private volatile byte[] answer;
  private volatile byte[] heardFirst;

  Speaker(byte[] answer) throws IOException {
    this(answer, false);
  }

  private Speaker(byte[] answer, boolean endless) throws IOException {
    this.answer = answer;
    this.endless = endless;
    thread.setDaemon(true);
    thread.start();
  }

  /** Goes on with a byte now and then, as long as anybody listens. */
  static Speaker endless(byte[] begun) throws IOException {
    return new Speaker(begun, true);
  }

  private void speak() {
    while (!socket.isClosed()) {
      try (Socket connection = socket.accept()) {
        listener = connection;
        byte[] heard = new byte[4096];
        int count = connection.getInputStream().read(heard);
        if (heardFirst == null) {
          heardFirst = Arrays.copyOf(heard, Math.max(0, count));
        }
        connection.getOutputStream().write(answer);
        while (endless) {
          LockSupport.parkNanos(10_000_000);
          connection.getOutputStream().write(0);
        }
      } catch (IOException e) {
        // The next one.
      }
    }
  }

  /** From now on. */
  void say(byte[] other) {
    answer = other;
  }

  /** What came first, of all that came. */
  byte[] heardFirst() {
    return heardFirst;
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
    // While it waits for a connection the system takes one.
    while (thread.isAlive()) {
      listener.close();
      LockSupport.parkNanos(1_000_000);
    }
  }
}
