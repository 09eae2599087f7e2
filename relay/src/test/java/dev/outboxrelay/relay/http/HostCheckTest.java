package dev.outboxrelay.relay.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.config.HttpAddress;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostCheckTest {
  private final HostCheck loopback = check("127.0.0.1", "127.0.0.1");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost",
        "localhost:9748",
        "LocalHost:8080",
        "127.0.0.1",
        "127.0.0.1:9748",
        "[::1]",
        "[::1]:9748",
      })
  void namesThatOnlyThisMachineHasAreAnsweredOnLoopbackWhateverThePort(String host) {
    assertThat(loopback.allows(List.of(host))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "evil.example",
        "evil.example:9748",
        "localhost.evil.example:9748",
        "127.0.0.1.evil.example",
        "evil.example:127.0.0.1",
        "[::1].evil.example",
        "[::1",
        "::1",
        "",
        ":9748",
        "10.0.0.1:9748",
      })
  void otherNamesAreNot(String host) {
    assertThat(loopback.allows(List.of(host))).isFalse();
    assertThat(loopback.allows(List.of("localhost", host))).isFalse();
  }

  @Test
  void theNameThatWasConfiguredIsTheRelays() {
    HostCheck named = check("My-Host", "127.0.1.1");
    assertThat(named.allows(List.of("my-host:9748"))).isTrue();
    assertThat(named.allows(List.of("evil.example"))).isFalse();
    assertThat(check("::1", "::1").allows(List.of("evil.example"))).isFalse();
    assertThat(check("127.0.0.2", "127.0.0.2").allows(List.of("127.0.0.2:9748"))).isTrue();
  }

  @Test
  void withoutAHostItIsNoBrowser() {
    assertThat(loopback.allows(List.of())).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "::", "192.0.2.1"})
  void elsewhereAnyNameMayBeTheRelays(String address) {
    assertThat(check(address, address).allows(List.of("relay.example:9748"))).isTrue();
  }

  private static HostCheck check(String host, String address) {
    try {
      return HostCheck.of(new HttpAddress(host, 9748), InetAddress.getByName(address));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
