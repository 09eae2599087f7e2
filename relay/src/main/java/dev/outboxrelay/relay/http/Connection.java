package dev.outboxrelay.relay.http;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * One client's connection, which serves one request.
 *
 * <pre>
 * Reading → Asked → Writing → Parting → closed
 *    └───────────────┘           any ───┘ (deadline, failure, room for another)
 * </pre>
 *
 * <p>Used by the loop's thread alone.
 */
final class Connection implements Closeable {
  /** A heap buffer is copied for the system: not more of it than a socket takes at once. */
  private static final int PIECE = 64 << 10;

  /** Where it is on its way. */
  sealed interface State {}

  /** The head is coming in. */
  record Reading(HeadBuffer head) implements State {}

  /** The answer is being made, elsewhere. */
  record Asked() implements State {}

  /** The answer goes out. */
  record Writing(ByteBuffer answer) implements State {}

  /** All is sent and the client knows; what it still sends is thrown away. */
  record Parting() implements State {}

  private final SocketChannel channel;
  private final SelectionKey key;
  private final HttpLimits limits;
  private State state;
  private long deadline;
  private long tookAt;

  /**
   * Takes over what was accepted and registered.
   *
   * @param now nanoseconds
   */
  Connection(SocketChannel channel, SelectionKey key, HttpLimits limits, long now) {
    this.channel = channel;
    this.key = key;
    this.limits = limits;
    enter(
        new Reading(new HeadBuffer(limits.headBytes())), SelectionKey.OP_READ, limits.head(), now);
  }

  private void enter(State next, int interest, Duration patience, long now) {
    state = next;
    deadline = now + patience.toNanos();
    key.interestOps(interest);
  }

  State state() {
    return state;
  }

  /** Whether its time is over. */
  boolean isOverdue(long now) {
    return now - deadline > 0;
  }

  /** Bytes of the answer that wait for the client. */
  long unsentBytes() {
    return state instanceof Writing writing ? writing.answer().remaining() : 0;
  }

  /** When the client last took some of its answer, or was offered it; nanoseconds. */
  long tookAt() {
    return tookAt;
  }

  /**
   * Takes what the client sent.
   *
   * @param buffer to read with; its content is nobody's
   * @return whether the client is still there
   */
  boolean read(ByteBuffer buffer) throws IOException {
    int count = channel.read(buffer.clear());
    if (count > 0 && state instanceof Reading reading) {
      reading.head().add(buffer.flip());
    }
    return count >= 0;
  }

  /** Its answer is being made: it is listened to again when it is there. */
  void asked(long now) {
    expect(Reading.class);
    enter(new Asked(), 0, limits.thinking(), now);
  }

  /** Sends this and parts. */
  void answer(ByteBuffer answer, long now) throws IOException {
    if (state instanceof Writing || state instanceof Parting) {
      throw new IllegalStateException("answered while it is " + state);
    }
    enter(new Writing(answer), SelectionKey.OP_WRITE, limits.writing(), now);
    tookAt = now;
    write(now);
  }

  /** Sends as much as the client takes now. */
  void write(long now) throws IOException {
    if (!(state instanceof Writing writing)) {
      return;
    }
    ByteBuffer answer = writing.answer();
    int end = answer.limit();
    int before = answer.position();
    int wanted;
    int written;
    do {
      wanted = Math.min(PIECE, end - answer.position());
      written = channel.write(answer.limit(answer.position() + wanted));
      answer.limit(end);
    } while (written == wanted && answer.hasRemaining());
    if (answer.position() > before) {
      tookAt = now;
    }
    if (!answer.hasRemaining()) {
      channel.shutdownOutput();
      enter(new Parting(), SelectionKey.OP_READ, limits.parting(), now);
    }
  }

  private void expect(Class<? extends State> expected) {
    if (!expected.isInstance(state)) {
      throw new IllegalStateException("asked while it is " + state);
    }
  }

  boolean isOpen() {
    return channel.isOpen();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
