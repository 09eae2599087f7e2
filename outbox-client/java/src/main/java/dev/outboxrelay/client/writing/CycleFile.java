package dev.outboxrelay.client.writing;

import static dev.outboxrelay.client.disk.RealDisk.load32;
import static dev.outboxrelay.client.disk.RealDisk.load64;

import dev.outboxrelay.client.cycle.ChainWalk;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.lock.LockDeadline;
import dev.outboxrelay.client.lock.LockLost;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.Draft;
import dev.outboxrelay.client.record.Invariant;
import dev.outboxrelay.client.record.Prologue;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A cycle file, open for changes by the holder of the writers' lock (FORMAT I3): knows its tail,
 * publishes records, books them, closes the cycle with EOF. What it stores through its mapping was
 * written to the file before, so a full disk is an error of a write and never a fault.
 */
final class CycleFile implements Closeable {
  private static final int WINDOW_BYTES = 8 << 10;
  private static final int ZEROS_BEHIND = 8;
  private static final byte[] EOF_TAIL = {0, 0, 0, 0, (byte) 0xC3, 'E', 'O', 'F'};

  private final CycleId cycle;
  private final CycleDescriptors file;
  private final FileChannel channel;
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
  private boolean endIsFree; // the end is where the next record goes
  private boolean closed; // the end is EOF
  private long entries; // number of the next entry

  private CycleFile(
      CycleId cycle, CycleDescriptors file, CycleLayout layout, MappedByteBuffer map, Disk disk) {
    this.cycle = cycle;
    this.file = file;
    channel = file.channel();
    this.layout = layout;
    this.map = map;
    this.disk = disk;
    index = new CycleIndex(layout, disk);
    ahead = new SpaceAhead(channel, disk);
    size = map.limit();
    window = FileWindow.over(channel, size, WINDOW_BYTES);
  }

  /**
   * Opens a cycle file; empty if its header does not parse, or it is too long to be mapped.
   *
   * @throws java.nio.file.NoSuchFileException if there is none
   */
  static Optional<CycleFile> open(HeldDirectories held, CycleId cycle, Disk disk)
      throws IOException {
    CycleDescriptors file = CycleDescriptors.open(held, cycle.number(), disk);
    CycleFile opened = null;
    try {
      long size = file.channel().size();
      // Read, and not mapped, until it is known that the disk gives it.
      CycleLayout layout = CycleLayout.read(FileWindow.over(file.channel(), size, WINDOW_BYTES));
      if (layout != null && size <= Integer.MAX_VALUE) {
        MappedByteBuffer map = disk.map(file.channel(), size, DiskStep.PAYLOAD);
        opened = new CycleFile(cycle, file, layout, map, disk);
      }
      return Optional.ofNullable(opened);
    } finally {
      if (opened == null) {
        file.close();
      }
    }
  }

  /** Which one, and of which outbox. */
  CycleId id() {
    return cycle;
  }

  /** What it is open by. */
  CycleDescriptors descriptors() {
    return file;
  }

  private Path path() {
    return file.name();
  }

  CycleLayout layout() {
    return layout;
  }

  /** Whether its name still leads to this file and it is at least as long as what is mapped. */
  boolean isInPlace() throws IOException {
    size = file.sizeInPlace();
    return size >= map.limit() && size <= Integer.MAX_VALUE;
  }

  /** Whether no other writer has been at work since this one left. */
  boolean tailIsKnown() {
    return endIsFree
        && end + Integer.BYTES <= map.limit()
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
    ChainWalk walk = new ChainWalk(window, layout, cycle, true);
    ChainWalk.End how = walk.toEnd(load64(map, layout.word1()));
    end = walk.end();
    endIsFree = how == ChainWalk.End.OPEN;
    closed = how == ChainWalk.End.CLOSED;
    last = walk.last();
    lastSequence = walk.lastSequence();
    entries = walk.entries();
    List<ChainWalk.Found> unbooked = walk.unbooked();
    state.giveBehind(lastSequence);
    if (!unbooked.isEmpty()) {
      noteLast();
      for (ChainWalk.Found found : unbooked) {
        addToIndex(found.offset(), found.entry());
      }
    }
    return how;
  }

  /** Number of the next entry. */
  long entries() {
    return entries;
  }

  /** Offset of the last entry's header word, 0 while there is none. */
  long last() {
    return last;
  }

  /** For those who have not the lock, or not any more. */
  CycleView view() {
    return new CycleView(map, layout);
  }

  /** Sequence of the last record, 0 if there is none. Call only after the chain was walked. */
  long lastSequence() {
    return lastSequence;
  }

  /**
   * Offset at which the chain ends: a free header word, or EOF. Call only after the chain was
   * walked.
   */
  long end() {
    return end;
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
    growTo(CycleLayout.next(end, length) + ZEROS_BEHIND + CycleLayout.OVERLAP_BYTES, deadline);
  }

