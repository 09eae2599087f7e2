package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * {@code relay.outcomes} of an outbox, to which its own pipeline writes, and those of its lanes.
 * Thread-safe.
 */
public final class Outcomes implements Closeable {
  private final OutcomesFile file;

  /**
   * What lanes have told of events that no position covers yet. Its own pipeline tells later that
   * these are parked, and what was told last holds.
   */
  private final List<Range> early = new ArrayList<>();

  private long settled;

  private Outcomes(OutcomesFile file, long settled) {
    this.file = file;
    this.settled = settled;
  }

  /**
   * Opens it. What it tells of sequences behind the start is of another life, but for what lanes
   * have delivered of this one: they never do so again.
   *
   * @param settled the sequence of the saved position, 0 if there is none
   */
  public static Outcomes open(OutboxPaths paths, long settled, Disk disk) throws IOException {
    OutcomesFile file = OutcomesFile.open(paths.outcomes(), disk);
    try {
      Outcomes opened = new Outcomes(file, settled);
      List<Range> delivered = settled == 0 ? List.of() : delivered(paths, settled);
      file.forgetBehind(settled);
      opened.ofLane(delivered);
      return opened;
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static List<Range> delivered(OutboxPaths paths, long settled) throws IOException {
    return OutcomesFile.read(paths.outcomes()).stream()
        .filter(range -> range.outcome() == DeliveryOutcome.DELIVERED && range.last() > settled)
        .map(
            range -> new Range(Math.max(range.first(), settled + 1), range.last(), range.outcome()))
        .collect(Collectors.toList());
  }

  /** Appends what became of events that the next position covers, and syncs it. */
  public synchronized void append(List<Range> ranges) throws IOException {
    List<Range> all = new ArrayList<>(ranges);
    for (Range range : ranges) {
      if (range.outcome() == DeliveryOutcome.PARKED) {
        early.stream()
            .filter(told -> told.first() <= range.last() && range.first() <= told.last())
            .map(
                told ->
                    new Range(
                        Math.max(told.first(), range.first()),
                        Math.min(told.last(), range.last()),
                        told.outcome()))
            .forEach(all::add);
      }
    }
    file.append(all);
  }

  /** A position was saved that covers all up to a sequence. */
  public synchronized void saved(long sequence) {
    settled = sequence;
    early.removeIf(told -> told.last() <= sequence);
  }

  /** Appends what became of events that were parked, and syncs it. */
  public synchronized void ofLane(List<Range> ranges) throws IOException {
    file.append(ranges);
    ranges.stream().filter(range -> range.last() > settled).forEach(early::add);
  }

  @Override
  public synchronized void close() throws IOException {
    file.close();
  }
}
