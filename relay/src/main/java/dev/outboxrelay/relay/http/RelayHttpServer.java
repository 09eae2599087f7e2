package dev.outboxrelay.relay.http;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.outboxrelay.relay.config.HttpAddress;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves a fixed set of paths to GET and HEAD, on the JDK's own server. It holds two threads and
 * gives a slow client ten seconds, so that nobody can keep health checks from being answered.
 */
public final class RelayHttpServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RelayHttpServer.class);
  private static final int THREADS = 2;
  private static final int BACKLOG = 64;
  private static final String MOST_SECONDS_PER_EXCHANGE = "10";

  /** Nothing but the page's own files, and what they fetch from here. */
  private static final String CONTENT_SECURITY_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  /** What fits into one packet gains nothing. */
  private static final int WORTH_COMPRESSING = 1400;

  private final HttpServer server;
  private final ExecutorService threads;
  private final HostCheck hosts;
  private final Map<String, Endpoint> endpoints;

  /**
   * Listens and answers from now on.
   *
   * @throws HttpUnavailable if it can't listen there; the message says why and what to do
   */
  public static RelayHttpServer start(HttpAddress address, StatusPages pages) {
    System.setProperty("sun.net.httpserver.maxReqTime", MOST_SECONDS_PER_EXCHANGE);
    System.setProperty("sun.net.httpserver.maxRspTime", MOST_SECONDS_PER_EXCHANGE);
    InetSocketAddress socket = address.socketAddress();
    if (socket.isUnresolved()) {
      throw new HttpUnavailable(address, "its host is unknown", null);
    }
    try {
      return new RelayHttpServer(
          HttpServer.create(socket, BACKLOG),
          HostCheck.of(address, socket.getAddress()),
          pages.endpoints());
    } catch (IOException e) {
      throw new HttpUnavailable(address, e.getMessage(), e);
    }
  }

  private RelayHttpServer(HttpServer server, HostCheck hosts, Map<String, Endpoint> endpoints) {
    this.server = server;
    this.hosts = hosts;
    this.endpoints = endpoints;
    AtomicInteger number = new AtomicInteger();
    threads =
        Executors.newFixedThreadPool(
            THREADS,
            task -> {
              Thread thread = new Thread(task, "http-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** The port that was bound, also if the address asked for any. */
  public int port() {
    return server.getAddress().getPort();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String method = exchange.getRequestMethod();
      boolean head = method.equals("HEAD");
      Response response;
      if (!hosts.allows(all(exchange, "Host"))) {
        response =
            Response.plain(
                Response.MISDIRECTED,
                "on the loopback interface the relay answers to localhost, 127.0.0.1 and [::1]; a"
                    + " proxy in front must send one of these as Host");
      } else if (head || method.equals("GET")) {
        response = answer(exchange);
      } else {
        exchange.getResponseHeaders().set("Allow", "GET, HEAD");
        response = Response.plain(Response.METHOD_NOT_ALLOWED, "only GET and HEAD");
      }
      send(exchange, response, head);
    }
  }

  private Response answer(HttpExchange exchange) {
    Endpoint endpoint = endpoints.get(exchange.getRequestURI().getPath());
    if (endpoint == null) {
      return Response.plain(
          Response.NOT_FOUND, "not found; there are " + String.join(" ", endpoints.keySet()));
    }
    Request request;
    try {
      request = Request.of(exchange);
    } catch (IllegalArgumentException e) {
      return Response.plain(Response.BAD_REQUEST, "the query is not encoded: " + e.getMessage());
    }
    try {
      return endpoint.get(request);
    } catch (RuntimeException e) {
      LOG.atError()
          .addKeyValue("path", exchange.getRequestURI().getPath())
          .setCause(e)
          .log("http endpoint failed");
      return Response.plain(Response.FAILED, "failed; the relay's log says why");
    }
  }

  private static List<String> all(HttpExchange exchange, String header) {
    return exchange.getRequestHeaders().getOrDefault(header, List.of());
  }

  private static void send(HttpExchange exchange, Response response, boolean head)
      throws IOException {
    byte[] body = response.body();
    Headers headers = exchange.getResponseHeaders();
    if (body.length > WORTH_COMPRESSING && Gzip.isWanted(all(exchange, "Accept-Encoding"))) {
      body = Gzip.compress(body);
      headers.set("Content-Encoding", "gzip");
    }
    headers.set("Vary", "Accept, Accept-Encoding");
    headers.set("Content-Type", response.contentType());
    headers.set("Cache-Control", "no-store");
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Content-Security-Policy", CONTENT_SECURITY_POLICY);
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    headers.set("Referrer-Policy", "no-referrer");
    exchange.sendResponseHeaders(response.status(), head ? -1 : body.length);
    if (!head) {
      exchange.getResponseBody().write(body);
    }
  }

  /** Stops listening at once; what is being answered is cut off. */
  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
