package dev.outboxrelay.client.files;

import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.record.RecordCodec;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * {@code relay.position}: two checksummed slots, written in turn and synced, so that one of them
 * always holds. Written by the holder of the relay's lock alone; anybody may read. An instance is
 * for one thread.
 */
public final class PositionFile implements Closeable {
  static final int SLOT_BYTES = 4096;
  static final int FILE_BYTES = 2 * SLOT_BYTES;

  private static final long MAGIC = 0x5449534F5058424FL; // OBXPOSIT
  private static final int VERSION = 1;
  private static final int USED_BYTES = 128;

  private final Path file;
  private final Disk disk;
  private FileChannel channel;
  private Object key;
  private long count;
  private int nextSlot;

  /** Whether no power cut can take the file as a whole: who created it may not have come so far. */
  private boolean isNamed;

  private PositionFile(Path file, FileChannel channel, Object key, Disk disk, Slots slots) {
    this.file = file;
    this.channel = channel;
    this.key = key;
    this.disk = disk;
    count = slots.count;
    nextSlot = slots.newest == 0 ? 1 : 0;
  }

  /** What a position file holds. */
  public sealed interface Reading {
    /** Whether there should be a position, and is none to be had. */
    default boolean isDamaged() {
      return this instanceof Damaged || this instanceof Unreadable;
    }

    /** No position was ever saved. */
    record None() implements Reading {}

    /** Bytes are there, but neither slot is valid: a matter for the operator. */
    record Damaged() implements Reading {}

    /** The disk gives no valid slot, though it may later. */
    record Unreadable() implements Reading {}

    /** The newest valid position. */
    record Saved(Position position) implements Reading {}
  }

