package dev.outboxrelay.relay.http;

import dev.outboxrelay.relay.config.HttpAddress;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Who listens on the loopback interface means to be read from this machine alone, but any site that
 * a browser there visits can let its own name point to that address (DNS rebinding). The browser
 * then sends that name, so only names that nobody else can give are answered. Ports are not
 * compared: a tunnel's is another one. On other interfaces any name may be the relay's.
 */
final class HostCheck {
  private final Set<String> known;
  private final boolean onLoopback;

  private HostCheck(Set<String> known, boolean onLoopback) {
    this.known = known;
    this.onLoopback = onLoopback;
  }

  /**
   * Makes the check.
   *
   * @param asked the address that was configured; its name is the relay's
   * @param found the address that it means
   */
  static HostCheck of(HttpAddress asked, InetAddress found) {
    Set<String> known = new HashSet<>(Set.of("localhost", "127.0.0.1", "[::1]"));
    known.add(name(asked.toString()));
    return new HostCheck(known, found.isLoopbackAddress());
  }

  /**
   * Whether a request may be answered.
   *
   * @param hosts its Host headers; a request without one is no browser's
   */
  boolean allows(List<String> hosts) {
    return !onLoopback || hosts.stream().allMatch(host -> known.contains(name(host)));
  }

  /** Without the port. */
  private static String name(String host) {
    int colon = host.indexOf(':', host.indexOf(']') + 1);
    return (colon < 0 ? host : host.substring(0, colon)).toLowerCase(Locale.ROOT);
  }
}
