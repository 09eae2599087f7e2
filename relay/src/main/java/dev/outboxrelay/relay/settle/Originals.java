package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.RecordCodec;
import dev.outboxrelay.relay.deliver.InFlight;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.UUID;

/**
 * Reads records in flight once more from the queue, where they stay until they are settled. For one
 * thread, which lets go when it has read what it wants for now.
 */
public final class Originals {
  private final OutboxPaths paths;
  private final UUID outbox;
  private FileChannel open; // null unless a cycle was read
  private long openCycle;

  /** Of the outbox that has this identity. */
  public Originals(OutboxPaths paths, UUID outbox) {
    this.paths = paths;
    this.outbox = outbox;
  }

  /**
   * A record, byte for byte.
   *
   * @throws IOException too if it is not there any more as it was
   */
  public byte[] read(InFlight record) throws IOException {
    CycleId place = new CycleId(outbox, record.cycle());
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(record.bytes()));
    FileChannel cycle = cycle(record.cycle());
    long at = record.offset() + 4;
    while (bytes.hasRemaining() && cycle.read(bytes, at + bytes.position()) >= 0) {
      // Reads on until the record is whole.
    }
    if (!RecordCodec.check(bytes.flip(), place, record.offset()).isValid()) {
      letGo(); // there may be another file at its path
      throw new IOException(
          "the record at offset "
              + record.offset()
              + " of cycle "
              + record.cycle()
              + " is not any more what it was when it was read; a restart quarantines it");
    }
    return bytes.array();
  }

  /** To open it takes longer than to park what is read there, which mostly is of one cycle. */
  private FileChannel cycle(long cycle) throws IOException {
    if (open == null || !open.isOpen() || openCycle != cycle) {
      letGo();
      open = SafeFiles.openToRead(paths.cycle(cycle));
      openCycle = cycle;
    }
    return open;
  }

  /** Holds no file open until the next one is read: a deleted one would take space. */
  public void letGo() throws IOException {
    try (FileChannel closed = open) {
      open = null;
    }
  }
}
