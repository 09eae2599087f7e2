package dev.outboxrelay.client.files;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.SafeFiles;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.zip.CRC32;

/**
 * {@code relay.outcomes}: what was settled but not delivered. Appended to by the holder of the
 * relay's lock alone, before the position that covers it; anybody may read. An instance is for one
 * thread.
 */
public final class OutcomesFile implements Closeable {
  static final int ENTRY_BYTES = 24;

  private static final int PIECE_BYTES = 4096 * ENTRY_BYTES;

  private final Path file;
  private final Disk disk;
  private FileChannel channel;
  private long end;

  private OutcomesFile(Path file, Disk disk, FileChannel channel, long end) {
    this.file = file;
    this.disk = disk;
    this.channel = channel;
    this.end = end;
  }

  /** A run of sequences with the same outcome; DELIVERED stands for "delivered after all". */
  public record Range(long first, long last, DeliveryOutcome outcome) {
    public Range {
      if (first < 1 || last < first || outcome == DeliveryOutcome.PENDING) {
        throw new IllegalArgumentException(
            "no range of outcomes: " + first + " to " + last + " " + outcome);
      }
    }

    boolean covers(long sequence) {
      return first <= sequence && sequence <= last;
    }
  }

  /** Opens the file for appending behind its last whole entry; creates it if need be. */
  public static OutcomesFile open(Path file, Disk disk) throws IOException {
    FileChannel channel = SafeFiles.openOrCreate(file);
    try {
      long end = findLast(channel, any -> true).map(Found::end).orElse(0L);
      return new OutcomesFile(file, disk, channel, end);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** All valid entries, oldest first; none if there is no file. */
  public static List<Range> read(Path file) throws IOException {
    List<Range> ranges = new ArrayList<>();
    try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
      ByteBuffer bytes = ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
      for (int at = 0; at + ENTRY_BYTES <= bytes.limit(); at += ENTRY_BYTES) {
        Range range = decode(bytes, at);
        if (range != null) {
          ranges.add(range);
        }
      }
    } catch (NoSuchFileException e) {
      return List.of();
    }
    return ranges;
  }

  /**
   * What became of a sequence at or below the position: the last range that covers it, else
   * DELIVERED. Reads the file in pieces, from its end.
   */
  public static DeliveryOutcome outcomeOf(long sequence, Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      return findLast(channel, range -> range.covers(sequence))
          .map(found -> found.range().outcome())
          .orElse(DeliveryOutcome.DELIVERED);
    } catch (NoSuchFileException e) {
      return DeliveryOutcome.DELIVERED;
    }
  }

  private record Found(Range range, long end) {}

  private static Optional<Found> findLast(FileChannel channel, Predicate<Range> wanted)
      throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    long start = channel.size() / ENTRY_BYTES * ENTRY_BYTES;
    while (start > 0) {
      piece.clear().limit((int) Math.min(start, PIECE_BYTES));
      start -= piece.limit();
      while (piece.hasRemaining() && channel.read(piece, start + piece.position()) >= 0) {
        // Until the piece is whole.
      }
      for (int at = piece.position() - ENTRY_BYTES; at >= 0; at -= ENTRY_BYTES) {
        Range range = decode(piece, at);
        if (range != null && wanted.test(range)) {
          return Optional.of(new Found(range, start + at + ENTRY_BYTES));
        }
      }
    }
    return Optional.empty();
  }

  /** Appends ranges and syncs them. */
  public void append(List<Range> ranges) throws IOException {
    if (ranges.isEmpty()) {
      return;
    }
    ByteBuffer bytes = encode(ranges);
    disk.write(channel, bytes, end, DiskStep.POSITION);
    disk.sync(channel, false, DiskStep.POSITION);
    end += bytes.limit();
  }

  /** Replaces all entries, by rename. */
  public void replace(List<Range> ranges) throws IOException {
    Path next = file.resolveSibling("." + file.getFileName() + ".tmp");
    Files.deleteIfExists(next);
    FileChannel created = SafeFiles.create(next);
    try {
      ByteBuffer bytes = encode(ranges);
      disk.write(created, bytes, 0, DiskStep.POSITION);
      disk.sync(created, true, DiskStep.POSITION);
      disk.rename(next, file, DiskStep.POSITION);
      channel.close();
      channel = created;
      end = bytes.limit();
    } finally {
      if (channel != created) {
        created.close();
      }
    }
    disk.syncDirectory(file.getParent(), DiskStep.POSITION);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private static ByteBuffer encode(List<Range> ranges) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(ranges.size() * ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    for (Range range : ranges) {
      bytes.putLong(at, range.first());
      bytes.putLong(at + 8, range.last());
      bytes.put(at + 16, code(range.outcome()));
      bytes.putInt(at + 20, crc(bytes, at));
      at += ENTRY_BYTES;
    }
    return bytes;
  }

  private static Range decode(ByteBuffer bytes, int at) {
    DeliveryOutcome outcome = outcome(bytes.get(at + 16));
    long first = bytes.getLong(at);
    long last = bytes.getLong(at + 8);
    boolean valid =
        outcome != null && first >= 1 && last >= first && bytes.getInt(at + 20) == crc(bytes, at);
    return valid ? new Range(first, last, outcome) : null;
  }

  private static byte code(DeliveryOutcome outcome) {
    return switch (outcome) {
      case PARKED -> 1;
      case DEAD -> 2;
      case QUARANTINED -> 3;
      case DELIVERED -> 4;
      case PENDING -> throw new IllegalArgumentException("PENDING is no outcome");
    };
  }

  private static DeliveryOutcome outcome(byte code) {
    return switch (code) {
      case 1 -> DeliveryOutcome.PARKED;
      case 2 -> DeliveryOutcome.DEAD;
      case 3 -> DeliveryOutcome.QUARANTINED;
      case 4 -> DeliveryOutcome.DELIVERED;
      default -> null;
    };
  }

  private static int crc(ByteBuffer bytes, int at) {
    CRC32 crc = new CRC32();
    crc.update(bytes.slice(at, ENTRY_BYTES - 4));
    return (int) crc.getValue();
  }
}
