package dev.outboxrelay.client.files;

import dev.outboxrelay.client.cycle.ChainWalk;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.CycleName;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.CycleTemplate;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.cycle.LastRecord;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.Prologue;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What a cycle file tells of the outbox by its records alone, however damaged it is. All calls
 * throw {@link dev.outboxrelay.client.OutboxUnavailable} where they meet what another version
 * wrote.
 *
 * @param prologue of its first record, or null
 * @param lastSequence highest sequence found, 0 if there is no record
 * @param recordBytes from the first data offset to behind the last record found
 * @param dataBytes the same up to its tail, if that is found
 * @param end how the chain ends
 */
public record CycleFacts(
    Prologue prologue, long lastSequence, long recordBytes, long dataBytes, ChainWalk.End end) {

  /** Header, first record, index and tail lie apart, and are short as a rule. */
  private static final int PIECE_BYTES = 4 << 10;

  /** Whether the chain ends with EOF. */
  public boolean sealed() {
    return end == ChainWalk.End.CLOSED;
  }

  /** Whether the chain has no end that a writer of ours leaves. */
  public boolean broken() {
    return end == ChainWalk.End.BROKEN;
  }

  /**
   * What the first record and the end of the chain tell. Needs no lock; costs the same with any
   * length.
   */
  public static CycleFacts read(Path cycleFile, UUID outbox) throws IOException {
    try (FileWindow file = FileWindow.open(cycleFile, PIECE_BYTES)) {
      CycleLayout layout = CycleLayout.read(file);
      return layout == null
          ? new CycleFacts(null, 0, 0, 0, ChainWalk.End.BROKEN)
          : chain(file, layout, id(cycleFile, outbox), false).facts;
    }
  }

  /**
   * The same, and what stands where the chain does not lead. Reads the rest of the file, the whole
   * file if its chain tells nothing. Only under the writers' lock.
   */
  public static CycleFacts search(Path cycleFile, UUID outbox) throws IOException {
    try (FileWindow file = FileWindow.open(cycleFile)) {
      CycleId cycle = id(cycleFile, outbox);
      CycleLayout layout = CycleLayout.read(file);
      if (layout == null) {
        CycleFacts nothing = new CycleFacts(null, 0, 0, 0, ChainWalk.End.BROKEN);
        return nothing.and(new CycleScanner(file, null, cycle, true), 0, null);
      }
      Chain chain = chain(file, layout, cycle, true);
      LastRecord last = chain.walk.lastRecord();
      long from = last == null ? layout.firstData() : chain.walk.endOfRecords();
      CycleScanner scanner = new CycleScanner(file, layout, cycle, true);
      return chain.facts.and(scanner, from, last);
    }
  }

  /** With what a search finds behind the chain. */
  private CycleFacts and(CycleScanner scanner, long from, LastRecord before) throws IOException {
    Prologue first = prologue;
    long sequence = lastSequence;
    long start = scanner.start() == 0 ? CycleTemplate.FIRST_DATA : scanner.start();
    long behind = start + recordBytes;
    LastRecord last = before;
    Optional<CycleEntry.Valid> found = scanner.findRecord(from, last);
    while (found.isPresent()) {
      CycleEntry.Valid valid = found.get();
      last = LastRecord.of(valid.record());
      first = first == null ? valid.record().prologue() : first;
      sequence = last.sequence();
      behind = valid.next();
      found = scanner.findRecord(behind, last);
    }
    long records = Math.max(0, behind - start);
    return new CycleFacts(first, sequence, records, broken() ? records : dataBytes, end);
  }

  /**
   * The prologue of a cycle of which not even the outbox is known: it vouches for itself. Searched
   * for where the header tells nothing.
   */
  static Optional<Prologue> claimedPrologue(Path cycleFile) throws IOException {
    try (FileWindow file = FileWindow.open(cycleFile)) {
      CycleLayout layout = CycleLayout.read(file);
      CycleScanner scanner = new CycleScanner(file, layout, id(cycleFile, null), false);
      return layout == null
          ? scanner.findRecord(0, null).map(first -> first.record().prologue())
          : Optional.ofNullable(prologue(scanner));
    }
  }

  /**
   * The highest sequence in the newest of these cycles (ascending) that holds a record, 0 if none
   * does. Behind damage, too: after a power cut, records may be there that neither the state nor
   * word1 knows of, and their sequences must not be given again (FORMAT I4).
   */
  public static long lastSequence(OutboxPaths paths, List<Long> cycles, UUID outbox)
      throws IOException {
    for (int i = cycles.size() - 1; i >= 0; i--) {
      Path file = paths.cycle(cycles.get(i));
      CycleFacts facts = read(file, outbox);
      if (!facts.sealed()) {
        facts = search(file, outbox);
      }
      if (facts.lastSequence > 0) {
        return facts.lastSequence;
      }
    }
    return 0;
  }

  private static CycleId id(Path cycleFile, UUID outbox) {
    return new CycleId(outbox, CycleName.numberOf(cycleFile));
  }

  private record Chain(CycleFacts facts, ChainWalk walk) {}

  private static Chain chain(FileWindow file, CycleLayout layout, CycleId cycle, boolean exclusive)
      throws IOException {
    CycleScanner scanner = new CycleScanner(file, layout, cycle, exclusive);
    Prologue prologue = prologue(scanner);
    ChainWalk walk = new ChainWalk(file, layout, cycle, exclusive);
    ChainWalk.End how = walk.toEnd(scanner.writePosition());
    long records = walk.endOfRecords() - layout.firstData();
    long data = how == ChainWalk.End.BROKEN ? records : walk.end() - layout.firstData();
    return new Chain(new CycleFacts(prologue, walk.lastSequence(), records, data, how), walk);
  }

  private static Prologue prologue(CycleScanner scanner) throws IOException {
    CycleEntry first = scanner.at(scanner.start());
    if (first instanceof CycleEntry.OtherFormat other) {
      throw other.refusal();
    }
    return first instanceof CycleEntry.Valid valid ? valid.record().prologue() : null;
  }
}
