package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.deliver.Completion;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.InvalidTimestampException;

/**
 * Hands a result on to the delivery loop. An error that comes on the sending thread came before the
 * record was accepted.
 *
 * <p>Kafka's client goes on after a batch that failed: what was sent behind it is tried again, and
 * would overtake the failed one, which is sent again by another sender. So the sender ends here and
 * now, on the client's own thread, unless the failed record is given up itself.
 */
final class SendCallback implements Callback {
  private final Sender sender;
  private final Completion completion;
  private final long leadMillis;
  private final Thread sendingThread;
  private Exception refusal;

  SendCallback(Sender sender, Completion completion, long leadMillis, Thread sendingThread) {
    this.leadMillis = leadMillis;
    this.sender = sender;
    this.completion = completion;
    this.sendingThread = sendingThread;
  }

  @Override
  public void onCompletion(RecordMetadata metadata, Exception error) {
    if (error == null) {
      sender.guard().acked(metadata.topic(), metadata.partition(), completion);
    } else if (Thread.currentThread() == sendingThread) {
      refusal = error;
    } else if (!sender.guard().isDiscarded()) {
      Exception told =
          leadMillis > 0 && error instanceof InvalidTimestampException ahead
              ? new AheadOfTime(leadMillis, ahead)
              : error;
      if (!ErrorClassifier.isOfTheRecord(told, completion.isAlone())) {
        sender.end();
      }
      completion.failed(told);
    }
  }

  /** Why the record was not accepted, or null; for the sending thread. */
  Exception refusal() {
    return refusal;
  }
}
