package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.deliver.Completion;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.InvalidTimestampException;

/**
 * Hands a result on to the delivery loop, and does nothing else. An error that comes on the sending
 * thread came before the record was accepted.
 */
final class SendCallback implements Callback {
  private final ClusterGuard cluster;
  private final Completion completion;
  private final long leadMillis;
  private final Thread sendingThread;
  private Exception refusal;

  SendCallback(ClusterGuard cluster, Completion completion, long leadMillis, Thread sendingThread) {
    this.leadMillis = leadMillis;
    this.cluster = cluster;
    this.completion = completion;
    this.sendingThread = sendingThread;
  }

  @Override
  public void onCompletion(RecordMetadata metadata, Exception error) {
    if (error == null) {
      cluster.acked(metadata.topic(), metadata.partition(), completion);
    } else if (Thread.currentThread() == sendingThread) {
      refusal = error;
    } else if (!cluster.isDiscarded()) {
      completion.failed(
          leadMillis > 0 && error instanceof InvalidTimestampException ahead
              ? new AheadOfTime(leadMillis, ahead)
              : error);
    }
  }

  /** Why the record was not accepted, or null; for the sending thread. */
  Exception refusal() {
    return refusal;
  }
}
