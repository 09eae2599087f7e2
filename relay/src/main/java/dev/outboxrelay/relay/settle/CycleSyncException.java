package dev.outboxrelay.relay.settle;

import java.io.IOException;

/** A cycle file could not be brought to stable storage. */
final class CycleSyncException extends IOException {
  private static final long serialVersionUID = 1L;
  private final long cycle;

  CycleSyncException(long cycle, IOException cause) {
    super("can't sync cycle " + cycle + ": " + cause.getMessage(), cause);
    this.cycle = cycle;
  }

  long cycle() {
    return cycle;
  }
}
