package dev.outboxrelay.relay.http;

import java.nio.charset.StandardCharsets;

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
  static final int FAILED = 500;
  static final int UNAVAILABLE = 503;

  static Response plain(int status, String text) {
    return new Response(status, "text/plain; charset=utf-8", text + "\n");
  }

  static Response json(int status, String text) {
    return new Response(status, "application/json", text + "\n");
  }

  byte[] body() {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
