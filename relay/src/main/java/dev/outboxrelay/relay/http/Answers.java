package dev.outboxrelay.relay.http;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers GET and HEAD of a fixed set of paths, in the form that goes over the wire. */
final class Answers {
  private static final Logger LOG = LoggerFactory.getLogger(Answers.class);

  /** Nothing but the page's own files, and what they fetch from here. */
  private static final String CONTENT_SECURITY_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  /** What fits into one packet gains nothing. */
  private static final int WORTH_COMPRESSING = 1400;

  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private final HostCheck hosts;
  private final Map<String, Endpoint> quick;
  private final Map<String, Endpoint> pages;
  private final InstantSource clock;

  /**
   * Makes the answers.
   *
   * @param quick paths that are answered from memory, at once
   * @param pages those that may take their time
   */
  Answers(
      HostCheck hosts,
      Map<String, Endpoint> quick,
      Map<String, Endpoint> pages,
      InstantSource clock) {
    this.hosts = hosts;
    this.quick = quick;
    this.pages = pages;
    this.clock = clock;
  }

  /** Whether the answer takes no time: it needs no file, and compresses nothing. */
  boolean isQuick(RequestHead request) {
    return !pages.containsKey(request.target().getPath());
  }

  /** Whole answer to a request; never fails. */
  ByteBuffer to(RequestHead request) {
    Response response;
    if (!hosts.allows(request.all("Host"))) {
      response =
          Response.plain(
              Response.MISDIRECTED,
              "on the loopback interface the relay answers to localhost, 127.0.0.1 and [::1]; a"
                  + " proxy in front must send one of these as Host");
    } else if (request.isHead() || request.method().equals("GET")) {
      response = page(request);
    } else {
      response = Response.plain(Response.METHOD_NOT_ALLOWED, "only GET and HEAD");
    }
    return wire(response, Gzip.isWanted(request.all("Accept-Encoding")), request.isHead());
  }

  /** Answer to what is no request. */
  ByteBuffer refusal(int status, String why) {
    return wire(Response.plain(status, why), false, false);
  }

  private Response page(RequestHead head) {
    String path = head.target().getPath();
    Endpoint endpoint = quick.getOrDefault(path, pages.get(path));
    if (endpoint == null) {
      Set<String> paths = new TreeSet<>(quick.keySet());
      paths.addAll(pages.keySet());
      return Response.plain(Response.NOT_FOUND, "not found; there are " + String.join(" ", paths));
    }
    Request request;
    try {
      request = Request.of(head);
    } catch (IllegalArgumentException e) {
      return Response.plain(Response.BAD_REQUEST, "the query is not encoded: " + e.getMessage());
    }
    try {
      return endpoint.get(request);
    } catch (RuntimeException e) {
      LOG.atError().addKeyValue("path", path).setCause(e).log("http endpoint failed");
      return Response.plain(Response.FAILED, "failed; the relay's log says why");
    }
  }

  private ByteBuffer wire(Response response, boolean gzip, boolean headOnly) {
    byte[] body = response.body();
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Date", DATE.format(clock.instant()));
    if (body.length > WORTH_COMPRESSING && gzip) {
      body = Gzip.compress(body);
      headers.put("Content-Encoding", "gzip");
    }
    if (response.status() == Response.METHOD_NOT_ALLOWED) {
      headers.put("Allow", "GET, HEAD");
    }
    headers.put("Vary", "Accept, Accept-Encoding");
    headers.put("Content-Type", response.contentType());
    headers.put("Content-Length", String.valueOf(body.length));
    headers.put("Cache-Control", "no-store");
    headers.put("X-Content-Type-Options", "nosniff");
    headers.put("Content-Security-Policy", CONTENT_SECURITY_POLICY);
    headers.put("Cross-Origin-Resource-Policy", "same-origin");
    headers.put("Referrer-Policy", "no-referrer");
    headers.put("Connection", "close");
    StringBuilder head = new StringBuilder(600);
    head.append("HTTP/1.1 ").append(response.status()).append(' ').append(response.phrase());
    headers.forEach((name, value) -> head.append("\r\n").append(name).append(": ").append(value));
    byte[] first = head.append("\r\n\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    ByteBuffer wire = ByteBuffer.allocate(first.length + (headOnly ? 0 : body.length)).put(first);
    return (headOnly ? wire : wire.put(body)).flip();
  }
}
