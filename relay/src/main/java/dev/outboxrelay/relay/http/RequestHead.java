package dev.outboxrelay.relay.http;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The first lines of an HTTP/1 request, which are all that is read of it.
 *
 * @param method as it was sent
 * @param target of the request, without a fragment
 * @param headers by their names in lower case, each with all its values
 */
record RequestHead(String method, URI target, Map<String, List<String>> headers) {

  /**
   * Reads it.
   *
   * @param bytes up to the empty line
   * @throws IllegalArgumentException if that is no such request; the message is for its sender
   */
  static RequestHead parse(byte[] bytes, int length) {
    String[] lines = new String(bytes, 0, length, StandardCharsets.ISO_8859_1).split("\r?\n", -1);
    String[] first = lines[0].split(" ", -1);
    if (first.length != 3 || first[0].isEmpty() || !first[2].startsWith("HTTP/1.")) {
      throw new IllegalArgumentException("no HTTP/1 request");
    }
    Map<String, List<String>> headers = new HashMap<>();
    for (int i = 1; i < lines.length && !lines[i].isEmpty(); i++) {
      int colon = lines[i].indexOf(':');
      if (colon <= 0) {
        throw new IllegalArgumentException("a header without a name");
      }
      headers
          .computeIfAbsent(
              lines[i].substring(0, colon).toLowerCase(Locale.ROOT), name -> new ArrayList<>())
          .add(lines[i].substring(colon + 1).trim());
    }
    return new RequestHead(first[0], target(first[1]), headers);
  }

  private static URI target(String text) {
    try {
      URI target = new URI(text);
      if (target.getPath() == null) {
        throw new IllegalArgumentException("the target has no path");
      }
      return target;
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("the target is not encoded as it should be", e);
    }
  }

  /** Values of a header, none if it was not sent. */
  List<String> all(String name) {
    return headers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of());
  }

  boolean isHead() {
    return method.equals("HEAD");
  }
}
