package dev.outboxrelay.relay.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GzipTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "gzip",
        "GZIP",
        "x-gzip",
        "deflate, gzip, br",
        "gzip;q=0.001",
        "br ; q=1.0 , gzip ; Q=0.5",
        "*",
        "identity;q=0.5, *;q=0.7",
        "br;q=0, gzip",
      })
  void isWantedByWhoNamesIt(String accepted) {
    assertThat(Gzip.isWanted(List.of(accepted))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "br, deflate",
        "gzip;q=0",
        "gzip; q=0.000, *",
        "*;q=0",
        "identity, gzip;q=0.5",
        "gzip;q=2",
        "gzip;q=yes",
        "gzip;level=9",
        "gzipped",
        ",;,",
      })
  void isNotWantedByWhoForbidsItOrLikesAnotherBetterOrCannotBeUnderstood(String accepted) {
    assertThat(Gzip.isWanted(List.of(accepted))).isFalse();
  }

  @Test
  void severalHeadersCountAsOne() {
    assertThat(Gzip.isWanted(List.of())).isFalse();
    assertThat(Gzip.isWanted(List.of("br", "gzip"))).isTrue();
  }
}
