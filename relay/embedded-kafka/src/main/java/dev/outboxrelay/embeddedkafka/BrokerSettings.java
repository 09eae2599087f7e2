package dev.outboxrelay.embeddedkafka;

import java.util.Properties;
import java.util.stream.Collectors;

/** The broker's settings: production defaults, but for what a single node on a small host needs. */
final class BrokerSettings {
  static final String CONTROLLER_LISTENER = "CONTROLLER";

  private static final String HOST = "127.0.0.1";

  private BrokerSettings() {}

  static String bootstrap(BrokerOptions options) {
    return HOST + ":" + options.port();
  }

  static Properties of(BrokerOptions options) {
    Properties settings = new Properties();
    quorum(settings, options);
    internalTopicsOnOneNode(settings);
    smallFootprint(settings);
    quickRestartAfterKill(settings);
    settings.put("log.dirs", options.data().toString());
    settings.put("auto.create.topics.enable", Boolean.toString(options.autoCreateTopics()));
    settings.put("group.initial.rebalance.delay.ms", "0");
    settings.putAll(options.properties());
    return settings;
  }

  private static void quorum(Properties settings, BrokerOptions options) {
    String controller = HOST + ":" + options.controllerPort();
    settings.put("process.roles", "broker,controller");
    settings.put("node.id", Integer.toString(options.nodeId()));
    settings.put(
        "controller.quorum.voters",
        options.voters().entrySet().stream()
            .map(voter -> voter.getKey() + "@" + HOST + ":" + voter.getValue())
            .collect(Collectors.joining(",")));
    settings.put("controller.listener.names", CONTROLLER_LISTENER);
    StringBuilder listeners = new StringBuilder("PLAINTEXT://" + bootstrap(options));
    StringBuilder protocols = new StringBuilder("PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    options
        .listeners()
        .forEach(
            each -> {
              listeners.append("," + each.name() + "://" + HOST + ":" + each.port());
              protocols.append("," + each.name() + ":" + each.protocol().name);
            });
    settings.put("listener.security.protocol.map", protocols.toString());
    settings.put("listeners", listeners + ",CONTROLLER://" + controller);
    settings.put("advertised.listeners", listeners.toString());
  }

  private static void internalTopicsOnOneNode(Properties settings) {
    settings.put("offsets.topic.replication.factor", "1");
    settings.put("offsets.topic.num.partitions", "4");
    settings.put("transaction.state.log.replication.factor", "1");
    settings.put("transaction.state.log.min.isr", "1");
    settings.put("transaction.state.log.num.partitions", "4");
    settings.put("share.coordinator.state.topic.replication.factor", "1");
    settings.put("share.coordinator.state.topic.min.isr", "1");
    settings.put("share.coordinator.state.topic.num.partitions", "4");
  }

  private static void smallFootprint(Properties settings) {
    settings.put("num.network.threads", "2");
    settings.put("num.io.threads", "4");
    settings.put("background.threads", "2");
    // The default, 128 MB, is half the heap.
    settings.put("log.cleaner.dedupe.buffer.size", Integer.toString(8 * 1024 * 1024));
  }

  /** The controller lets a killed broker register again only when its old session has run out. */
  private static void quickRestartAfterKill(Properties settings) {
    settings.put("broker.session.timeout.ms", "3000");
    settings.put("broker.heartbeat.interval.ms", "500");
  }
}
