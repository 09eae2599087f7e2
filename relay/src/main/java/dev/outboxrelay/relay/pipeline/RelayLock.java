package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OtherFormatFound;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** One relay per outbox: a kernel lock on {@code relay.lock}, which ends with its process. */
public final class RelayLock implements Closeable {
  private final Path file;
  private final FileChannel channel;
  private final Object identity;

  private RelayLock(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    this.identity = identity(file);
  }

  private static Object identity(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
        .fileKey();
  }

  /**
   * Whether the locked file still is the one at its path. If it is not, the outbox was removed,
   * moved or replaced, and the lock keeps nobody out. What can't be told is taken for yes.
   */
  boolean isInPlace() {
    try {
      return identity.equals(identity(file));
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
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
    FileChannel channel;
    try {
      // What another version wrote is left without even a lock file.
      var unused = OutboxIdentity.find(paths);
      channel = SafeFiles.openOrCreate(paths.relayLock());
    } catch (IOException | OutboxError e) {
      throw OtherFormatFound.labelOf(e) == null
          ? new PipelineRefused.Unusable(paths.relayLock() + ": " + e.getMessage(), e)
          : new PipelineRefused.OtherFormat(outbox + ": " + e.getMessage(), e);
    }
    try {
      FileLock lock = channel.tryLock(0, 1, false);
      if (lock != null) {
        return new RelayLock(paths.relayLock(), channel);
      }
    } catch (OverlappingFileLockException e) {
      // Held in this process: the same answer, and closing the channel would release that lock.
      throw heldByAnother(paths);
    } catch (IOException e) {
      closeQuietly(channel);
      throw new PipelineRefused.Unusable("can't lock " + paths.relayLock() + ": " + e, e);
    }
    closeQuietly(channel);
    throw heldByAnother(paths);
  }

  private static PipelineRefused heldByAnother(OutboxPaths paths) {
    return new PipelineRefused.HeldByAnother(
        "another relay delivers "
            + paths.root()
            + " already: stop it first, or give this one another OUTBOX_DIR (fuser "
            + paths.relayLock()
            + " tells its process)");
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // Nothing was held.
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
