package dev.outboxrelay.client.files;

import dev.outboxrelay.client.cycle.WireFields;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.RealDisk;
import dev.outboxrelay.client.disk.SafeFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * {@code metadata.cq4t}: Chronicle's listing of the cycles. It holds nothing that the names of the
 * cycle files do not tell; readers that are running learn from it of new cycles. Changed under the
 * writers' lock alone, never replaced.
 */
public final class MetadataTable implements Closeable {
  public static final int FILE_BYTES = 131072;

  private static final int HIGHEST_AT = 184;
  private static final int LOWEST_AT = 224;
  private static final int MOD_COUNT_AT = 256;

  /** What is told from other tables; behind it Chronicle keeps values of its own. */
  private static final int COMPARED_BYTES = 264;

  private static final int PAGE_BYTES = 4096;

  /** The header that Chronicle writes for FAST_HOURLY and BINARY_LIGHT. */
  private static final byte[] HEADER =
      HexFormat.of()
          .parseHex(
              "98000040b906686561646572b607535453746f72658282000000c87769726554"
                  + "797065b6085769726554797065ec42494e4152595f4c49474854c86d65746164"
                  + "617461b6075343514d6574618249000000c4726f6c6cb60853435153526f6c6c"
                  + "822a000000c66c656e677468a680ee3600c6666f726d6174ee797979794d4d64"
                  + "642d4848274627c565706f6368a100c8736f757263654964a1008f8f");

  private final FileChannel channel;
  private final MappedByteBuffer map;
  private final Disk disk;

  private MetadataTable(FileChannel channel, MappedByteBuffer map, Disk disk) {
    this.channel = channel;
    this.map = map;
    this.disk = disk;
  }

  /**
   * What the table says of the cycles; its unset values are {@code Integer.MIN_VALUE} and {@code
   * Integer.MAX_VALUE}.
   *
   * @param highestCycle the newest
   * @param lowestCycle the oldest
   * @param modCount grows with every change
   */
  public record Listing(long highestCycle, long lowestCycle, long modCount) {

    /** The listing that the names of the cycle files tell, ascending. */
    static Listing of(List<Long> cycles, long modCount) {
      return cycles.isEmpty()
          ? new Listing(Integer.MIN_VALUE, Integer.MAX_VALUE, modCount)
          : new Listing(cycles.get(cycles.size() - 1), cycles.get(0), modCount);
    }
  }

  /**
   * Reads the table without a lock; empty if it is missing or unreadable, has another length or is
   * not as we write it.
   */
  public static Optional<Listing> read(Path file) throws IOException {
    byte[] bytes = SmallFile.read(file, FILE_BYTES + 1).orElse(null);
    if (bytes == null || !hasItsLength(file)) {
      return Optional.empty();
    }
    ByteBuffer table = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    Listing listing =
        new Listing(
            table.getLong(HIGHEST_AT), table.getLong(LOWEST_AT), table.getLong(MOD_COUNT_AT));
    boolean same = table.slice(0, COMPARED_BYTES).equals(create(listing).slice(0, COMPARED_BYTES));
    return same ? Optional.of(listing) : Optional.empty();
  }

  /**
   * Notes in the table which cycles there are. One that is missing or not as we write it is first
   * written anew, in place, so that a live reader sees a change.
   */
  public static void update(Path file, List<Long> cycles, long nowMillis, Disk disk)
      throws IOException {
    try (MetadataTable table = openOrRepair(file, cycles, nowMillis, disk)) {
      table.list(cycles);
    }
  }

  private static MetadataTable openOrRepair(Path file, List<Long> cycles, long nowMillis, Disk disk)
      throws IOException {
    FileChannel channel = SafeFiles.openOrCreate(file);
    try {
      if (read(file).isEmpty()) {
        write(channel, Listing.of(cycles, nowMillis), disk);
      }
      return new MetadataTable(channel, disk.map(channel, FILE_BYTES, DiskStep.LISTING), disk);
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  /** If that is news. */
  private void list(List<Long> cycles) {
    Listing listing = Listing.of(cycles, get(MOD_COUNT_AT) + 1);
    if (get(HIGHEST_AT) != listing.highestCycle() || get(LOWEST_AT) != listing.lowestCycle()) {
      put(HIGHEST_AT, listing.highestCycle());
      put(LOWEST_AT, listing.lowestCycle());
      put(MOD_COUNT_AT, listing.modCount());
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private long get(int at) {
    return RealDisk.load64(map, at);
  }

  private void put(int at, long value) {
    disk.store64(map, at, value, DiskStep.LISTING);
  }

  private static boolean hasItsLength(Path file) throws IOException {
    SafeFiles.Attributes attributes = SafeFiles.attributes(file);
    return attributes != null && attributes.size() == FILE_BYTES;
  }

  /** A new table takes one page on disk; over a damaged one all bytes are written. */
  private static void write(FileChannel channel, Listing listing, Disk disk) throws IOException {
    ByteBuffer table = create(listing);
    if (channel.size() == 0) {
      table.limit(PAGE_BYTES);
    }
    disk.write(channel, table, 0, DiskStep.LISTING);
    disk.map(channel, FILE_BYTES, DiskStep.LISTING);
    disk.truncate(channel, FILE_BYTES, DiskStep.LISTING);
    disk.sync(channel, true, DiskStep.LISTING);
  }

  /** The bytes of a table as Chronicle creates it, with this listing. */
  static ByteBuffer create(Listing listing) {
    ByteBuffer table = ByteBuffer.allocateDirect(FILE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    table.put(HEADER);
    putEntry(table, "listing.highestCycle", listing.highestCycle());
    putEntry(table, "listing.lowestCycle", listing.lowestCycle());
    putEntry(table, "listing.modCount", listing.modCount());
    putEntry(table, "chronicle.write.lock", Long.MIN_VALUE);
    putEntry(table, "chronicle.append.lock", Long.MIN_VALUE);
    putEntry(table, "chronicle.lastIndexReplicated", -1);
    putEntry(table, "chronicle.lastAcknowledgedIndexReplicated", -1);
    putEntry(table, "chronicle.lastIndexMSynced", -1);
    return table.clear();
  }

  private static void putEntry(ByteBuffer table, String key, long value) {
    int start = table.position();
    table.position(start + 4);
    WireFields.event(table, key);
    WireFields.alignedLong(table, value);
    table.putInt(start, table.position() - start - 4);
  }
}
