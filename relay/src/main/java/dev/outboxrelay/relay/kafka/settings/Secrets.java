package dev.outboxrelay.relay.kafka.settings;

import java.util.Locale;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.ConfigKey;

/** Tells which settings of Kafka's clients must not be shown. */
final class Secrets {
  static final String MASK = "***";

  private static final ConfigDef DEFINITIONS = ProducerConfig.configDef();
  private static final Pattern SECRET_NAME =
      Pattern.compile(".*(password|passphrase|secret|token|credential|jaas|\\.key$|user\\.info).*");
  private static final Pattern USER_INFO = Pattern.compile("(://)[^/@\\s]+@");

  private Secrets() {}

  static boolean isSecret(String name) {
    ConfigKey known = DEFINITIONS.configKeys().get(name);
    return known == null
        ? SECRET_NAME.matcher(name.toLowerCase(Locale.ROOT)).matches()
        : known.type == ConfigDef.Type.PASSWORD;
  }

  static String mask(String name, String value) {
    return isSecret(name) ? MASK : USER_INFO.matcher(value).replaceAll("$1" + MASK + "@");
  }
}
