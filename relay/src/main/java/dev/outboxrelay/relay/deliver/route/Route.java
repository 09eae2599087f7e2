package dev.outboxrelay.relay.deliver.route;

import dev.outboxrelay.relay.deliver.route.RouteState.Asked;
import dev.outboxrelay.relay.deliver.route.RouteState.Barred;
import dev.outboxrelay.relay.deliver.route.RouteState.Introducing;
import dev.outboxrelay.relay.deliver.route.RouteState.Open;
import dev.outboxrelay.relay.deliver.route.RouteState.Unknown;
import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.TimeUnit;

/** All that is known of one topic. For one thread. */
final class Route {
  /** Kafka's client forgets a topic after five idle minutes; it is asked for again before that. */
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(120);

  /**
   * Brokers forget a producer that is silent in a partition, after a day if nobody changed that. To
   * introduce it anew costs a round trip, once after so much silence, so this is short.
   */
  private static final long FORGOTTEN_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final int NONE = -1;

  private final String topic;
  private final BitSet introduced = new BitSet();
  private RouteState state = new Unknown(null);
  private int partitions;

  /** By partition, when a record was sent there last, or the one that introduced it was acked. */
  private long[] heardNanos = {};

  private long usedNanos;
  private int comparedUpdates = NONE;

  /** A partition that an event names and the topic does not have. */
  private int wanted = NONE;

  Route(String topic) {
    this.topic = topic;
  }

  String topic() {
    return topic;
  }

  /** Partitions as of the latest answer; 0 before the first. */
  int partitions() {
    return partitions;
  }

  /** Whether it may be written, as far as is known now. */
  boolean isOpen(long now) {
    return state.isOpen() && now - usedNanos < IDLE_NANOS;
  }

  /** Whether the number of partitions was compared when the sender knew as much as now. */
  boolean isComparedWith(int updates) {
    return comparedUpdates == updates;
  }

  void comparedWith(int updates) {
    comparedUpdates = updates;
  }

  /** What is open is asked whether it is still there. */
  void asked() {
    if (state instanceof Unknown unknown) {
      state = unknown.ask();
    }
  }

  /** It is to be asked for before anything else is sent; what brokers have heard stays known. */
  void doubt() {
    if (state instanceof Open open) {
      state = open.doubt();
    } else if (state instanceof Introducing introducing) {
      state = introducing.doubt();
    }
  }

  /** It can't be written; asked for again at that time. */
  void bar(Trouble trouble, long retryNanos) {
    state = state.bar(trouble, retryNanos);
  }

  /** What bars it, or null. */
  Barred barred() {
    return state instanceof Barred barred ? barred : null;
  }

  /** Another sender follows: of that nobody has heard. */
  void renew(long now) {
    if (state instanceof Barred barred) {
      state = barred.renew(now);
    }
    partitions = 0;
    introduced.clear();
  }

  /** No answer, or not the one that was wanted. */
  void unavailable() {
    if (state instanceof Asked asked) {
      state = asked.unavailable();
    }
  }

  /**
   * It is there.
   *
   * @return what follows from that together with what was known before; null if nothing does
   */
  Verdict ready(int partitionsNow, long now) {
    int before = partitions;
    partitions = partitionsNow;
    heardNanos = Arrays.copyOf(heardNanos, Math.max(partitionsNow, heardNanos.length));
    usedNanos = now;
    comparedUpdates = NONE; // more may have been heard of since the answer
    if (before > partitionsNow) {
      // What was sent to a partition that is gone waits there, for the client will not move it.
      unavailable();
      String error = "topic " + topic + " was created anew with fewer partitions";
      return new Verdict.RebuildAndRewind(error);
    }
    if (wanted >= partitionsNow) {
      unavailable();
      return missing();
    }
    wanted = NONE;
    if (state instanceof Asked asked) {
      state = asked.ready();
    } else if (state instanceof Barred barred) {
      state = barred.ready();
    }
    return null;
  }

  /** An event waits for a partition that the topic does not have. */
  Verdict want(int partition) {
    wanted = partition;
    return missing();
  }

  private Verdict missing() {
    String error =
        "an event names partition %d of topic %s, which has only %d"
            .formatted(wanted, topic, partitions);
    return new Verdict.PauseTopic(topic, PauseReason.PARTITION_MISSING, error);
  }

  /** Whether the first record of a partition is on its way, so that others wait. */
  boolean isIntroducing(long now) {
    if (!(state instanceof Introducing introducing)) {
      return false;
    }
    if (introducing.first().awaitsKafka()) {
      return true;
    }
    state = introducing.over();
    int partition = introducing.first().ackedPartition();
    if (partition >= 0) {
      introduced.set(partition);
      heard(partition, now);
    }
    return false;
  }

  private void heard(int partition, long now) {
    if (partition >= 0 && partition < partitions) {
      heardNanos[partition] = now;
    }
  }

  /**
   * Whether no broker has acked anything yet, or not for long, in this partition, to which a record
   * goes now. False for {@link TopicSource#ANY}: without a key there is no order to keep among
   * several partitions.
   */
  boolean introduces(int partition, long now) {
    int target = partitions == 1 ? 0 : partition;
    if (target == TopicSource.ANY || target >= partitions) {
      return false;
    }
    if (now - heardNanos[target] >= FORGOTTEN_NANOS) {
      introduced.clear(target);
    }
    return !introduced.get(target);
  }

  /** A record was handed over. */
  void sent(Admission.Send admission, Introduction record, long now) {
    usedNanos = now;
    heard(partitions == 1 ? 0 : admission.partition(), now);
    if (admission.introduces() && state instanceof Open open) {
      state = open.introduce(record);
    }
  }
}
