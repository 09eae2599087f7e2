package dev.outboxrelay.client.format;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a cycle file tells of the outbox by its records alone, however damaged it is. Costs a read
 * of the whole file if its chain is broken or {@code thorough} is asked for.
 *
 * @param prologue of its first record, or null
 * @param lastSequence highest sequence found, 0 if there is no record
 * @param dataBytes of the chain behind the first data offset; 0 if its end cannot be found
 * @param sealed whether the chain ends with EOF
 */
record CycleFacts(Prologue prologue, long lastSequence, long dataBytes, boolean sealed) {

  /**
   * The highest sequence in the newest of these cycles (ascending) that holds a record, 0 if none
   * does. Behind damage, too: after a power cut, records may be there that neither the state nor
   * word1 knows of, and their sequences must not be given again.
   */
  static long lastSequence(OutboxPaths paths, List<Long> cycles) throws IOException {
    for (int i = cycles.size() - 1; i >= 0; i--) {
      long found = read(paths.cycle(cycles.get(i)), true).lastSequence;
      if (found > 0) {
        return found;
      }
    }
    return 0;
  }

  static CycleFacts read(Path cycleFile, boolean thorough) throws IOException {
    try (FileWindow file = FileWindow.open(cycleFile)) {
      CycleLayout layout = CycleLayout.parse(file).orElse(null);
      CycleScanner scanner = new CycleScanner(file, layout, false);
      if (layout == null) {
        return search(scanner, 0, new CycleFacts(null, 0, 0, false));
      }
      Prologue prologue =
          scanner.at(layout.firstData()) instanceof CycleEntry.Valid first
              ? first.record().prologue()
              : null;
      ChainWalk walk = new ChainWalk(file, layout, false);
      ChainWalk.End how = walk.toEnd(file.getLong(layout.word1()));
      long dataBytes = how == ChainWalk.End.BROKEN ? 0 : walk.end() - layout.firstData();
      CycleFacts facts =
          new CycleFacts(prologue, walk.lastSequence(), dataBytes, how == ChainWalk.End.CLOSED);
      return how == ChainWalk.End.BROKEN
          ? search(scanner, 0, facts)
          : thorough ? search(scanner, walk.end(), facts) : facts;
    }
  }

  private static CycleFacts search(CycleScanner scanner, long from, CycleFacts known)
      throws IOException {
    Prologue prologue = known.prologue;
    long lastSequence = known.lastSequence;
    long at = from;
    while (true) {
      Optional<CycleEntry.Valid> found = scanner.findNext(at);
      if (found.isEmpty()) {
        return new CycleFacts(prologue, lastSequence, known.dataBytes, known.sealed);
      }
      OutboxRecord record = found.get().record();
      lastSequence = Math.max(lastSequence, record.sequence());
      prologue = prologue == null ? record.prologue() : prologue;
      at = found.get().next();
    }
  }
}
