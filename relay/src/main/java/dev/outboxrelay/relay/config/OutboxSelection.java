package dev.outboxrelay.relay.config;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Which outboxes a process serves. */
public sealed interface OutboxSelection {
  /**
   * One, created if need be ({@code OUTBOX_DIR}).
   *
   * @param dir absolute path
   */
  record One(Path dir) implements OutboxSelection {}

  /**
   * All that are found, now and later ({@code OUTBOX_DIRS}).
   *
   * @param globs at least one
   */
  record Matching(List<OutboxGlob> globs) implements OutboxSelection {
    public Matching {
      globs = List.copyOf(globs);
    }

    @Override
    public String toString() {
      return globs.stream().map(OutboxGlob::text).collect(Collectors.joining(":"));
    }
  }
}
