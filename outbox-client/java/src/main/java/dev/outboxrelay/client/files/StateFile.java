package dev.outboxrelay.client.files;

import dev.outboxrelay.client.OutboxCorrupt;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.RealDisk;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.record.OtherFormatFound;
import dev.outboxrelay.client.record.RecordCodec;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * {@code outbox.state}: identity, next sequence and newest cycle. Open instances belong to the
 * holder of the writers' lock; {@link #read} is for anybody.
 */
public final class StateFile implements Closeable {
  static final int FILE_BYTES = 4096;

  private static final long MAGIC = 0x455441545358424FL; // OBXSTATE
  private static final long CHECK = 0x4B4345484358424FL; // OBXCHECK
  private static final short VERSION = 1;
  private static final short REVISION = 1;
  private static final short FORMER_REVISION = 0;
  private static final int VERSION_AT = 8;
  private static final int REVISION_AT = 10;
  private static final int GENERATION_AT = 12;
  private static final int OUTBOX_ID_AT = 16;
  private static final int CREATED_AT = 32;
  private static final int CRC_AT = 40;
  private static final int NEXT_AT = 64;
  private static final int NEXT_COMPLEMENT_AT = 72;
  private static final int CYCLE_AT = 80;
  private static final int BASE_AT = 88;
  private static final int HOUR_AT = 96;
  private static final int CHECK_AT = 104;
  private static final int FAILED_AT = 128;
  private static final int FAILED_SLOTS = 16;
  private static final int SYNCED_AT = 256;
  private static final int SYNCED_CHECK_AT = 264;

  private final FileChannel channel;
  private final MappedByteBuffer map;
  private final Disk disk;
  private final Object fileKey;
  private final UUID outboxId;
  private final int generation;

  private StateFile(FileChannel channel, MappedByteBuffer map, Disk disk, Object fileKey) {
    this.channel = channel;
    this.map = map;
    this.disk = disk;
    this.fileKey = fileKey;
    outboxId = RecordCodec.uuid(map, OUTBOX_ID_AT);
    generation = map.getInt(GENERATION_AT);
  }

  /**
   * Reads a state file without a lock; empty if it is missing or unreadable, or its identity is not
   * valid.
   */
  public static Optional<OutboxState> read(Path file) throws IOException {
    byte[] bytes = SmallFile.read(file, FILE_BYTES).orElse(null);
    if (bytes == null) {
      return Optional.empty();
    }
    ByteBuffer state = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    boolean hasIdentity = state.getLong(0) == MAGIC && state.getInt(CRC_AT) == identityCrc(state);
    if (hasIdentity) {
      checkFormat(file, state.getShort(VERSION_AT), state.getShort(REVISION_AT));
    }
    return hasIdentity ? Optional.of(decode(state)) : Optional.empty();
  }

  /** What another version wrote is left alone: FORMAT I11. */
  private static void checkFormat(Path file, short version, short revision) {
    if (version == VERSION && revision == REVISION) {
      return;
    }
    boolean former = version == VERSION && revision == FORMER_REVISION;
    throw OtherFormatFound.refusal(
        former,
        OwnDescriptors.nameOf(file)
            + " has format version "
            + Short.toUnsignedInt(version)
            + " revision "
            + Short.toUnsignedInt(revision)
            + ", this version knows "
            + VERSION
            + " revision "
            + REVISION
            + (former
                ? ": it is of before the first release; drain it with the version that wrote it, "
                    + "and begin a new one"
                : ": upgrade"));
  }

