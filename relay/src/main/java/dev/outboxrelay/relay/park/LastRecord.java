package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.util.List;

/** The last record of a parked topic's outbox, where no position can stand behind it. */
final class LastRecord {
  private LastRecord() {}

  /**
   * Appends it once more, in another cycle, if its own failed and nothing stands behind it: it is
   * delivered twice then, which is less than to keep a lane for ever. From any thread.
   *
   * @return whether it did
   */
  static boolean repeat(OutboxPaths paths, WriterOptions options, OutboxIdentity main)
      throws IOException {
    List<Long> cycles = paths.cycles();
    List<Long> failed =
        StateFile.read(paths.state()).map(OutboxState::failedCycles).orElse(List.of());
    if (cycles.isEmpty() || !failed.contains(cycles.get(cycles.size() - 1))) {
      return false;
    }
    OutboxRecord last = new ParkedBefore(paths, main).lastOfAll();
    Source source = last == null ? null : Source.of(last);
    if (source == null) {
      throw new IOException(
          "the last event in parked/"
              + paths.root().getFileName()
              + "/ can't be read: verify tells more");
    }
    KeptOutbox.Event event = new KeptOutbox.Event(Source.asAppended(last), source);
    try (QueueWriter writer = QueueWriter.open(options)) {
      writer.append(ParkedOutbox.copy(event, last.topic()));
    }
    return true;
  }
}
