package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.files.OutboxPaths;
import java.io.Closeable;

/** Keeps a parked topic's lane from running. */
public interface LaneLock {
  /** Takes the lock of its outbox; null while the lane holds it. */
  Closeable tryLock(OutboxPaths lane);
}
