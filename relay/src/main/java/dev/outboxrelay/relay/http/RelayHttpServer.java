package dev.outboxrelay.relay.http;

import dev.outboxrelay.relay.config.HttpAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.ServerSocketChannel;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves one address. Health is answered by the thread that holds all connections; what takes time
 * is made by two others.
 */
public final class RelayHttpServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RelayHttpServer.class);
  private static final int MAKERS = 2;
  private static final int BACKLOG = 256;
  private static final long PAUSE_AFTER_FAILURE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final HttpLoop loop;
  private final ExecutorService makers;
  private final Thread thread;
  private final int port;

  /**
   * Serves everything, from now on.
   *
   * @throws HttpUnavailable if it can't listen there; the message says why and what to do
   */
  public static RelayHttpServer start(HttpAddress address, StatusPages pages) {
    return start(
        "OUTBOX_HTTP_ADDRESS", "http", address, pages.health(), pages.pages(), HttpLimits.DEFAULT);
  }

  /**
   * Serves health alone, for probes: by a thread and on a port that nothing else uses.
   *
   * @throws HttpUnavailable if it can't listen there
   */
  public static RelayHttpServer startHealth(HttpAddress address, StatusPages pages) {
    return start(
        "OUTBOX_HEALTH_ADDRESS", "health", address, pages.health(), Map.of(), HttpLimits.DEFAULT);
  }

  static RelayHttpServer start(
      String setting,
      String name,
      HttpAddress address,
      Map<String, Endpoint> quick,
      Map<String, Endpoint> pages,
      HttpLimits limits) {
    InetSocketAddress socket = address.socketAddress();
    if (socket.isUnresolved()) {
      throw new HttpUnavailable(setting, address, "its host is unknown", null);
    }
    try {
      ServerSocketChannel server = ServerSocketChannel.open();
      try {
        server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        server.bind(socket, BACKLOG);
        server.configureBlocking(false);
        Answers answers =
            new Answers(
                HostCheck.of(address, socket.getAddress()), quick, pages, InstantSource.system());
        return new RelayHttpServer(server, name, answers, limits);
      } catch (IOException e) {
        server.close();
        throw e;
      }
    } catch (IOException e) {
      throw new HttpUnavailable(setting, address, e.getMessage(), e);
    }
  }

  private RelayHttpServer(
      ServerSocketChannel server, String name, Answers answers, HttpLimits limits)
      throws IOException {
    port = ((InetSocketAddress) server.getLocalAddress()).getPort();
    makers = makers(name, limits.connections());
    loop = new HttpLoop(server, answers, makers, limits, System::nanoTime);
    thread = daemon(this::run, name);
    thread.start();
  }

  /**
   * Two threads, made at once: metrics are wanted most where there are no more. What waits for them
   * is bounded.
   */
  private static ExecutorService makers(String name, int waiting) {
    AtomicInteger number = new AtomicInteger();
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            MAKERS,
            MAKERS,
            0,
            TimeUnit.MILLISECONDS,
            new ArrayBlockingQueue<>(waiting),
            task -> daemon(task, name + "-" + number.incrementAndGet()));
    threads.prestartAllCoreThreads();
    return threads;
  }

  private static Thread daemon(Runnable task, String name) {
    Thread daemon = new Thread(task, name);
    daemon.setDaemon(true);
    return daemon;
  }

  private void run() {
    while (loop.isOpen()) {
      try {
        loop.doWork();
      } catch (ClosedSelectorException e) {
        break; // that is how it is told to stop
      } catch (IOException | UncheckedIOException e) {
        LOG.atWarn().addKeyValue("error", e).log("http is interrupted");
        LockSupport.parkNanos(PAUSE_AFTER_FAILURE_NANOS);
      } catch (RuntimeException e) {
        LOG.atError().setCause(e).log("http is interrupted");
        LockSupport.parkNanos(PAUSE_AFTER_FAILURE_NANOS);
      }
    }
    loop.endAll();
  }

  /** The port that was bound, also if the address asked for any. */
  public int port() {
    return port;
  }

  /** Stops listening at once; what is being answered is cut off. */
  @Override
  public void close() {
    loop.close();
    makers.shutdownNow();
  }
}
