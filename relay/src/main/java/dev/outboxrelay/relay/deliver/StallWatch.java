package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.route.Routes;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Notices that Kafka has not answered for long, or will never answer. For one thread. */
final class StallWatch {
  private static final long CHECK_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** So many connections, one after the other, for one record that is not acked. */
  private static final long NO_ACCIDENT = 4;

  /** The part of the time that makes a stall for which a topic has to be the silent one. */
  private static final long CLEAR = 5;

  private final Window window;
  private final Routes routes;
  private final Transport transport;
  private final long stallNanos;
  private final long lostOrderNanos;
  private long lastCheckNanos;
  private InFlight silent;

  /** Records that are ignored, and since when. */
  private final IdentityHashMap<InFlight, Long> ignored = new IdentityHashMap<>();

  /** Connections that had been made when it fell silent. */
  private long connectionsBefore;

  /** Since when the same record is silent although brokers are connected and let us send. */
  private long ignoredSinceNanos;

  /** The same while it seems to keep others back. */
  private long inTheWaySinceNanos;

  StallWatch(Window window, Routes routes, Transport transport, Limits limits, long now) {
    this.window = window;
    this.routes = routes;
    this.transport = transport;
    this.stallNanos = limits.stall().toNanos();
    this.lostOrderNanos = limits.lostOrder().toNanos();
    this.lastCheckNanos = now;
  }

  /** Looks, if it has not just done so; returns whether it did. */
  boolean look(long now) {
    if (now - lastCheckNanos < CHECK_EVERY_NANOS) {
      return false;
    }
    lastCheckNanos = now;
    InFlight before = silent;
    InFlight oldest = window.oldestAwaitingKafka();
    silent = oldest != null && now - oldest.sentNanos() >= stallNanos ? oldest : null;
    if (silent != null && (silent != before || !transport.isConnected() || isThrottled())) {
      ignoredSinceNanos = now;
    }
    if (silent != null && silent != before) {
      connectionsBefore = transport.connectionsMade();
    }
    if (silent != null && (silent != before || !seemsInTheWay(now))) {
      inTheWaySinceNanos = now;
    }
    List<InFlight> all = ignoredNow(now);
    ignored.keySet().removeIf(each -> all.stream().noneMatch(other -> other == each));
    all.forEach(each -> ignored.putIfAbsent(each, now));
    return true;
  }

  /** Whether brokers have the relay wait for longer than an ack may take anyway. */
  boolean isThrottled() {
    return TimeUnit.MILLISECONDS.toNanos(transport.throttledMillis()) >= stallNanos;
  }

  /** The oldest record, if it has waited too long for its ack; else null. */
  InFlight silent() {
    return silent;
  }

  /**
   * The oldest record of each topic that is silent while records of other topics that were sent
   * behind it are acked; none unless the oldest of all is such a one. For the others half the time
   * is enough: they would be sent again, to fall silent once more. That has to last for a while:
   * where all were silent, the acks of one topic come before those of the next.
   */
  List<InFlight> ignored(long now) {
    Long since = silent == null ? null : ignored.get(silent);
    if (since == null || now - since < stallNanos / CLEAR) {
      return List.of();
    }
    return ignoredNow(now).stream()
        .filter(each -> now - ignored.getOrDefault(each, now) >= stallNanos / CLEAR)
        .collect(Collectors.toList());
  }

  /**
   * Whether the silent record keeps others back, as far as that can be told where there is no room
   * to send any that would be acked: it seems so, for as long as for {@link #ignored}, and brokers
   * say of its topic, later than they should have acked, that it is there.
   */
  boolean isInTheWay(long now) {
    return silent != null
        && seemsInTheWay(now)
        && now - inTheWaySinceNanos >= stallNanos / CLEAR
        && routes.isFoundSince(silent.topic(), silent.sentNanos() + stallNanos);
  }

  /**
   * Whether nothing else is on its way that could still come in time, and all is acked that another
   * topic has behind the silent record.
   */
  private boolean seemsInTheWay(long now) {
    return transport.isConnected()
        && !isThrottled()
        && !window.awaitsKafkaSince(now - stallNanos / 2)
        && window.isAnotherAllAcked(silent);
  }

  private List<InFlight> ignoredNow(long now) {
    // Without any connection nobody answers, whatever was acked just before.
    if (silent == null || !transport.isConnected() || !window.othersAreAckedBehind(silent)) {
      return List.of();
    }
    return window.awaitedByTopic(now - stallNanos / 2).stream()
        .filter(window::othersAreAckedBehind)
        .collect(Collectors.toList());
  }

  /**
   * Whether it is the silent record's own fault, as far as that can be told without others: brokers
   * are connected and let us send, or end the connection each time.
   */
  boolean isIgnored(long now) {
    boolean connected = transport.isConnected() && now - ignoredSinceNanos >= stallNanos / CLEAR;
    return silent != null
        && (connected || transport.connectionsMade() - connectionsBefore >= NO_ACCIDENT / 2);
  }

  /**
   * Whether the silent record's sender will never get its ack. A broker that has not heard of a
   * producer accepts whatever sequence comes first. So if a producer's first batch for a partition
   * is refused (too large, too few replicas) and the next one, already on its way, is not, then the
   * first is out of order for good, and Kafka's client repeats it without end (KAFKA-14359). Seen
   * by acks of later records in every partition in which the silent one could be; or, where those
   * do not come, by patience. {@link Feeder} sees to it where it can tell the partition. A record
   * that was sent alone has no successors to be overtaken by.
   */
  boolean orderIsLost(long now) {
    if (silent == null || silent.isAlone()) {
      return false;
    }
    int partitions = routes.partitions(silent.topic());
    return (partitions > 0 && window.partitionsAckedBehind(silent) >= partitions)
        || now - ignoredSinceNanos >= lostOrderNanos;
  }

  /**
   * What keeps the silent record from its ack, as far as that is known, for people. A broker ends
   * the connection at a request that is larger than it takes, and says nothing; Kafka's client
   * makes the same request again, without end.
   */
  String describe() {
    if (isThrottled()) {
      return "brokers have the relay wait for up to %d s: a quota"
          .formatted(transport.throttledMillis() / 1000 + 1);
    }
    long made = transport.connectionsMade() - connectionsBefore;
    return made < NO_ACCIDENT
        ? transport.describe()
        : ("%d connections were made for it and ended: the event has %d bytes, brokers may take less"
                + " in a request (socket.request.max.bytes)")
            .formatted(made, silent.bytes());
  }

  /** What in flight was discarded. */
  void reset() {
    silent = null;
  }
}
