package dev.outboxrelay.client.writing;

import static dev.outboxrelay.client.disk.RealDisk.load32;
import static dev.outboxrelay.client.disk.RealDisk.load64;

import dev.outboxrelay.client.OutboxCorrupt;
import dev.outboxrelay.client.cycle.ChainWalk;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.CycleTemplate;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.lock.LockLost;
import dev.outboxrelay.client.record.Prologue;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;

/**
 * A cycle file, open for changes by the holder of the writers' lock: knows its tail, publishes
 * records, books them, closes the cycle with EOF. What it stores through its mapping was written to
 * the file before, so a full disk is an error of a write and never a fault.
 */
final class CycleFile implements Closeable {
  private static final int WINDOW_BYTES = 8 << 10;
  private static final int SEARCH_BYTES = 256 << 10;
  private static final int ZEROS_BEHIND = 8;
  private static final byte[] EOF_TAIL = {0, 0, 0, 0, (byte) 0xC3, 'E', 'O', 'F'};

  private final long cycle;
  private final Path path;
  private final FileChannel channel;
  private final Object fileKey;
  private final CycleLayout layout;
  private final Disk disk;
  private final CycleIndex index;
  private final SpaceAhead ahead;
  private final FileWindow window;
  private MappedByteBuffer map;
  private long size; // when it was last looked at; the mapping may be shorter
  private long last; // offset of the last entry's header word, 0 while there is none
  private long lastSequence; // of the last entry, 0 while there is none
  private long end; // offset of the header word at which the chain ends
  private boolean broken; // the chain's end cannot be found
  private boolean endIsFree; // the end is where the next record goes
  private long entries; // number of the next entry
  private int users = 1; // guarded by this

  private CycleFile(
      long cycle,
      Path path,
      FileChannel channel,
      Object fileKey,
      CycleLayout layout,
      MappedByteBuffer map,
      Disk disk) {
    this.cycle = cycle;
    this.path = path;
    this.channel = channel;
    this.fileKey = fileKey;
    this.layout = layout;
    this.map = map;
    this.disk = disk;
    index = new CycleIndex(layout, disk);
    ahead = new SpaceAhead(channel, disk);
    size = map.limit();
    window = FileWindow.over(channel, size, WINDOW_BYTES);
  }

  /**
   * Opens a cycle file; empty if it cannot be parsed, or is too short or too long to be one.
   *
   * @throws NoSuchFileException if there is none
   */
  static Optional<CycleFile> open(OutboxPaths paths, long cycle, Disk disk) throws IOException {
    Path path = paths.cycle(cycle);
    SafeFiles.Attributes attributes = SafeFiles.attributes(path);
    FileChannel channel = SafeFiles.open(path);
    CycleFile opened = null;
    try {
      long size = channel.size();
      CycleLayout layout =
          CycleLayout.parse(FileWindow.over(channel, size, WINDOW_BYTES)).orElse(null);
      if (attributes != null
          && layout != null
          && size >= layout.firstData() + 8L
          && size <= Integer.MAX_VALUE) {
        MappedByteBuffer map = disk.map(channel, size, DiskStep.PAYLOAD);
        opened = new CycleFile(cycle, path, channel, attributes.key(), layout, map, disk);
      }
      return Optional.ofNullable(opened);
    } finally {
      if (opened == null) {
        channel.close();
      }
    }
  }

  /** Builds a new cycle file beside its place, syncs it and renames it into place. */
  static CycleFile create(OutboxPaths paths, long cycle, Disk disk) throws IOException {
    Path building = paths.cycleBeingBuilt(cycle);
    Files.deleteIfExists(building);
    try (FileChannel channel = SafeFiles.create(building)) {
      disk.write(channel, CycleTemplate.newCycle(), 0, DiskStep.CREATE);
      disk.map(channel, CycleLayout.NEW_FILE_BYTES, DiskStep.CREATE);
      disk.sync(channel, true, DiskStep.CREATE);
    }
    disk.rename(building, paths.cycle(cycle), DiskStep.RENAME);
    disk.syncDirectory(paths.queue(), DiskStep.RENAME);
    CycleFile created =
        open(paths, cycle, disk)
            .orElseThrow(
                () ->
                    new OutboxCorrupt(
                        paths.cycle(cycle) + " is not what was just written: check the disk"));
    created.end = created.layout.firstData();
    created.endIsFree = true;
    return created;
  }

  long cycle() {
    return cycle;
  }

  CycleLayout layout() {
    return layout;
  }

  /** Number of the next entry. */
  long entries() {
    return entries;
  }

  /**
   * Offset at which the chain ends: a free header word, or EOF. Call only after the chain was
   * walked.
   */
  long end() {
    return end;
  }

