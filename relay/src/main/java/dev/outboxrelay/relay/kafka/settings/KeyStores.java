package dev.outboxrelay.relay.kafka.settings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.config.SslConfigs;

/** Tells when key stores have changed: a producer reads them when it is made, and never again. */
final class KeyStores {
  private static final Set<String> LOCATIONS =
      Set.of(SslConfigs.SSL_KEYSTORE_LOCATION_CONFIG, SslConfigs.SSL_TRUSTSTORE_LOCATION_CONFIG);

  private KeyStores() {}

  /** By setting, what tells the content of the file that it names from another. */
  static Map<String, String> fingerprints(Map<String, String> settings) {
    Map<String, String> fingerprints = new TreeMap<>();
    for (String location : LOCATIONS) {
      String file = settings.get(location);
      if (file != null) {
        fingerprints.put(location, fingerprint(file));
      }
    }
    return fingerprints;
  }

  private static String fingerprint(String file) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(Files.readAllBytes(Path.of(file))));
    } catch (IOException | InvalidPathException e) {
      // Kafka's client says what is wrong with it.
      return "unreadable";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