  /** Opens a state file; empty if it is missing, has another length or no valid identity. */
  public static Optional<StateFile> open(Path file, Disk disk) throws IOException {
    SafeFiles.Attributes attributes = SafeFiles.attributes(file);
    if (attributes == null) {
      return Optional.empty();
    }
    FileChannel channel = SafeFiles.open(file);
    try {
      if (channel.size() != FILE_BYTES || read(file).isEmpty()) {
        channel.close();
        return Optional.empty();
      }
      MappedByteBuffer map = disk.map(channel, FILE_BYTES, DiskStep.STATE);
      return Optional.of(new StateFile(channel, map, disk, attributes.key()));
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  /**
   * Writes the identity into a file that has none or not its length, in place. What else it holds
   * stays: it has checks of its own.
   */
  public static StateFile rewrite(
      Path file, UUID outboxId, int generation, long createdAt, Disk disk) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(FILE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    SmallFile.read(file, FILE_BYTES).ifPresent(found -> bytes.put(0, found));
    bytes.putLong(0, MAGIC);
    bytes.putShort(VERSION_AT, VERSION);
    bytes.putShort(REVISION_AT, REVISION);
    bytes.putInt(GENERATION_AT, generation);
    RecordCodec.putUuid(bytes, OUTBOX_ID_AT, outboxId);
    bytes.putLong(CREATED_AT, createdAt);
    bytes.putInt(CRC_AT, identityCrc(bytes));
    try (FileChannel channel = SafeFiles.openOrCreate(file)) {
      disk.write(channel, bytes, 0, DiskStep.STATE);
      disk.truncate(channel, FILE_BYTES, DiskStep.STATE);
      disk.sync(channel, true, DiskStep.STATE);
    }
    return open(file, disk)
        .orElseThrow(
            () ->
                new OutboxCorrupt(
                    OwnDescriptors.nameOf(file) + " is not what was just written: check the disk"));
  }

  public UUID outboxId() {
    return outboxId;
  }

  public int generation() {
    return generation;
  }

  /**
   * Whether the path still leads to this file, and it has its length, so that the mapping can be
   * touched. One that lost its name sees no failed mark of those who made another.
   */
  public boolean isAt(Path path) throws IOException {
    try {
      BasicFileAttributes now =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return now.size() == FILE_BYTES && fileKey.equals(now.fileKey());
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** Sequence of the next record, or 0 if the word and its complement disagree or it is none. */
  public long nextSequence() {
    long next = RealDisk.load64(map, NEXT_AT);
    return checked(next, RealDisk.load64(map, NEXT_COMPLEMENT_AT));
  }

  private static long checked(long next, long complement) {
    return complement == ~next && next > 0 ? next : 0;
  }

  public void nextSequence(long next) {
    disk.store64(map, NEXT_AT, next, DiskStep.STATE);
    disk.store64(map, NEXT_COMPLEMENT_AT, ~next, DiskStep.STATE);
  }

  /** Sees to it that no sequence up to the last is given again. */
  public void giveBehind(long lastSequence) {
    if (lastSequence > 0 && nextSequence() <= lastSequence) {
      nextSequence(lastSequence + 1);
    }
  }

  public Optional<OutboxState.NewestCycle> newest() {
    return newest(map);
  }

  /** Whether the state's newest cycle is this one; allocates nothing. */
  public boolean isNewest(long cycle) {
    return map.getLong(CYCLE_AT) == cycle && newestIsKnown(map);
  }

  public void newest(OutboxState.NewestCycle newest) {
    disk.store64(map, CYCLE_AT, newest.cycle(), DiskStep.STATE);
    disk.store64(map, BASE_AT, newest.base(), DiskStep.STATE);
    disk.store64(map, HOUR_AT, newest.cycleHour(), DiskStep.STATE);
    disk.store64(
        map, CHECK_AT, newest.cycle() ^ newest.base() ^ newest.cycleHour() ^ CHECK, DiskStep.STATE);
  }

  public boolean isFailed(long cycle) {
    for (int slot = 0; slot < FAILED_SLOTS; slot++) {
      if (map.getLong(FAILED_AT + 8 * slot) == cycle + 1) {
        return true;
      }
    }
    return false;
  }

  /** Marks a cycle as failed: in a free slot, else in that of the oldest. */
  public void markFailed(long cycle) {
    if (isFailed(cycle)) {
      return;
    }
    int lowest = 0;
    for (int slot = 1; slot < FAILED_SLOTS; slot++) {
      if (map.getLong(FAILED_AT + 8 * slot) < map.getLong(FAILED_AT + 8 * lowest)) {
        lowest = slot;
      }
    }
    disk.store64(map, FAILED_AT + 8 * lowest, cycle + 1, DiskStep.STATE);
  }

  /** What is known to be on stable storage; null if nothing is. Asked without a lock, too. */
  public SyncedRange syncedRange() {
    return SyncedRange.of(RealDisk.load64(map, SYNCED_AT), RealDisk.load64(map, SYNCED_CHECK_AT));
  }

  /** Told by who has the sync lock. Between the two stores it says nothing. */
  public void syncedRange(SyncedRange range) {
    disk.store64(map, SYNCED_CHECK_AT, range.check(), DiskStep.SYNCED);
    disk.store64(map, SYNCED_AT, range.word(), DiskStep.SYNCED);
  }

  /** Told by who has the writers' lock and knows that the range is wrong. */
  public void clearSyncedRange() {
    disk.store64(map, SYNCED_AT, 0, DiskStep.SYNCED);
    disk.store64(map, SYNCED_CHECK_AT, 0, DiskStep.SYNCED);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private static OutboxState decode(ByteBuffer bytes) {
    List<Long> failed = new ArrayList<>();
    for (int slot = 0; slot < FAILED_SLOTS; slot++) {
      long mark = bytes.getLong(FAILED_AT + 8 * slot);
      if (mark != 0) {
        failed.add(mark - 1);
      }
    }
    return new OutboxState(
        RecordCodec.uuid(bytes, OUTBOX_ID_AT),
        bytes.getInt(GENERATION_AT),
        bytes.getLong(CREATED_AT),
        checked(bytes.getLong(NEXT_AT), bytes.getLong(NEXT_COMPLEMENT_AT)),
        newest(bytes),
        List.copyOf(failed));
  }

  private static Optional<OutboxState.NewestCycle> newest(ByteBuffer bytes) {
    return newestIsKnown(bytes)
        ? Optional.of(
            new OutboxState.NewestCycle(
                bytes.getLong(CYCLE_AT), bytes.getLong(BASE_AT), bytes.getLong(HOUR_AT)))
        : Optional.empty();
  }

  private static boolean newestIsKnown(ByteBuffer bytes) {
    return (bytes.getLong(CYCLE_AT) ^ bytes.getLong(BASE_AT) ^ bytes.getLong(HOUR_AT) ^ CHECK)
        == bytes.getLong(CHECK_AT);
  }

  private static int identityCrc(ByteBuffer bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes.slice(0, CRC_AT));
    return (int) crc.getValue();
  }
}
