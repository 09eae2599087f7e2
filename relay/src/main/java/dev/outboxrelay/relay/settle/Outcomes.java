package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.io.Closeable;
import java.io.IOException;
import java.util.List;

/**
 * {@code relay.outcomes} of an outbox, to which its own pipeline writes, and those of its lanes.
 * Thread-safe.
 */
public final class Outcomes implements Closeable {
  private final OutcomesFile file;

  private Outcomes(OutcomesFile file) {
    this.file = file;
  }

  /**
   * Opens it. What it tells of sequences behind the start is of another life.
   *
   * @param settled the sequence of the saved position, 0 if there is none
   */
  public static Outcomes open(OutboxPaths paths, long settled, Disk disk) throws IOException {
    OutcomesFile file = OutcomesFile.open(paths.outcomes(), disk);
    try {
      file.forgetBehind(settled);
      return new Outcomes(file);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** Appends ranges and syncs them. */
  public synchronized void append(List<Range> ranges) throws IOException {
    file.append(ranges);
  }

  @Override
  public synchronized void close() throws IOException {
    file.close();
  }
}
