package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;

/** The last record of a parked topic's outbox, where no position can stand behind it. */
final class LastRecord {
  private LastRecord() {}

  /**
   * Appends it once more, in another cycle, if its own failed and nothing stands behind it: it is
   * delivered twice then, which is less than to keep a lane for ever. While nobody else appends.
   *
   * @param sequence of the last that was appended; an earlier one would get behind it
   * @return whether it did
   */
  static boolean repeat(
      OutboxPaths paths, WriterOptions options, OutboxIdentity main, long sequence)
      throws IOException {
    OutboxRecord last = new ParkedBefore(paths, main).lastIfFailed();
    if (last == null || last.sequence() > sequence) {
      return false;
    }
    Source source = Source.of(last);
    if (source == null || last.sequence() < sequence) {
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
