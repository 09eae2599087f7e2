package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.ClientUtils;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.network.ChannelBuilder;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;

/** Tries settings out before they are relied on, and does what delivery does, but send. */
public final class KafkaProbe {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final Duration PEER_TIMEOUT = Duration.ofSeconds(3);

  /** More brokers than that are not each tried: it would take too long. */
  private static final int MOST_BROKERS = 12;

  private KafkaProbe() {}

  /**
   * What was found.
   *
   * @param useless addresses that were given, and why they are of no use
   * @param unreachable brokers whose own addresses are of no use: their partitions can't be written
   * @param usable the settings without the addresses that are of no use
   */
  public record Result(
      KafkaAdmin.Cluster cluster,
      List<String> useless,
      List<String> unreachable,
      KafkaSettings usable) {}

  /**
   * Looks who answers, makes a producer, compresses, and asks the cluster for what everybody may
   * ask.
   *
   * @throws KafkaRefused if one fails, or Kafka does not answer within 10 s
   */
  public static void check(KafkaSettings settings) {
    check(settings, TIMEOUT);
  }

  /**
   * The same.
   *
   * @param timeout for each answer of the cluster
   */
  public static Result check(KafkaSettings settings, Duration timeout) {
    readSettings(settings);
    Duration patience = timeout.compareTo(PEER_TIMEOUT) < 0 ? timeout : PEER_TIMEOUT;
    Peers peers = new Peers(settings, patience);
    SortedMap<String, String> useless = new TreeMap<>();
    Set<String> brokers = new TreeSet<>();
    for (String address : settings.bootstrapAddresses()) {
      Peers.Found found = peers.look(address);
      found.complaint().ifPresent(complaint -> useless.put(address, complaint));
      brokers.addAll(found.brokers());
    }
    List<String> complaints = List.copyOf(useless.values());
    refuseIfAll(complaints, Set.copyOf(settings.bootstrapAddresses()), "");
    KafkaSettings usable = settings.withoutAddresses(useless.keySet());
    // Kafka's client would only say that there was no answer in time.
    List<String> unreachable = unreachable(peers, brokers);
    try (KafkaAdmin admin = KafkaAdmin.open(usable, timeout)) {
      makeProducer(usable);
      KafkaAdmin.Cluster cluster = admin.cluster();
      if (brokers.isEmpty()) {
        unreachable = unreachable(peers, cluster.addresses());
      }
      return new Result(cluster, complaints, unreachable, usable);
    }
  }

  private static List<String> unreachable(Peers peers, Collection<String> all) {
    List<String> brokers = all.stream().limit(MOST_BROKERS).collect(Collectors.toList());
    List<String> unreachable = new ArrayList<>();
    for (String broker : brokers) {
      peers.look(broker).complaint().ifPresent(unreachable::add);
    }
    refuseIfAll(unreachable, brokers, "brokers say that they are at (advertised.listeners) ");
    return unreachable;
  }

  private static void refuseIfAll(
      List<String> complaints, Collection<String> addresses, String what) {
    if (!complaints.isEmpty() && complaints.size() == addresses.size()) {
      throw new KafkaRefused(what + String.join("; ", complaints), null);
    }
  }

  /** Also key stores and logins, which need nobody to answer. */
  private static void readSettings(KafkaSettings settings) {
    Map<String, Object> properties = new HashMap<>(settings.producerProperties());
    properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
    try (ChannelBuilder unused =
        ClientUtils.createChannelBuilder(
            new ProducerConfig(properties), Time.SYSTEM, new LogContext())) {
      // Made, and that was all.
    } catch (RuntimeException e) {
      throw unmade(e);
    }
  }

  private static KafkaRefused unmade(RuntimeException e) {
    return new KafkaRefused("Kafka's client can't be made: " + KafkaRefused.rootMessage(e), e);
  }

  private static void makeProducer(KafkaSettings settings) {
    try {
      ProducerFactory.of("-probe")
          .create(settings, new ClusterGuard(Optional.empty()))
          .close(Duration.ZERO);
    } catch (KafkaRefused e) {
      throw e;
    } catch (RuntimeException e) {
      throw unmade(e);
    }
  }
}
