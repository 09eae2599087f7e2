package dev.outboxrelay.relay.doctor;

import java.util.LinkedHashMap;
import java.util.Map;

/** What to do about what Kafka's client says. */
final class KafkaAdvice {
  private static final Map<String, String> BY_WORDS = new LinkedHashMap<>();

  static {
    BY_WORDS.put("CertificateExpired", "issue the broker's certificate anew");
    BY_WORDS.put("CertificateNotYetValid", "wait, or set the clock right");
    BY_WORDS.put(
        "No subject alternative",
        "name the broker as its certificate does, or issue one with this name");
    BY_WORDS.put(
        "No name matching", "name the broker as its certificate does, or issue one with this name");
    BY_WORDS.put(
        "valid certification path",
        "put the certificate of the authority that signed the broker's into"
            + " KAFKA_SSL_TRUSTSTORE_LOCATION");
    BY_WORDS.put("certificate_required", "give a client certificate: KAFKA_SSL_KEYSTORE_LOCATION");
    BY_WORDS.put(
        "bad_certificate",
        "give a client certificate that the broker accepts: KAFKA_SSL_KEYSTORE_LOCATION");
    BY_WORDS.put("SaslAuthentication", "check user and password in KAFKA_SASL_JAAS_CONFIG");
    BY_WORDS.put("UnsupportedSaslMechanism", "set KAFKA_SASL_MECHANISM to one that is offered");
    BY_WORDS.put("IllegalSaslState", "this listener wants no login: check KAFKA_SECURITY_PROTOCOL");
    BY_WORDS.put("can't be resolved", "check the name, and DNS or /etc/hosts of this host");
    BY_WORDS.put("advertised.listeners", "let brokers name what this host can reach");
    BY_WORDS.put("can't be made", "check the KAFKA_ settings and the files that they name");
    BY_WORDS.put("compression.type", "mend java.io.tmpdir or change the codec; nothing is sent");
    BY_WORDS.put("KAFKA_SECURITY_PROTOCOL", "change that setting, or the port");
  }

  private KafkaAdvice() {}

  static String on(String message) {
    return BY_WORDS.entrySet().stream()
        .filter(each -> message.contains(each.getKey()))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(
            "check KAFKA_BOOTSTRAP_SERVERS, the network and the credentials; events wait in the"
                + " outbox meanwhile");
  }
}
