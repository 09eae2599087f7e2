package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.List;

/**
 * Where a queue ended at a moment.
 *
 * @param cycle the newest
 * @param offset of what would have been appended next, or more if that can't be told
 */
record QueueEnd(long cycle, long offset) {
  static final QueueEnd NEVER = new QueueEnd(Long.MAX_VALUE, Long.MAX_VALUE);

  private static final int STEPS_BETWEEN_LOOKS = 1000;

  /** Where it ends now. */
  static QueueEnd of(OutboxPaths paths) throws IOException {
    List<Long> cycles = paths.cycles();
    if (cycles.isEmpty()) {
      return new QueueEnd(Long.MIN_VALUE, 0);
    }
    long newest = cycles.get(cycles.size() - 1);
    try (CycleReader reader =
        CycleReader.open(paths.cycle(newest), OutboxIdentity.outboxOf(paths))) {
      return new QueueEnd(newest, endOf(reader));
    } catch (NoSuchFileException | UnreadableBlock e) {
      return new QueueEnd(newest, Long.MAX_VALUE);
    }
  }

  boolean isAfter(FoundEvent event) {
    return event.cycle() < cycle || (event.cycle() == cycle && event.offset() < offset);
  }

  /**
   * Reads on behind what the writers have noted: a kill or a power cut may have left more. Who
   * appends next notes that, too, so once the note changes, all that was there stands before it.
   */
  private static long endOf(CycleReader reader) throws IOException {
    long noted = reader.scanner().writePosition();
    reader.startAt(noted, 0);
    for (int steps = 1; ; steps++) {
      CycleStep step = reader.next(true);
      if (!(step instanceof CycleStep.Event || step instanceof CycleStep.Damage)) {
        return reader.offset();
      }
      long now = steps % STEPS_BETWEEN_LOOKS == 0 ? reader.scanner().writePosition() : noted;
      if (now != noted) {
        return Math.max(reader.offset(), now + 1);
      }
    }
  }
}