  /** Whether the path still leads to this file and it is at least as long as what is mapped. */
  boolean isInPlace() throws IOException {
    try {
      BasicFileAttributes now =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      size = now.size();
      return size >= map.limit() && size <= Integer.MAX_VALUE && fileKey.equals(now.fileKey());
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** Whether no other writer has been at work since this one left. */
  boolean tailIsKnown() {
    return endIsFree
        && load64(map, layout.word1()) == last
        && CycleLayout.isFree(load32(map, (int) end));
  }

  /**
   * Walks from the last entry that is noted to the end of the chain, and books what writers that
   * died had published.
   *
   * @param state in which the sequences are booked
   */
  ChainWalk.End findTail(StateFile state) throws IOException {
    endIsFree = false;
    if (size > map.limit()) { // another writer has made it grow
      map = disk.map(channel, size, DiskStep.PAYLOAD);
    }
    window.refresh(size);
    ChainWalk walk = new ChainWalk(window, layout, true);
    ChainWalk.End how = walk.toEnd(load64(map, layout.word1()));
    end = walk.end();
    endIsFree = how == ChainWalk.End.OPEN;
    broken = how == ChainWalk.End.BROKEN;
    last = walk.last();
    lastSequence = walk.lastSequence();
    entries = walk.entries();
    state.giveBehind(walk.lastSequence());
    for (ChainWalk.Found found : walk.unbooked()) {
      book(found.offset(), found.entry());
    }
    return how;
  }

  /**
   * Whether a record of this length ends below {@code rollBytes}. A cycle takes at least one
   * record.
   */
  boolean hasRoom(int length, long rollBytes) {
    return entries == 0 || CycleLayout.next(end, length) < rollBytes;
  }

  /** Grows the file if the record would end in the room that is kept behind the last one. */
  void ensureSpace(int length, LockDeadline deadline) throws IOException {
    long needed = CycleLayout.next(end, length) + CycleLayout.OVERLAP_BYTES;
    if (needed <= map.limit()) {
      return;
    }
    while (size < needed) {
      size += CycleLayout.CHUNK_BYTES;
    }
    // Chronicle takes this lock when it grows a file.
    try (FileLock lock =
        deadline.poll(path, () -> disk.tryLock(channel, 0, Long.MAX_VALUE, DiskStep.LOCK))) {
      map = disk.map(channel, size, DiskStep.PAYLOAD);
    }
  }

  /** Prepares for this append and many more to come; see {@link SpaceAhead}. */
  void allocateAhead(int length) throws IOException {
    ahead.prepare(end, CycleLayout.next(end, length) + ZEROS_BEHIND, map.limit());
  }

  /**
   * Writes a framed record at the tail and publishes it. An exception means that nothing is
   * published; {@link LockLost} that another writer has come in, against the rules.
   */
  void publish(ByteBuffer frame, int length) throws IOException {
    checkTail();
    disk.write(channel, frame, end, DiskStep.PAYLOAD);
    checkTail();
    disk.store32(map, (int) end, length, DiskStep.PUBLISH);
  }

  private void checkTail() throws LockLost {
    if (!tailIsKnown()) {
      throw new LockLost(path);
    }
  }

  /** Notes what was just published. An exception changes nothing of the fact that it is. */
  void bookPublished(StateFile state, int length, long sequence) {
    state.nextSequence(sequence + 1);
    lastSequence = sequence;
    last = end;
    end = CycleLayout.next(last, length);
    entries++;
    book(last, entries - 1);
  }

  private void book(long offset, long entry) {
    disk.store64(map, layout.word2(), offset << 32 | entry, DiskStep.WORD2);
    disk.store64(map, layout.word1(), offset, DiskStep.WORD1);
    if (index.covers(entry)) {
      end = index.add(channel, map, entry, offset, end, endIsFree);
    }
  }

  /** Closes the cycle: nothing follows. The tail must be known. */
  void writeEof() throws IOException {
    disk.write(
        channel,
        ByteBuffer.allocateDirect(EOF_TAIL.length).put(EOF_TAIL).flip(),
        end,
        DiskStep.EOF_TAIL);
    disk.store32(map, (int) end, CycleLayout.EOF, DiskStep.EOF);
    endIsFree = false;
  }

  /** Sequence of the last record, 0 if there is none. Call only after the chain was walked. */
  long lastSequence() {
    return lastSequence;
  }

  Path path() {
    return path;
  }

  /** Bytes of the chain behind the first data offset; 0 if its end cannot be found. */
  long dataBytes() {
    return broken ? 0 : end - layout.firstData();
  }

  /** The first record's prologue; null if there is no such record. */
  Prologue prologue() throws IOException {
    window.refresh(size);
    CycleScanner scanner = new CycleScanner(window, layout, true);
    return scanner.at(layout.firstData()) instanceof CycleEntry.Valid first
        ? first.record().prologue()
        : null;
  }

  /** Whether a valid record stands behind the end of the chain, out of its reach. */
  boolean holdsRecordsBehindEnd() throws IOException {
    FileWindow wide = FileWindow.over(channel, size, SEARCH_BYTES);
    CycleScanner scanner = new CycleScanner(wide, layout, true);
    return scanner.findNext(end).isPresent();
  }

  /** Keeps the file open for a sync outside of the lock, whatever its owner does. */
  synchronized void retain() {
    users++;
  }

  /** Brings all that was published to stable storage. */
  void sync() throws IOException {
    disk.sync(channel, false, DiskStep.PAYLOAD);
  }

  /** Gives up one use; the last one closes the file. */
  @Override
  public void close() throws IOException {
    synchronized (this) {
      if (--users > 0) {
        return;
      }
    }
    channel.close();
  }
}
