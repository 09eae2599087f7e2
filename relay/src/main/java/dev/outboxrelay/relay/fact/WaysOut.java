package dev.outboxrelay.relay.fact;

import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.disk.DiskErrors;
import java.util.Optional;

/** What to do about errors that may meet any part of the relay's work. */
public final class WaysOut {
  private static final String ROOM = "make room";

  private WaysOut() {}

  /** An error that knows by itself what is to be done. */
  public interface Told {
    /** For a person; no full stop. */
    String wayOut();
  }

  /** What to do, whoever met it; empty if the error does not tell. */
  public static Optional<String> of(Throwable error) {
    for (Throwable each = error; each != null; each = each.getCause()) {
      String text = String.valueOf(each.getMessage());
      if (each instanceof Told told) {
        return Optional.of(told.wayOut());
      } else if (text.contains("Too many open files")) {
        return Optional.of(
            "let the process have more open files (LimitNOFILE, ulimit -n), or fewer outboxes");
      } else if (each instanceof OutboxFull || DiskErrors.tellsFullDisk(text)) {
        return Optional.of(ROOM + " on the outbox's disk, or raise its quota");
      }
    }
    return Optional.empty();
  }

  /** The same of a part that fails by it, which may know better where room is missing. */
  static String of(Part part, Throwable error) {
    return of(error)
        .filter(found -> !(found.startsWith(ROOM) && part.wayOut().startsWith(ROOM)))
        .orElse(part.wayOut());
  }
}
