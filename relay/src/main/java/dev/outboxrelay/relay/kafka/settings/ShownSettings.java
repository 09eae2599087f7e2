package dev.outboxrelay.relay.kafka.settings;

import dev.outboxrelay.relay.secret.SecretWords;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.ConfigKey;

/**
 * What of a setting may be shown. Only values of settings that Kafka's client knows and does not
 * hold for a password are; a misspelt password or a plug-in's is neither.
 */
final class ShownSettings {
  private static final ConfigDef DEFINITIONS = ProducerConfig.configDef();

  /** A command line may hold a password. */
  private static final Set<String> HIDDEN = Set.of("sasl.kerberos.kinit.cmd");

  private static final Set<ConfigDef.Type> TEXT =
      Set.of(ConfigDef.Type.STRING, ConfigDef.Type.LIST);

  /** As plug-ins spell theirs; a line of a key that stands alone in a file is no name. */
  private static final Pattern NAME =
      Pattern.compile("[a-z][a-z0-9_-]{0,30}(\\.[a-z0-9_-]{1,30}){1,8}");

  private static final Pattern CLASS = Pattern.compile("[\\w.$]+");

  /** User info, a query or a fragment, and what looks like an assignment of a secret. */
  private static final Pattern SECRET_PART =
      Pattern.compile(
          "(?<=//)[^\\s]*(?=@)|^[^\\s/]*(?=@)|(?<=,)[^,\\s/]*(?=@)|(?<=[?#]).+"
              + "|(?i)(?<=(?:password|passwd|pwd|secret|token|key|signature|sig)=)[^\\s,;&]+");

  private ShownSettings() {}

  /** Whether nothing of its value may be shown. */
  static boolean isSecret(String name) {
    ConfigKey known = DEFINITIONS.configKeys().get(name);
    return known == null || known.type == ConfigDef.Type.PASSWORD || HIDDEN.contains(name);
  }

  /** Whether this may be the name of a setting: what is not, may be a part of a value. */
  static boolean isName(String name) {
    return DEFINITIONS.configKeys().containsKey(name) || NAME.matcher(name).matches();
  }

  static String mask(String name, String value) {
    if (isSecret(name)) {
      return SecretWords.MASK;
    }
    if (isNoClass(name, value)) {
      return SecretWords.MASK;
    }
    return TEXT.contains(DEFINITIONS.configKeys().get(name).type)
        ? SECRET_PART.matcher(value).replaceAll(Matcher.quoteReplacement(SecretWords.MASK))
        : value;
  }

  private static boolean isNoClass(String name, String value) {
    return DEFINITIONS.configKeys().get(name).type == ConfigDef.Type.CLASS
        && !CLASS.matcher(value).matches();
  }

  /** Lets no message show what {@link #mask} does not. */
  static void protect(String name, String value) {
    if (isSecret(name)) {
      SecretWords.OF_THIS_PROCESS.remember(value);
      if (!isName(name)) {
        SecretWords.OF_THIS_PROCESS.remember(name);
      }
      return;
    }
    if (isNoClass(name, value)) {
      SecretWords.OF_THIS_PROCESS.remember(value);
    }
    if (TEXT.contains(DEFINITIONS.configKeys().get(name).type)) {
      Matcher part = SECRET_PART.matcher(value);
      while (part.find()) {
        SecretWords.OF_THIS_PROCESS.remember(part.group());
      }
    }
  }

  /** What a file is called that holds a secret; whoever gave the secret itself is not shown it. */
  static String file(String value) {
    return value.startsWith("/") ? value : SecretWords.MASK;
  }
}
