package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.QueueMaintenance;
import dev.outboxrelay.client.writing.QueueMaintenance.Deletion;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.util.List;

/** Deletes what is settled of an outbox that no pipeline serves. */
public final class SettledCycles {
  private SettledCycles() {}

  /**
   * Deletes cycles, oldest first.
   *
   * @param below only cycles with a lower number than this one
   * @return how many
   */
  public static int delete(WriterOptions options, HeldDirectories held, long below)
      throws IOException {
    List<Long> old = held.paths().cycles().stream().filter(cycle -> cycle < below).toList();
    if (old.isEmpty()) {
      return 0;
    }
    int deleted = 0;
    try (QueueMaintenance queue = new QueueMaintenance(options, held)) {
      for (long cycle : old) {
        Deletion deletion = queue.delete(cycle);
        if (deletion == Deletion.IS_NOT_SEALED) {
          var unused = queue.seal(cycle); // one that is damaged stays for a person to look at
          deletion = queue.delete(cycle);
        }
        deleted += deletion == Deletion.DELETED ? 1 : 0;
      }
    }
    return deleted;
  }
}
