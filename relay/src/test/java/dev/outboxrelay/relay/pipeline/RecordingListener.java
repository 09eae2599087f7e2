package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.DeadLetterReason;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Verdict;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Keeps all that it is told, in order, for tests of whatever tells a listener. Thread-safe. */
public final class RecordingListener implements PipelineListener {
  public final List<String> states = new CopyOnWriteArrayList<>();
  public final List<Verdict> verdicts = new CopyOnWriteArrayList<>();
  public final List<String> deadLetters = new CopyOnWriteArrayList<>();
  public final List<String> quarantined = new CopyOnWriteArrayList<>();
  public final List<String> missing = new CopyOnWriteArrayList<>();
  public final List<String> standstills = new CopyOnWriteArrayList<>();
  public final List<Long> deletedCycles = new CopyOnWriteArrayList<>();
  public final List<Long> missingEnds = new CopyOnWriteArrayList<>();

  @Override
  public void stateChanged(DeliveryState from, DeliveryState to) {
    states.add(to.label());
  }

  @Override
  public void sendFailed(Verdict verdict, String topic) {
    verdicts.add(verdict);
  }

  @Override
  public void deadLettered(String topic, DeadLetterReason reason, long sequence) {
    deadLetters.add(topic + " " + reason.label() + " " + sequence);
  }

  @Override
  public void quarantined(long cycle, long offset, long bytes, String reason) {
    quarantined.add(reason);
  }

  @Override
  public void missing(long first, long last) {
    missing.add(first + "-" + last);
  }

  @Override
  public void standingStill(long cycle, long offset, String reason) {
    standstills.add(reason);
  }

  @Override
  public void endMissing(long cycle) {
    missingEnds.add(cycle);
  }

  @Override
  public void cycleDeleted(long cycle, long bytes) {
    deletedCycles.add(cycle);
  }
}
