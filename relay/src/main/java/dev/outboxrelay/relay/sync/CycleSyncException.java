package dev.outboxrelay.relay.sync;

import java.io.IOException;

/** A cycle file could not be brought to stable storage. */
public final class CycleSyncException extends IOException {
  private static final long serialVersionUID = 1L;
  private final long cycle;

  CycleSyncException(long cycle, IOException cause) {
    super("can't sync cycle " + cycle + ": " + cause.getMessage(), cause);
    this.cycle = cycle;
  }

  public long cycle() {
    return cycle;
  }
}