  /**
   * Opens the file for saving; creates it if need be, with room for both slots.
   *
   * @throws IOException too if neither slot can be read: what it holds could outlive what is saved
   */
  public static PositionFile open(Path file, Disk disk) throws IOException {
    FileChannel channel = SafeFiles.openOrCreate(file);
    try {
      allocate(channel, disk);
      Slots slots = slots(file);
      if (slots.reading instanceof Reading.Unreadable) {
        throw new IOException(OwnDescriptors.nameOf(file) + " can't be read");
      }
      return new PositionFile(file, channel, SafeFiles.keyOf(file), disk, slots);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** So that a disk that fills up later takes positions all the same. */
  private static void allocate(FileChannel channel, Disk disk) {
    try {
      long size = channel.size();
      if (size < FILE_BYTES) {
        ByteBuffer zeroes = ByteBuffer.allocate((int) (FILE_BYTES - size));
        disk.write(channel, zeroes, size, DiskStep.POSITION);
      }
    } catch (IOException e) {
      // The disk is full already. Delivery goes on without, and each save tries again and tells.
    }
  }

  /** Reads a position file; it need not exist. */
  public static Reading read(Path file) throws IOException {
    return slots(file).reading;
  }

  /** The position, or empty if there is none or none is valid. */
  public static Optional<Position> find(Path file) throws IOException {
    return read(file) instanceof Reading.Saved saved
        ? Optional.of(saved.position())
        : Optional.empty();
  }

  /**
   * Whoever took the file away, or put another one in its place, must not keep others from seeing
   * what is saved from now on: writers would take the outbox for full.
   */
  private void comeBack() throws IOException {
    if (key == null || !key.equals(SafeFiles.keyOf(file))) {
      PositionFile anew = open(file, disk);
      channel.close();
      channel = anew.channel;
      key = anew.key;
      isNamed = false;
      count = Math.max(count, anew.count);
      nextSlot = anew.nextSlot;
    }
  }

  /**
   * Writes the older slot and syncs it. What the position covers must be on stable storage before.
   */
  public void save(Position position) throws IOException {
    comeBack();
    ByteBuffer slot = ByteBuffer.allocateDirect(SLOT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    encode(slot, position, count + 1);
    disk.write(channel, slot, (long) nextSlot * SLOT_BYTES, DiskStep.POSITION);
    disk.sync(channel, false, DiskStep.POSITION);
    if (!isNamed) {
      disk.syncDirectory(file.getParent(), DiskStep.POSITION);
      isNamed = true;
    }
    count++;
    nextSlot = 1 - nextSlot;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private record Slots(Reading reading, long count, int newest) {}

  private static Slots slots(Path file) throws IOException {
    byte[] bytes;
    boolean unreadable = false;
    try {
      bytes = SafeFiles.read(file, FILE_BYTES).orElse(null);
    } catch (IOException e) {
      if (!UnreadableBlock.isCauseOf(e)) {
        throw e;
      }
      // One of them may be readable.
      unreadable = true;
      bytes = new byte[FILE_BYTES];
      for (int at = 0; at < FILE_BYTES; at += SLOT_BYTES) {
        readSlot(file, at, bytes);
      }
    }
    if (bytes == null) {
      return new Slots(new Reading.None(), 0, -1);
    }
    ByteBuffer both = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int newest = -1;
    long highest = 0;
    for (int slot = 0; slot < 2; slot++) {
      int at = slot * SLOT_BYTES;
      long slotCount = both.getLong(at + 16);
      if (isValid(both, at) && (newest < 0 || Long.compareUnsigned(slotCount, highest) > 0)) {
        newest = slot;
        highest = slotCount;
      }
    }
    if (newest >= 0) {
      // What can't be read may be the newer one: the next save goes there, and counts more.
      highest += unreadable ? 1 : 0;
      return new Slots(new Reading.Saved(decode(both, newest * SLOT_BYTES)), highest, newest);
    }
    boolean blank = true;
    for (byte b : bytes) {
      blank &= b == 0;
    }
    if (unreadable) {
      return new Slots(new Reading.Unreadable(), 0, -1);
    }
    return new Slots(blank ? new Reading.None() : new Reading.Damaged(), 0, -1);
  }

  /** Leaves zeros where the disk gives nothing. */
  private static void readSlot(Path file, int at, byte[] bytes) throws IOException {
    try (FileChannel channel = SafeFiles.openToRead(file)) {
      ByteBuffer slot = ByteBuffer.wrap(bytes, at, SLOT_BYTES);
      while (slot.hasRemaining() && channel.read(slot, slot.position()) >= 0) {
        // Until all is there.
      }
    } catch (IOException e) {
      if (!UnreadableBlock.isCauseOf(e)) {
        throw e;
      }
      Arrays.fill(bytes, at, at + SLOT_BYTES, (byte) 0);
    }
  }

  private static boolean isValid(ByteBuffer both, int at) {
    return both.getLong(at) == MAGIC
        && both.getInt(at + 8) == VERSION
        && both.getInt(at + 12) == crc(both, at)
        && DeliveryMode.of(both.get(at + 32)) != null;
  }

  private static void encode(ByteBuffer slot, Position position, long count) {
    slot.putLong(0, MAGIC);
    slot.putInt(8, VERSION);
    slot.putLong(16, count);
    slot.putLong(24, position.generation());
    slot.put(32, (byte) position.mode().code());
    slot.putLong(40, position.sequence());
    RecordCodec.putUuid(slot, 48, position.eventId());
    slot.putLong(64, position.cycle());
    slot.putLong(72, position.offset());
    slot.putLong(80, position.index());
    slot.putLong(88, position.settledBytes());
    slot.putLong(96, position.writtenAt());
    RecordCodec.putUuid(slot, 104, position.outboxId());
    slot.putLong(120, position.heldBytes());
    slot.putInt(12, crc(slot, 0));
  }

  private static Position decode(ByteBuffer both, int at) {
    UUID eventId = RecordCodec.uuid(both, at + 48);
    return new Position(
        both.getLong(at + 24),
        DeliveryMode.of(both.get(at + 32)),
        both.getLong(at + 40),
        eventId,
        both.getLong(at + 64),
        both.getLong(at + 72),
        both.getLong(at + 80),
        both.getLong(at + 88),
        both.getLong(at + 96),
        RecordCodec.uuid(both, at + 104),
        both.getLong(at + 120));
  }

  private static int crc(ByteBuffer slots, int at) {
    CRC32 crc = new CRC32();
    crc.update(slots.slice(at + 16, USED_BYTES - 16));
    return (int) crc.getValue();
  }
}
