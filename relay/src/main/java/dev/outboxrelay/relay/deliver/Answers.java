package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.DeliveryState.Connecting;
import dev.outboxrelay.relay.deliver.Transport.Answer;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;

/**
 * What follows from the transport's answers about its senders, their cluster and topics. For one
 * thread.
 */
final class Answers {
  private final Transport transport;
  private final Routes routes;
  private final Settlement settlement;
  private final FactListener listener;
  private final RetryPlan retries;
  private final Feeder feeder;
  private final AckedBefore ackedBefore;
  private final Senders senders;

  private boolean senderLost;
  private boolean strangersLeftOut;

  /** The one to which events go, in earlier runs, too; null before the first. */
  private String cluster;

  private boolean clusterTold;

  Answers(
      Transport transport,
      Routes routes,
      Settlement settlement,
      FactListener listener,
      RetryPlan retries,
      Feeder feeder,
      AckedBefore ackedBefore,
      Senders senders,
      String cluster) {
    this.transport = transport;
    this.routes = routes;
    this.settlement = settlement;
    this.listener = listener;
    this.retries = retries;
    this.feeder = feeder;
    this.ackedBefore = ackedBefore;
    this.senders = senders;
    this.cluster = cluster;
  }

  /** Takes all that there are; returns how many. */
  int take(long now) {
    int taken = 0;
    for (Answer answer = transport.poll(); answer != null; answer = transport.poll()) {
      taken++;
      if (answer instanceof Answer.Connected made) {
        connected(made);
      } else if (answer instanceof Answer.ConnectFailed failed) {
        senders.connectFailed(failed.verdict(), now);
      } else if (answer instanceof Answer.ClusterSeen seen) {
        clusterSeen(seen, now);
      } else if (answer instanceof Answer.SenderLost lost) {
        senderLost(lost, now);
      } else if (answer instanceof Answer.TopicReady ready) {
        topicReady(ready, now);
      } else if (answer instanceof Answer.TopicUnavailable unavailable) {
        routes.unavailable(unavailable.topic());
        topicUnavailable(unavailable.topic(), unavailable.verdict(), now);
      } else if (answer instanceof Answer.TopicsUnavailable many) {
        routes.unavailable(many.verdicts().keySet(), many.anybody(), now);
        many.verdicts().forEach((topic, verdict) -> topicUnavailable(topic, verdict, now));
      }
    }
    return taken;
  }

  private void connected(Answer.Connected made) {
    if (!(senders.state() instanceof Connecting)) {
      return;
    }
    strangers(made.leftOut());
    if (senderLost) {
      senderLost = false;
      listener.tell(new Fact.Recovered(Part.THREAD));
    }
    senders.connected();
  }

  private void strangers(String leftOut) {
    if (leftOut != null) {
      listener.tell(new Fact.Failed(Part.PEER, leftOut));
    } else if (strangersLeftOut) {
      listener.tell(new Fact.Recovered(Part.PEER));
    }
    strangersLeftOut = leftOut != null;
  }

  private void clusterSeen(Answer.ClusterSeen seen, long now) {
    Verdict verdict = seen.refusal();
    if (verdict == null) {
      boolean same = seen.id().equals(cluster);
      if (!same || !clusterTold) {
        clusterTold = true;
        listener.tell(new Fact.ClusterSeen(seen.id(), cluster));
      }
      if (!same) {
        settlement.cluster(seen.id());
        cluster = seen.id();
      }
      ackedBefore.seen(seen.id());
      // Its producer id is the other cluster's, who may have given it to somebody else here.
      verdict =
          seen.replaced()
              ? new Verdict.RebuildAndRewind("another cluster is there now: " + seen.id())
              : null;
    }
    if (verdict != null) {
      senders.interrupted(null, verdict, now);
    }
    if (seen.replaced()) {
      ackedBefore.forget(); // the other cluster has acked that
    }
  }

  private void senderLost(Answer.SenderLost lost, long now) {
    senderLost = true;
    listener.tell(new Fact.Failed(Part.THREAD, lost.error()));
    String why = "a thread has died: " + lost.error();
    senders.interrupted(null, new Verdict.RebuildAndRewind(why), now);
  }

  private void topicReady(Answer.TopicReady ready, long now) {
    boolean wasBarred = routes.isUnwritable(ready.topic()) && routes.bar(ready.topic()) != null;
    Verdict objection = routes.ready(ready.topic(), ready.partitions(), now);
    if (objection == null) {
      if (wasBarred && !routes.isUnwritable(ready.topic()) && !routes.isUnproven(ready.topic())) {
        listener.tell(new Fact.TopicOpened(ready.topic()));
      }
      senders.tell();
    } else {
      topicUnavailable(ready.topic(), objection, now);
    }
  }

  private void topicUnavailable(String topic, Verdict verdict, long now) {
    if (!senders.areConnected()) {
      return;
    }
    listener.tell(new Fact.SendFailed(verdict, topic));
    Trouble bar = routes.bar(topic);
    if (!(verdict instanceof Verdict.RetryLater)) {
      senders.refused(verdict, now);
    } else if (bar != null) {
      senders.bar(topic, bar.again(bar.cause()), now);
      senders.tell();
    } else if (routes.isUnwritable(topic)) {
      routes.retry(topic, retries.firstNanos(now));
    } else {
      senders.stall(verdict);
      // Asking waits by itself for Kafka to come back.
      feeder.holdUntil(retries.firstNanos(now));
    }
  }
}
