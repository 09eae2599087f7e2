package dev.outboxrelay.relay.config;

import java.net.InetSocketAddress;

/**
 * Where to listen.
 *
 * @param host name or address; an IPv6 address without brackets
 * @param port 0 … 65535; 0 = any free port
 */
public record HttpAddress(String host, int port) {

  /**
   * Reads an address.
   *
   * @param text {@code host:port} or {@code [ipv6]:port}
   * @throws IllegalArgumentException if it is neither
   */
  public static HttpAddress parse(String text) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    if (bracketed) {
      host = host.substring(1, host.length() - 1);
    }
    if (host.isEmpty() || (!bracketed && host.indexOf(':') >= 0)) {
      throw new IllegalArgumentException("not host:port or [ipv6]:port");
    }
    int port;
    try {
      port = Integer.parseInt(text.substring(colon + 1));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("not host:port: the port is not a number", e);
    }
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("the port is not within 0 … 65535");
    }
    return new HttpAddress(host, port);
  }

  /** Resolves the host; the result is unresolved if that fails. */
  public InetSocketAddress socketAddress() {
    return new InetSocketAddress(host, port);
  }

  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}
