package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.DeadLetterReason;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Verdict;
import java.util.List;
import java.util.function.Consumer;

/** Tells several listeners, in order. */
final class ListenerChain implements PipelineListener {
  private final List<PipelineListener> listeners;

  ListenerChain(PipelineListener... listeners) {
    this.listeners = List.of(listeners);
  }

  private void tell(Consumer<PipelineListener> what) {
    listeners.forEach(what);
  }

  @Override
  public void delivered(String topic, int bytes, long latencyMillis) {
    for (PipelineListener listener : listeners) {
      listener.delivered(topic, bytes, latencyMillis);
    }
  }

  @Override
  public void sendFailed(Verdict verdict, String topic) {
    tell(listener -> listener.sendFailed(verdict, topic));
  }

  @Override
  public void rewound(int records) {
    tell(listener -> listener.rewound(records));
  }

  @Override
  public void stateChanged(DeliveryState from, DeliveryState to) {
    tell(listener -> listener.stateChanged(from, to));
  }

  @Override
  public void deadLettered(String topic, DeadLetterReason reason, long sequence) {
    tell(listener -> listener.deadLettered(topic, reason, sequence));
  }

  @Override
  public void quarantined(long cycle, long offset, long bytes, String reason) {
    tell(listener -> listener.quarantined(cycle, offset, bytes, reason));
  }

  @Override
  public void missing(long first, long last) {
    tell(listener -> listener.missing(first, last));
  }

  @Override
  public void outOfSequence(long sequence, long previous) {
    tell(listener -> listener.outOfSequence(sequence, previous));
  }

  @Override
  public void standingStill(long cycle, long offset, String reason) {
    tell(listener -> listener.standingStill(cycle, offset, reason));
  }

  @Override
  public void endMissing(long cycle) {
    tell(listener -> listener.endMissing(cycle));
  }

  @Override
  public void checkpointSaved(long sequence) {
    tell(listener -> listener.checkpointSaved(sequence));
  }

  @Override
  public void checkpointFailed(String error) {
    tell(listener -> listener.checkpointFailed(error));
  }

  @Override
  public void jobFailed(String what, String error) {
    tell(listener -> listener.jobFailed(what, error));
  }

  @Override
  public void outboxGone() {
    tell(PipelineListener::outboxGone);
  }

  @Override
  public void cycleDeleted(long cycle, long bytes) {
    tell(listener -> listener.cycleDeleted(cycle, bytes));
  }
}
