package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.lock.LockFile;
import dev.outboxrelay.client.record.OtherFormatFound;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileLock;
import java.nio.file.Path;

/** One relay per outbox: a kernel lock on {@code relay.lock}, which ends with its process. */
public final class RelayLock implements Closeable {
  private final Path file;
  private final LockFile lockFile;
  private final FileLock lock;
  private boolean closed; // guarded by this

  private RelayLock(Path file, LockFile lockFile, FileLock lock) {
    this.file = file;
    this.lockFile = lockFile;
    this.lock = lock;
  }

  /**
   * Whether the locked file still is the one at its path. If it is not, the outbox was removed,
   * moved or replaced, and the lock keeps nobody out. Nor does it if something else in this process
   * has closed the file. What can't be told is taken for yes.
   */
  boolean isInPlace() {
    try {
      return lockFile.isAt(file) && lockFile.isStillHeld(file);
    } catch (IOException e) {
      return true;
    }
  }

  /** Whether the lock is that of an outbox, by its directory that is held. */
  boolean isOf(OutboxPaths held) throws IOException {
    return lockFile.isAt(held.relayLock());
  }

  /**
   * Takes the lock, or tells that another relay has it. Touches nothing else of the outbox, so it
   * may be asked for often.
   *
   * @param outbox its directory, which exists
   * @throws PipelineRefused in either case that it is not to be had
   */
  public static RelayLock take(Path outbox) {
    OutboxPaths paths = new OutboxPaths(outbox);
    LockFile lockFile;
    try {
      // What another version wrote is left without even a lock file.
      var unused = OutboxIdentity.find(paths);
      lockFile = LockFile.share(paths.relayLock());
    } catch (IOException | OutboxError e) {
      throw OtherFormatFound.labelOf(e) == null
          ? new PipelineRefused.Unusable(paths.relayLock() + ": " + e.getMessage(), e)
          : new PipelineRefused.OtherFormat(outbox + ": " + e.getMessage(), e);
    }
    FileLock lock = null;
    try {
      lock = lockFile.tryLock(Disk.REAL);
    } catch (IOException e) {
      throw new PipelineRefused.Unusable("can't lock " + paths.relayLock() + ": " + e, e);
    } finally {
      if (lock == null) {
        giveUpQuietly(lockFile);
      }
    }
    if (lock == null) {
      throw heldByAnother(paths);
    }
    RelayLock taken = new RelayLock(paths.relayLock(), lockFile, lock);
    try {
      taken.isInPlace(); // to tell later whether it still is, it is looked at first while it is
    } catch (RuntimeException | Error e) {
      taken.closeAfter(e);
      throw e;
    }
    return taken;
  }

  /** Nobody gets it: what nobody has can't be given back later. */
  public void closeAfter(Throwable failure) {
    try {
      close();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** The lock of a parked topic's outbox; null while its lane holds that. */
  static Closeable tryLane(OutboxPaths lane) {
    try {
      return take(lane.root());
    } catch (PipelineRefused.HeldByAnother e) {
      return null;
    }
  }

  private static PipelineRefused heldByAnother(OutboxPaths paths) {
    return new PipelineRefused.HeldByAnother(
        "another relay delivers "
            + paths.root()
            + " already: stop it first, or give this one another OUTBOX_DIR (fuser "
            + paths.relayLock()
            + " tells its process)");
  }

  private static void giveUpQuietly(LockFile lockFile) {
    try {
      lockFile.giveUp();
    } catch (IOException e) {
      // Nothing was held.
    }
  }

  @Override
  public synchronized void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    try {
      lockFile.release(lock);
    } finally {
      lockFile.giveUp();
    }
  }
}