  private void growTo(long needed, LockDeadline deadline) throws IOException {
    if (needed <= map.limit()) {
      return;
    }
    // Chronicle takes this lock when it grows a file.
    try (FileLock lock =
        deadline.poll(path(), () -> disk.tryLock(channel, 0, Long.MAX_VALUE, DiskStep.LOCK))) {
      size = channel.size();
      boolean wasCut = end + Integer.BYTES > size;
      while (size < needed) {
        size += CycleLayout.CHUNK_BYTES;
      }
      map = disk.map(channel, size, DiskStep.PAYLOAD);
      if (wasCut) { // what is left of the header word counts as free
        disk.write(channel, ByteBuffer.allocateDirect(Integer.BYTES), end, DiskStep.PAYLOAD);
      }
    }
  }

  /** Told once, where this writer has just made the file. */
  void begunHere() {
    ahead.begunHere();
  }

  /** Prepares for this append and many more to come; see {@link SpaceAhead}. */
  void allocateAhead(int length) throws IOException {
    ahead.prepare(end, CycleLayout.next(end, length) + ZEROS_BEHIND, map.limit());
  }

  /**
   * Writes what is framed at the tail and publishes it, all at once. An exception means that
   * nothing is published.
   *
   * @param span of the draft
   * @param length of its first record
   */
  void publish(ByteBuffer frame, int span, int length) throws IOException {
    if (!CycleLayout.isFree(load32(map, (int) end))) {
      throw Invariant.broken(2, path() + " has an entry at its tail " + end);
    }
    if (frame.remaining() != 4 + span + ZEROS_BEHIND || end + frame.remaining() > map.limit()) {
      throw Invariant.broken(1, "a record at " + end + " does not fit into " + path());
    }
    disk.write(channel, frame, end, DiskStep.PAYLOAD);
    if (!tailIsKnown()) {
      throw new LockLost(path()); // another writer has come in, against the rules
    }
    disk.store32(map, (int) end, length, DiskStep.PUBLISH); // FORMAT I1
  }

  /** Notes what was just published. An exception changes nothing of the fact that it is. */
  void bookPublished(StateFile state, Draft draft, long sequence) {
    boolean withPrologue = entries == 0;
    long first = end;
    long firstEntry = entries;
    int records = draft.records();
    for (int i = 0; i < records; i++) {
      last = end;
      end = CycleLayout.next(last, draft.length(i, withPrologue));
    }
    entries += records;
    lastSequence = sequence + records - 1;
    state.nextSequence(lastSequence + 1);
    noteLast();
    long at = first;
    for (int i = 0; i < records; i++) {
      addToIndex(at, firstEntry + i);
      at = CycleLayout.next(at, draft.length(i, withPrologue));
    }
  }

  private void noteLast() {
    disk.store64(map, layout.word2(), last << 32 | (entries - 1), DiskStep.WORD2);
    disk.store64(map, layout.word1(), last, DiskStep.WORD1);
  }

  private void addToIndex(long offset, long entry) {
    if (index.covers(entry)) {
      end = index.add(channel, map, entry, offset, end, endIsFree && offset == last);
    }
  }

  /**
   * Closes the cycle: nothing follows. The chain must have ended at a free header word.
   *
   * @return false if the disk fails there: the cycle is to be marked so
   */
  boolean writeEof(LockDeadline deadline) throws IOException {
    try {
      growTo(end + EOF_TAIL.length, deadline);
      if (!tailIsKnown()) {
        throw Invariant.broken(2, path() + " has an entry where its EOF belongs, at " + end);
      }
      disk.write(
          channel,
          ByteBuffer.allocateDirect(EOF_TAIL.length).put(EOF_TAIL).flip(),
          end,
          DiskStep.EOF_TAIL);
    } catch (IOException e) {
      if (UnreadableBlock.isCauseOf(e)) {
        return false;
      }
      throw e;
    }
    disk.store32(map, (int) end, CycleLayout.EOF, DiskStep.EOF);
    endIsFree = false;
    closed = true;
    return true;
  }

  /** Whether the chain ends with EOF. */
  boolean isClosed() {
    return closed;
  }

  /** Bytes of the chain behind the first data offset. The tail must be known. */
  long dataBytes() {
    return end - layout.firstData();
  }

  /** The first record's prologue; null if there is no such record. */
  Prologue prologue() throws IOException {
    window.refresh(size);
    CycleScanner scanner = new CycleScanner(window, layout, cycle, true);
    CycleEntry first = scanner.at(layout.firstData());
    if (first instanceof CycleEntry.OtherFormat other) {
      throw other.refusal();
    }
    return first instanceof CycleEntry.Valid valid ? valid.record().prologue() : null;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
