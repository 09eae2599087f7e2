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
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;

/**
 * {@code relay.outcomes}: what was settled but not delivered. Appended to by the holder of the
 * relay's lock alone, before the position that covers it; anybody may read. An instance is for one
 * thread.
 */
public final class OutcomesFile implements Closeable {
  static final int ENTRY_BYTES = OutcomeEntries.ENTRY_BYTES;

  private static final long LARGEST_BYTES = 1L << 30;

  private final Path file;
  private final Disk disk;
  private FileChannel channel;
  private Object key; // of the file that the channel leads to
  private long end;

  /** Whether no power cut can take the file as a whole: who created it may not have come so far. */
  private boolean isNamed;

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
  }

  /** Opens the file for appending behind its last whole entry; creates it if need be. */
  public static OutcomesFile open(Path file, Disk disk) throws IOException {
    FileChannel channel = SafeFiles.openOrCreate(file);
    try {
      checkSize(file, channel.size());
      long end =
          OutcomeEntries.findLast(channel, any -> true).map(OutcomeEntries.Found::end).orElse(0L);
      return new OutcomesFile(file, disk, channel, SafeFiles.keyOf(file), end);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  static void checkSize(Path file, long bytes) throws IOException {
    if (bytes > LARGEST_BYTES) {
      throw new IOException(
          OwnDescriptors.nameOf(file)
              + " has "
              + bytes
              + " bytes, more than a relay ever writes: remove it");
    }
  }

  /** All valid entries, oldest first; none if there is no file. */
  public static List<Range> read(Path file) throws IOException {
    List<Range> all = new ArrayList<>();
    try (FileChannel channel = SafeFiles.openToRead(file)) {
      for (long start = 0; start < channel.size(); start += OutcomeEntries.PIECE_BYTES) {
        all.addAll(OutcomeEntries.ranges(channel, start));
      }
    } catch (NoSuchFileException e) {
      return List.of();
    }
    return all;
  }

  /**
   * What became of a sequence at or below the position: the last range that covers it, else
   * DELIVERED. Reads the file in pieces, from its end.
   */
  public static DeliveryOutcome outcomeOf(long sequence, Path file) throws IOException {
    return outcomesOf(Set.of(sequence), file).get(sequence);
  }

  /**
   * The same of many, each of them in the answer: what is read is read once, from the end until all
   * are found.
   */
  public static Map<Long, DeliveryOutcome> outcomesOf(Set<Long> sequences, Path file)
      throws IOException {
    Map<Long, DeliveryOutcome> outcomes = new HashMap<>();
    NavigableSet<Long> open = new TreeSet<>(sequences);
    try (FileChannel channel = SafeFiles.openToRead(file)) {
      OutcomeEntries.findLast(
          channel,
          range -> {
            NavigableSet<Long> covered = open.subSet(range.first(), true, range.last(), true);
            covered.forEach(sequence -> outcomes.put(sequence, range.outcome()));
            covered.clear();
            return open.isEmpty();
          });
    } catch (NoSuchFileException e) {
      // Nothing but deliveries, as for those that are left below.
    }
    open.forEach(sequence -> outcomes.put(sequence, DeliveryOutcome.DELIVERED));
    return outcomes;
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
    ByteBuffer bytes = OutcomeEntries.encode(ranges);
    disk.write(channel, bytes, end, DiskStep.POSITION);
    disk.sync(channel, false, DiskStep.POSITION);
    syncName();
    end += bytes.limit();
  }

  /**
   * Drops what is told of sequences above one: nothing of them is settled, so it is of an outbox
   * that was here before, or its position was never saved.
   */
  public void forgetBehind(long sequence) throws IOException {
    if (OutcomeEntries.findLast(channel, range -> range.last() > sequence).isPresent()) {
      replace(sequence);
    }
  }

  /** How many entries the file has. */
  public long entries() {
    return end / ENTRY_BYTES;
  }

  /**
   * Begins a new file that says this and no more, by rename: all of it is there, or the old one.
   */
  public void rewrite(Iterable<Range> ranges) throws IOException {
    begin(
        created -> {
          long written = 0;
          List<Range> piece = new ArrayList<>();
          for (Iterator<Range> each = ranges.iterator(); each.hasNext(); ) {
            piece.add(each.next());
            if (piece.size() == OutcomeEntries.IN_A_PIECE || !each.hasNext()) {
              write(created, piece, written);
              written += (long) piece.size() * ENTRY_BYTES;
              piece.clear();
            }
          }
          return written;
        });
  }

  /** Begins a new file with what is known of the sequences up to one, by rename. */
  private void replace(long upTo) throws IOException {
    begin(
        created -> {
          long written = 0;
          for (long start = 0; start < end; start += OutcomeEntries.PIECE_BYTES) {
            List<Range> kept = new ArrayList<>();
            for (Range range : OutcomeEntries.ranges(channel, start)) {
              if (range.first() <= upTo) {
                kept.add(new Range(range.first(), Math.min(range.last(), upTo), range.outcome()));
              }
            }
            write(created, kept, written);
            written += (long) kept.size() * ENTRY_BYTES;
          }
          return written;
        });
  }

  private void write(FileChannel to, List<Range> ranges, long at) throws IOException {
    disk.write(to, OutcomeEntries.encode(ranges), at, DiskStep.POSITION);
  }

  /** What a new file is filled with. */
  private interface Content {
    /** Returns how many bytes it has. */
    long writeTo(FileChannel created) throws IOException;
  }

  private void begin(Content content) throws IOException {
    Path next = file.resolveSibling("." + file.getFileName() + ".tmp");
    Files.deleteIfExists(next);
    FileChannel created = SafeFiles.create(next);
    try {
      long written = content.writeTo(created);
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
    isNamed = false;
    syncName();
  }

  private void syncName() throws IOException {
    if (!isNamed) {
      disk.syncDirectory(file.getParent(), DiskStep.POSITION);
      isNamed = true;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
