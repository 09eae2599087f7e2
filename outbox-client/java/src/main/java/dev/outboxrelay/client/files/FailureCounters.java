package dev.outboxrelay.client.files;

import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.OutboxBusy;
import dev.outboxrelay.client.OutboxCorrupt;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.disk.SafeFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;

/**
 * {@code append.failures}: how many appends were refused, by reason, for the relay to export. A
 * count may be lost; an append never waits for it and never fails for it.
 */
public final class FailureCounters {
  static final int FILE_BYTES = 512;

  private final Path file;
  private final Disk disk;

  public FailureCounters(Path file, Disk disk) {
    this.file = file;
    this.disk = disk;
  }

  /** Why an append was refused; in the order of the file's counters. */
  public enum Reason {
    TOO_LARGE(0),
    INVALID(1),
    FULL(2),
    BUSY(3),
    CORRUPT(4),
    UNAVAILABLE(5);

    private final int number;

    Reason(int number) {
      this.number = number;
    }

    int offset() {
      return 8 * number;
    }

    static Reason of(OutboxError error) {
      if (error instanceof EventTooLarge) {
        return TOO_LARGE;
      } else if (error instanceof InvalidEvent) {
        return INVALID;
      } else if (error instanceof OutboxFull) {
        return FULL;
      } else if (error instanceof OutboxBusy) {
        return BUSY;
      } else if (error instanceof OutboxCorrupt) {
        return CORRUPT;
      }
      return UNAVAILABLE;
    }
  }

  /**
   * Makes the file and its one block if that is possible, as a full disk has neither to give. Never
   * fails: refusals are then counted when they can be.
   *
   * @param held where it is to be made
   */
  public void make(Path held) {
    try {
      SafeFiles.Attributes found = SafeFiles.attributes(held);
      if (found != null && found.size() >= FILE_BYTES) {
        return;
      }
      try (FileChannel channel = SafeFiles.openOrCreate(held)) {
        fillUp(channel);
      }
    } catch (IOException | RuntimeException e) {
      // as above
    }
  }

  /** Counts one refused append, if that is possible without waiting. */
  public void count(OutboxError error) {
    int offset = Reason.of(error).offset();
    try (Folder root = Folder.hold(file.getParent());
        FileChannel channel = SafeFiles.openOrCreate(root.path().resolve(file.getFileName()));
        FileLock lock = disk.tryLock(channel, offset / 8, 1, DiskStep.FAILURES)) {
      if (lock == null) {
        return;
      }
      fillUp(channel);
      ByteBuffer counter = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      channel.read(counter, offset);
      counter.putLong(0, counter.getLong(0) + 1).clear();
      disk.write(channel, counter, offset, DiskStep.FAILURES);
    } catch (IOException | RuntimeException e) {
      // lost: the error itself reaches the caller
    }
  }

  /** Writes behind all counters: that allocates the block, and no count made meanwhile is lost. */
  private void fillUp(FileChannel channel) throws IOException {
    if (channel.size() < FILE_BYTES) {
      disk.write(channel, ByteBuffer.allocate(1), FILE_BYTES - 1, DiskStep.FAILURES);
    }
  }

  /** The counts; zeros if there is no file. */
  public static Map<Reason, Long> read(Path file) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.wrap(SafeFiles.read(file, FILE_BYTES).orElse(new byte[FILE_BYTES]))
            .order(ByteOrder.LITTLE_ENDIAN);
    Map<Reason, Long> counts = new EnumMap<>(Reason.class);
    for (Reason reason : Reason.values()) {
      counts.put(reason, bytes.getLong(reason.offset()));
    }
    return counts;
  }
}
