package dev.outboxrelay.client.files;

import dev.outboxrelay.client.cycle.ChainWalk;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.CycleName;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.Prologue;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * What a cycle file tells of the outbox by its records alone, however damaged it is.
 *
 * @param prologue of its first record, or null
 * @param lastSequence highest sequence found, 0 if there is no record
 * @param dataBytes of the chain behind the first data offset; 0 if its end cannot be found
 * @param sealed whether the chain ends with EOF
 */
public record CycleFacts(Prologue prologue, long lastSequence, long dataBytes, boolean sealed) {

  /**
   * What the first record and the end of the chain tell. Needs no lock; costs the same with any
   * length.
   */
  public static CycleFacts read(Path cycleFile, UUID outbox) throws IOException {
    try (FileWindow file = FileWindow.open(cycleFile)) {
      return chain(file, CycleLayout.parse(file).orElse(null), id(cycleFile, outbox), false).facts;
    }
  }

  /**
   * The same, and what stands where the chain does not lead. Reads the rest of the file, the whole
   * file if its chain tells nothing. Only under the writers' lock.
   */
  public static CycleFacts search(Path cycleFile, UUID outbox) throws IOException {
    try (FileWindow file = FileWindow.open(cycleFile)) {
      CycleLayout layout = CycleLayout.parse(file).orElse(null);
      CycleId cycle = id(cycleFile, outbox);
      Chain chain = chain(file, layout, cycle, true);
      Prologue prologue = chain.facts.prologue;
      long lastSequence = chain.facts.lastSequence;
      CycleScanner scanner = new CycleScanner(file, layout, cycle, true);
      Optional<CycleEntry.Valid> found = scanner.findNext(chain.searchFrom);
      while (found.isPresent()) {
        OutboxRecord record = found.get().record();
        lastSequence = Math.max(lastSequence, record.sequence());
        prologue = prologue == null ? record.prologue() : prologue;
        found = scanner.findNext(found.get().next());
      }
      return new CycleFacts(prologue, lastSequence, chain.facts.dataBytes, chain.facts.sealed);
    }
  }

  /**
   * The prologue of a cycle of which not even the outbox is known: it vouches for itself. Searched
   * for where the header tells nothing.
   */
  static Optional<Prologue> claimedPrologue(Path cycleFile) throws IOException {
    try (FileWindow file = FileWindow.open(cycleFile)) {
      CycleLayout layout = CycleLayout.parse(file).orElse(null);
      CycleScanner scanner = new CycleScanner(file, layout, id(cycleFile, null), false);
      Optional<CycleEntry.Valid> found =
          layout == null
              ? scanner.findNext(0)
              : Optional.of(scanner.at(layout.firstData()))
                  .filter(CycleEntry.Valid.class::isInstance)
                  .map(CycleEntry.Valid.class::cast);
      return found.map(first -> first.record().prologue());
    }
  }

  /**
   * The highest sequence in the newest of these cycles (ascending) that holds a record, 0 if none
   * does. Behind damage, too: after a power cut, records may be there that neither the state nor
   * word1 knows of, and their sequences must not be given again.
   */
  public static long lastSequence(OutboxPaths paths, List<Long> cycles, UUID outbox)
      throws IOException {
    for (int i = cycles.size() - 1; i >= 0; i--) {
      long found = search(paths.cycle(cycles.get(i)), outbox).lastSequence;
      if (found > 0) {
        return found;
      }
    }
    return 0;
  }

  private static CycleId id(Path cycleFile, UUID outbox) {
    return new CycleId(outbox, CycleName.numberOf(cycleFile));
  }

  private record Chain(CycleFacts facts, long searchFrom) {}

  private static Chain chain(FileWindow file, CycleLayout layout, CycleId cycle, boolean exclusive)
      throws IOException {
    if (layout == null) {
      return new Chain(new CycleFacts(null, 0, 0, false), 0);
    }
    CycleScanner scanner = new CycleScanner(file, layout, cycle, exclusive);
    Prologue prologue =
        scanner.at(layout.firstData()) instanceof CycleEntry.Valid first
            ? first.record().prologue()
            : null;
    ChainWalk walk = new ChainWalk(file, layout, cycle, exclusive);
    ChainWalk.End end = walk.toEnd(file.getLong(layout.word1()));
    CycleFacts facts =
        new CycleFacts(
            prologue,
            walk.lastSequence(),
            end == ChainWalk.End.BROKEN ? 0 : walk.end() - layout.firstData(),
            end == ChainWalk.End.CLOSED);
    return new Chain(facts, walk.lastSequence() == 0 ? layout.firstData() : walk.end());
  }
}
