package dev.outboxrelay.relay.http;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread's work: accepts, reads, answers and parts, without ever waiting for one client. Who
 * comes is always let in; where that is one too many, the oldest has to go, first of those that
 * have not asked yet. So connections that ask nothing, or never take their answer, can't keep
 * anybody out, nor hold more than a fixed number of descriptors and bytes.
 */
final class HttpLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HttpLoop.class);
  private static final int READ_BYTES = 8 << 10;
  private static final Duration ACCEPT_PAUSE = Duration.ofMillis(100);
  private static final Duration LOOK_AT_DEADLINES = Duration.ofMillis(200);
  private static final Duration TELL_AGAIN = Duration.ofMinutes(1);

  /** The later, the better a reason to stay. */
  private static final List<Class<? extends Connection.State>> WORTH =
      List.of(
          Connection.Parting.class,
          Connection.Reading.class,
          Connection.Writing.class,
          Connection.Asked.class);

  private final ServerSocketChannel server;
  private final Selector selector;
  private final SelectionKey accepting;
  private final Answers answers;
  private final Executor slow;
  private final HttpLimits limits;
  private final LongSupplier nanoClock;

  /** Oldest first. */
  private final Set<Connection> connections = new LinkedHashSet<>();

  private final Queue<Made> made = new ConcurrentLinkedQueue<>();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(READ_BYTES);
  private Optional<Long> acceptAgainAt = Optional.empty();
  private Optional<Long> toldAt = Optional.empty();

  /** An answer that another thread made. */
  private record Made(Connection connection, ByteBuffer answer) {}

  /**
   * Makes a loop.
   *
   * @param server bound and not blocking; the loop closes it
   * @param slow makes the answers that take time; may reject
   */
  HttpLoop(
      ServerSocketChannel server,
      Answers answers,
      Executor slow,
      HttpLimits limits,
      LongSupplier nanoClock)
      throws IOException {
    this.server = server;
    this.answers = answers;
    this.slow = slow;
    this.limits = limits;
    this.nanoClock = nanoClock;
    selector = Selector.open();
    accepting = server.register(selector, SelectionKey.OP_ACCEPT);
  }

  /** One turn: does what can be done now, or waits until something can. */
  void doWork() throws IOException {
    boolean timed = !connections.isEmpty() || acceptAgainAt.isPresent();
    selector.select(this::ready, timed ? LOOK_AT_DEADLINES.toMillis() : 0);
    long now = nanoClock.getAsLong();
    for (Made next = made.poll(); next != null; next = made.poll()) {
      Made finished = next;
      guarded(finished.connection(), () -> send(finished.connection(), finished.answer()));
    }
    List.copyOf(connections).stream().filter(one -> one.isOverdue(now)).forEach(this::end);
    if (acceptAgainAt.isPresent() && now - acceptAgainAt.get() >= 0) {
      acceptAgainAt = Optional.empty();
      accepting.interestOps(SelectionKey.OP_ACCEPT);
    }
  }

  boolean isOpen() {
    return selector.isOpen();
  }

  int connections() {
    return connections.size();
  }

  private void ready(SelectionKey key) {
    if (key == accepting) {
      accept();
      return;
    }
    Connection connection = (Connection) key.attachment();
    guarded(
        connection,
        () -> {
          if (!connection.isOpen()) {
            return; // ended in this very turn, to make room
          }
          if (key.isReadable()) {
            read(connection);
          } else {
            connection.write(nanoClock.getAsLong());
          }
        });
  }

  private void accept() {
    try {
      // Only so many that each has a chance to ask before others push it out.
      for (int i = 0; i < Math.max(1, limits.connections() / 8); i++) {
        SocketChannel channel = server.accept();
        if (channel == null) {
          return;
        }
        if (connections.size() >= limits.connections()) {
          endOldest();
        }
        open(channel);
      }
    } catch (IOException e) {
      // No descriptor is left, as a rule: somebody will give one back.
      endOldest();
      accepting.interestOps(0);
      long now = nanoClock.getAsLong();
      acceptAgainAt = Optional.of(now + ACCEPT_PAUSE.toNanos());
      if (toldAt.isEmpty() || now - toldAt.get() > TELL_AGAIN.toNanos()) {
        toldAt = Optional.of(now);
        LOG.atWarn().addKeyValue("error", e).log("http connections can't be accepted");
      }
    }
  }

  private void open(SocketChannel channel) {
    try {
      channel.configureBlocking(false);
      SelectionKey key = channel.register(selector, 0);
      Connection connection = new Connection(channel, key, limits, nanoClock.getAsLong());
      key.attach(connection);
      connections.add(connection);
      guarded(connection, () -> read(connection));
    } catch (IOException | ClosedSelectorException e) {
      closeQuietly(channel);
    }
  }

  private void read(Connection connection) throws IOException {
    if (!connection.read(buffer)) {
      end(connection);
    } else if (connection.state() instanceof Connection.Reading reading) {
      HeadBuffer head = reading.head();
      if (head.isComplete()) {
        ask(connection, head);
      } else if (head.isTooLong()) {
        send(
            connection,
            answers.refusal(
                Response.TOO_LONG, "a request has at most " + limits.headBytes() + " bytes"));
      }
    }
  }

  private void ask(Connection connection, HeadBuffer head) throws IOException {
    RequestHead request;
    try {
      request = head.parse();
    } catch (IllegalArgumentException e) {
      send(connection, answers.refusal(Response.BAD_REQUEST, e.getMessage()));
      return;
    }
    if (answers.isQuick(request)) {
      send(connection, answers.to(request));
      return;
    }
    connection.asked(nanoClock.getAsLong());
    try {
      slow.execute(() -> make(connection, request));
    } catch (RejectedExecutionException e) {
      send(connection, answers.refusal(Response.UNAVAILABLE, "busy; ask again"));
    }
  }

  /** On another thread. */
  private void make(Connection connection, RequestHead request) {
    if (connection.isOpen()) {
      made.add(new Made(connection, answers.to(request)));
      selector.wakeup();
    }
  }

  private void send(Connection connection, ByteBuffer answer) throws IOException {
    if (!connection.isOpen()) {
      return; // it went while its answer was made
    }
    while (unsentBytes() + answer.remaining() > limits.unsentBytes()) {
      Optional<Connection> slowest =
          connections.stream()
              .filter(one -> one.unsentBytes() > 0)
              .min((one, other) -> Long.signum(one.tookAt() - other.tookAt()));
      if (slowest.isEmpty()) {
        break; // one is always sent, however long
      }
      end(slowest.get());
    }
    connection.answer(answer, nanoClock.getAsLong());
  }

  private long unsentBytes() {
    return connections.stream().mapToLong(Connection::unsentBytes).sum();
  }

  private void endOldest() {
    connections.stream()
        .min(Comparator.comparingInt(one -> WORTH.indexOf(one.state().getClass())))
        .ifPresent(this::end);
  }

  private void end(Connection connection) {
    connections.remove(connection);
    closeQuietly(connection);
  }

  /** Something with one client. */
  @FunctionalInterface
  private interface Exchange {
    void run() throws IOException;
  }

  private void guarded(Connection connection, Exchange exchange) {
    try {
      exchange.run();
    } catch (IOException | CancelledKeyException | ClosedSelectorException e) {
      end(connection); // it went away, or the loop is closed
    } catch (RuntimeException e) {
      LOG.atError().setCause(e).log("http connection failed");
      end(connection);
    }
  }

  private static void closeQuietly(AutoCloseable channel) {
    try {
      channel.close();
    } catch (Exception e) {
      LOG.atDebug().setCause(e).log("http connection not closed");
    }
  }

  /** Ends it from any thread: what is being answered is cut off. */
  @Override
  public void close() {
    closeQuietly(server);
    closeQuietly(selector);
  }

  /** The last of the loop's own thread. */
  void endAll() {
    List.copyOf(connections).forEach(this::end);
  }
}
