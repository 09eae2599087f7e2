package dev.outboxrelay.relay.secret;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SecretWordsTest {
  private final SecretWords words = new SecretWords();

  @Test
  void eachPieceThatAParserCouldQuoteIsRemoved() {
    words.remember(
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\""
            + " password=\"Geheim\"Passwort42+x9;y\";");

    assertThat(words.scrub("Value not specified for key 'Passwort42' in JAAS config"))
        .isEqualTo("Value not specified for key '***' in JAAS config");
    assertThat(words.scrub("token Geheim, Passwort42+x9")).isEqualTo("token ***, ***");
    assertThat(words.scrub("key 'x9'")).isEqualTo("key '***'");
  }

  @Test
  void whatStandsAroundASecretIsStillRead() {
    words.remember("a.b.PlainLoginModule required username=\"alice\" password=\"hunter2\";");

    assertThat(words.scrub("no username or password for a.b.PlainLoginModule, required"))
        .isEqualTo("no username or password for a.b.PlainLoginModule, required");
  }

  @Test
  void aShortWordIsOnlyRemovedWhereItStandsAlone() {
    words.remember("ab");

    assertThat(words.scrub("about ab, able 'ab'")).isEqualTo("about ***, able '***'");
  }

  @Test
  void theFormerSecretIsStillOne() {
    words.remember("hunter2");
    words.remember("hunter3");

    assertThat(words.scrub("hunter2 and hunter3")).isEqualTo("*** and ***");
    assertThat(words.scrub(null)).isNull();
  }
}
