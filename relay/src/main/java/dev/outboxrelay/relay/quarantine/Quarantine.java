package dev.outboxrelay.relay.quarantine;

import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Keeps bytes of the queue that are no valid record, one file for each place where they were found:
 * {@code quarantine/<outbox id>-<generation>-<cycle>-<offset>.bin}, header word first. What the
 * disk does not give is zeros there, so that the rest keeps its place. For one thread.
 */
public final class Quarantine {
  private static final int BLOCK_BYTES = 64 << 10;

  private final OutboxPaths paths;
  private final String prefix;

  /**
   * Makes nothing yet.
   *
   * @param outbox which it is: what is kept outlives one that is begun anew
   */
  public Quarantine(OutboxPaths paths, OutboxIdentity outbox) {
    this.paths = paths;
    this.prefix = outbox.outbox() + "-" + outbox.generation() + "-";
  }

  /**
   * Copies a region of a cycle file; durable when it returns. A region that is kept already is left
   * as it is; one of which only a part is kept is replaced.
   *
   * @param offset where the region begins, bytes
   * @param end behind its last byte
   * @return whether it was new
   */
  public boolean keep(long cycle, long offset, long end) throws IOException {
    SafeFiles.createDirectory(paths.quarantine(), SafeFiles.attributes(paths.root()).gid());
    try (Folder held = Folder.hold(paths.quarantine())) {
      return keep(held.path(), cycle, offset, end);
    } catch (IOException e) {
      throw Folder.named(e);
    }
  }

  private boolean keep(Path directory, long cycle, long offset, long end) throws IOException {
    Path file = directory.resolve(prefix + cycle + "-" + offset + ".bin");
    SafeFiles.Attributes kept = SafeFiles.attributes(file);
    if (kept != null && kept.size() >= end - offset) {
      return false;
    }
    Path unfinished = directory.resolve("." + file.getFileName() + ".tmp");
    Files.deleteIfExists(unfinished);
    try (FileChannel from = SafeFiles.openToRead(paths.cycle(cycle));
        FileChannel to = SafeFiles.create(unfinished)) {
      copy(from, offset, end, to);
      to.force(true);
    }
    Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
    sync(directory);
    sync(paths.root());
    return true;
  }

  /** Blocks of zeros become holes: a damaged region can be as long as the file. */
  static void copy(FileChannel from, long offset, long end, FileChannel to) throws IOException {
    ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES);
    long copied = 0;
    while (offset + copied < end) {
      block.clear().limit((int) Math.min(BLOCK_BYTES, end - offset - copied));
      int read = read(from, offset + copied, block);
      if (read <= 0) {
        break;
      }
      block.flip();
      boolean last = offset + copied + read >= end;
      if (last || block.mismatch(ByteBuffer.allocate(read)) >= 0) {
        long at = copied;
        while (block.hasRemaining()) {
          at += to.write(block, at);
        }
      }
      copied += read;
    }
  }

  /** Reads what there is, or zeros up to the next sector where the disk gives nothing. */
  private static int read(FileChannel from, long at, ByteBuffer block) throws IOException {
    try {
      return from.read(block, at);
    } catch (IOException e) {
      if (!UnreadableBlock.isCauseOf(e)) {
        throw e;
      }
      int sector = (int) Math.min(UnreadableBlock.next(at) - at, block.limit());
      if (block.limit() > sector) {
        // Not all of what was asked for need be bad.
        block.clear().limit(sector);
        return read(from, at, block);
      }
      block.put(new byte[sector]);
      return sector;
    }
  }

  private static void sync(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
