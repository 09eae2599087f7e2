package dev.outboxrelay.client.files;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
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
  private static final long LARGEST_BYTES = 1L << 30;

  private final Path file;
  private final Disk disk;
  private FileChannel channel;
  private Object key; // of the file that the channel leads to
  private long end;

  private OutcomesFile(Path file, Disk disk, FileChannel channel, Object key, long end) {
    this.file = file;
    this.disk = disk;
    this.channel = channel;
    this.key = key;
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
      if (channel.size() > LARGEST_BYTES) {
        throw new IOException(
            OwnDescriptors.nameOf(file)
                + " has "
                + channel.size()
                + " bytes, more than a relay ever writes: remove it");
      }
      long end = findLast(channel, any -> true).map(Found::end).orElse(0L);
      return new OutcomesFile(file, disk, channel, SafeFiles.keyOf(file), end);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** All valid entries, oldest first; none if there is no file. */
  public static List<Range> read(Path file) throws IOException {
    List<Range> all = new ArrayList<>();
    try (FileChannel channel = SafeFiles.openToRead(file)) {
      for (long start = 0; start < channel.size(); start += PIECE_BYTES) {
        all.addAll(ranges(channel, start));
      }
    } catch (NoSuchFileException e) {
      return List.of();
    }
    return all;
  }

  /** The valid entries of one piece. */
  private static List<Range> ranges(FileChannel channel, long start) throws IOException {
    ByteBuffer piece = piece(channel, start, PIECE_BYTES);
    List<Range> ranges = new ArrayList<>();
    for (int at = 0; at + ENTRY_BYTES <= piece.limit(); at += ENTRY_BYTES) {
      Range range = decode(piece, at);
      if (range != null) {
        ranges.add(range);
      }
    }
    return ranges;
  }

  /**
   * What became of a sequence at or below the position: the last range that covers it, else
   * DELIVERED. Reads the file in pieces, from its end.
   */
  public static DeliveryOutcome outcomeOf(long sequence, Path file) throws IOException {
    try (FileChannel channel = SafeFiles.openToRead(file)) {
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
    long start = channel.size() / ENTRY_BYTES * ENTRY_BYTES;
    while (start > 0) {
      int length = (int) Math.min(start, PIECE_BYTES);
      start -= length;
      ByteBuffer piece = piece(channel, start, length);
      for (int at = piece.limit() - ENTRY_BYTES; at >= 0; at -= ENTRY_BYTES) {
        Range range = decode(piece, at);
        if (range != null && wanted.test(range)) {
          return Optional.of(new Found(range, start + at + ENTRY_BYTES));
        }
      }
    }
    return Optional.empty();
  }

  /** What the disk does not give is zeros, which are no entry. */
  private static ByteBuffer piece(FileChannel channel, long start, int length) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (piece.hasRemaining() && channel.read(piece, start + piece.position()) >= 0) {
        // Until the piece is whole.
      }
      return piece.flip();
    } catch (IOException e) {
      if (!UnreadableBlock.isCauseOf(e)) {
        throw e;
      }
    }
    piece.clear();
    while (piece.hasRemaining()) {
      long at = start + piece.position();
      int block = (int) Math.min(UnreadableBlock.next(at) - at, piece.limit() - piece.position());
      ByteBuffer part = piece.slice(piece.position(), block);
      try {
        if (channel.read(part, at) < 0) {
          break;
        }
      } catch (IOException e) {
        if (!UnreadableBlock.isCauseOf(e)) {
          throw e;
        }
        part.clear().put(new byte[block]);
      }
      piece.position(piece.position() + part.position());
    }
    return piece.flip();
  }

  /** Appends ranges and syncs them. Where the disk does not take them, all go into a new file. */
  public void append(List<Range> ranges) throws IOException {
    if (ranges.isEmpty()) {
      return;
    }
    if (key == null || !key.equals(SafeFiles.keyOf(file))) {
      replace(Long.MAX_VALUE); // somebody took it away, or put another one in its place
    }
    try {
      write(ranges);
    } catch (IOException e) {
      if (!UnreadableBlock.isCauseOf(e)) {
        throw e;
      }
      replace(Long.MAX_VALUE);
      write(ranges);
    }
  }

  private void write(List<Range> ranges) throws IOException {
    ByteBuffer bytes = encode(ranges);
    disk.write(channel, bytes, end, DiskStep.POSITION);
    disk.sync(channel, false, DiskStep.POSITION);
    end += bytes.limit();
  }

  /**
   * Drops what is told of sequences above one: nothing of them is settled, so it is of an outbox
   * that was here before, or its position was never saved.
   */
  public void forgetBehind(long sequence) throws IOException {
    if (findLast(channel, range -> range.last() > sequence).isPresent()) {
      replace(sequence);
    }
  }

  /** Begins a new file with what is known of the sequences up to one, by rename. */
  private void replace(long upTo) throws IOException {
    Path next = file.resolveSibling("." + file.getFileName() + ".tmp");
    Files.deleteIfExists(next);
    FileChannel created = SafeFiles.create(next);
    try {
      long written = 0;
      for (long start = 0; start < end; start += PIECE_BYTES) {
        List<Range> kept = new ArrayList<>();
        for (Range range : ranges(channel, start)) {
          if (range.first() <= upTo) {
            kept.add(new Range(range.first(), Math.min(range.last(), upTo), range.outcome()));
          }
        }
        ByteBuffer bytes = encode(kept);
        disk.write(created, bytes, written, DiskStep.POSITION);
        written += bytes.limit();
      }
      disk.sync(created, true, DiskStep.POSITION);
      disk.rename(next, file, DiskStep.POSITION);
      channel.close();
      channel = created;
      key = SafeFiles.keyOf(file);
      end = written;
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
