package dev.outboxrelay.relay.history;

import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The last hour of each outbox that is served now; one that is gone is forgotten. It takes 13 KB
 * for each, little beside what a pipeline takes. Thread-safe.
 */
public final class History {
  /** How often a sample is taken. */
  public static final Duration INTERVAL = Duration.ofSeconds(10);

  private static final int ONE_HOUR = (int) Duration.ofHours(1).dividedBy(INTERVAL);

  private final UnsettledAge age;
  private final Map<Path, Samples> outboxes = new HashMap<>();

  /**
   * Nothing is known yet.
   *
   * @param age of the oldest event
   */
  public History(UnsettledAge age) {
    this.age = age;
  }

  /** Of one outbox, oldest first; empty if it is not known. */
  public synchronized List<Sample> of(Path outbox) {
    Samples samples = outboxes.get(outbox);
    return samples == null ? List.of() : samples.list();
  }

  synchronized void add(List<PipelineStatus> all, Clocks clocks) {
    Set<Path> served = all.stream().map(PipelineStatus::outbox).collect(Collectors.toSet());
    outboxes.keySet().retainAll(served);
    for (PipelineStatus status : all) {
      float oldest = age.millis(status) / 1000f;
      outboxes
          .computeIfAbsent(status.outbox(), path -> new Samples(ONE_HOUR))
          .add(status, oldest, clocks.millis(), clocks.nanos());
    }
  }
}
