package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.tail.RecordWalk;
import java.io.Closeable;
import java.io.IOException;
import java.util.UUID;

/**
 * Reads once more what was found in an outbox, so that of much that is read ahead only the places
 * are kept in memory. For one thread.
 */
final class StagedRecords implements Closeable {
  private final OutboxPaths paths;
  private final UUID outbox;
  private CycleScanner open; // null until it is needed
  private long openCycle;

  /** Where a record stands. */
  record Place(long sequence, long cycle, long offset, int bytes) {
    static Place of(RecordWalk.Found found) {
      return new Place(
          found.record().sequence(), found.cycle(), found.offset(), found.record().length());
    }
  }

  /** Opens nothing yet. */
  StagedRecords(OutboxPaths paths, UUID outbox) {
    this.paths = paths;
    this.outbox = outbox;
  }

  /**
   * The record that was found at a place.
   *
   * @throws IOException too if it is not there any more as it was
   */
  OutboxRecord read(Place place) throws IOException {
    if (open == null || openCycle != place.cycle()) {
      close();
      open = CycleScanner.open(paths.cycle(place.cycle()), outbox);
      openCycle = place.cycle();
    }
    if (open.at(place.offset()) instanceof CycleEntry.Valid valid
        && valid.record().sequence() == place.sequence()) {
      return valid.record();
    }
    throw new IOException(
        "the record at offset "
            + place.offset()
            + " of "
            + OwnDescriptors.nameOf(paths.cycle(place.cycle()))
            + " is not any more what it was when it was read: verify tells more");
  }

  @Override
  public void close() throws IOException {
    if (open != null) {
      open.close();
      open = null;
    }
  }
}
