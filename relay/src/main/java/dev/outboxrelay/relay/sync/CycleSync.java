package dev.outboxrelay.relay.sync;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;

/**
 * Brings cycle files to stable storage before a position may cover them: else a power cut could
 * leave a position beyond the data, and what is appended there next would never be sent. For one
 * thread.
 */
public final class CycleSync implements Closeable {
  private final OutboxPaths paths;
  private final Disk disk;
  private long current;
  private FileChannel channel;

  /** Begins with the cycle of the saved position: what is before it was synced by then. */
  public CycleSync(OutboxPaths paths, long cycle, Disk disk) {
    this.paths = paths;
    this.disk = disk;
    this.current = cycle;
  }

  /**
   * Syncs all cycles from the last one that was synced up to this one.
   *
   * @throws CycleSyncException if the operating system could not write one of them
   */
  public void syncUpTo(long cycle) throws IOException {
    if (cycle > current) {
      for (long each : paths.cycles()) {
        if (each > current && each <= cycle) {
          sync();
          close();
          current = each;
        }
      }
    }
    sync();
  }

  private void sync() throws IOException {
    try {
      if (channel == null) {
        channel = SafeFiles.openToRead(paths.cycle(current));
      }
    } catch (NoSuchFileException e) {
      return; // Deleted: there is nothing left that a position could run ahead of.
    }
    try {
      disk.sync(channel, false, DiskStep.PAYLOAD);
    } catch (IOException e) {
      throw new CycleSyncException(current, e);
    }
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
      channel = null;
    }
  }
}
