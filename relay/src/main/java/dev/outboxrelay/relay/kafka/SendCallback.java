package dev.outboxrelay.relay.kafka;

import dev.outboxrelay.relay.deliver.Completion;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * Hands a result on to the delivery loop, and does nothing else. An error that comes on the sending
 * thread came before the record was accepted.
 */
final class SendCallback implements Callback {
  private final Completion completion;
  private final Thread sendingThread;
  private Exception refusal;

  SendCallback(Completion completion, Thread sendingThread) {
    this.completion = completion;
    this.sendingThread = sendingThread;
  }

  @Override
  public void onCompletion(RecordMetadata metadata, Exception error) {
    if (error == null) {
      completion.acked(metadata.partition());
    } else if (Thread.currentThread() == sendingThread) {
      refusal = error;
    } else {
      completion.failed(error);
    }
  }

  /** Why the record was not accepted, or null; for the sending thread. */
  Exception refusal() {
    return refusal;
  }
}
