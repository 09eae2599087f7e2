package dev.outboxrelay.relay.http;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a GET asks for.
 *
 * @param accept its Accept headers, empty if it has none
 * @param query its parameters, decoded; of several with one name the last
 */
record Request(String accept, Map<String, String> query) {

  /**
   * Reads it.
   *
   * @throws IllegalArgumentException if the query is not encoded as it should be
   */
  static Request of(RequestHead head) {
    return new Request(
        String.join(", ", head.all("Accept")), parameters(head.target().getRawQuery()));
  }

  private static Map<String, String> parameters(String query) {
    Map<String, String> parameters = new HashMap<>();
    if (query != null) {
      for (String pair : query.split("&", -1)) {
        int equals = pair.indexOf('=');
        String name = equals < 0 ? pair : pair.substring(0, equals);
        String value = equals < 0 ? "" : pair.substring(equals + 1);
        parameters.put(decoded(name), decoded(value));
      }
    }
    return parameters;
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }

  /** The outbox that is asked about, as it was written. */
  Optional<String> outbox() {
    return Optional.ofNullable(query.get("outbox"));
  }
}
