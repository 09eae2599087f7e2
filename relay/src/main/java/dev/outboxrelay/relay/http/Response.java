package dev.outboxrelay.relay.http;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * An answer to a GET.
 *
 * @param status HTTP status
 * @param contentType with its charset
 * @param text the body
 */
record Response(int status, String contentType, String text) {
  static final int OK = 200;
  static final int BAD_REQUEST = 400;
  static final int NOT_FOUND = 404;
  static final int METHOD_NOT_ALLOWED = 405;
  static final int MISDIRECTED = 421;
  static final int TOO_LONG = 431;
  static final int FAILED = 500;
  static final int UNAVAILABLE = 503;

  private static final Map<Integer, String> PHRASES =
      Map.of(
          OK, "OK",
          BAD_REQUEST, "Bad Request",
          NOT_FOUND, "Not Found",
          METHOD_NOT_ALLOWED, "Method Not Allowed",
          MISDIRECTED, "Misdirected Request",
          TOO_LONG, "Request Header Fields Too Large",
          FAILED, "Internal Server Error",
          UNAVAILABLE, "Service Unavailable");

  static Response plain(int status, String text) {
    return new Response(status, "text/plain; charset=utf-8", text + "\n");
  }

  static Response json(int status, String text) {
    return new Response(status, "application/json", text + "\n");
  }

  /** What its status is called. */
  String phrase() {
    return PHRASES.getOrDefault(status, "");
  }

  byte[] body() {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
