package dev.outboxrelay.relay.deadletter;

import java.util.BitSet;
import java.util.Optional;

/** What was done of {@link #NUMBERS} letters that follow each other: two bits each. */
final class FateBlock {
  static final int NUMBERS = 4096;

  private final BitSet done = new BitSet(NUMBERS);
  private final BitSet replayed = new BitSet(NUMBERS);

  /** Of these it was that, whatever was told before. */
  void add(int from, int to, Fate fate) {
    done.set(from, to);
    replayed.set(from, to, fate == Fate.REPLAYED);
  }

  Optional<Fate> of(int at) {
    return done.get(at) ? Optional.of(fate(at)) : Optional.empty();
  }

  private Fate fate(int at) {
    return replayed.get(at) ? Fate.REPLAYED : Fate.DISCARDED;
  }

  /** The same of all of them; empty if it is not. */
  Optional<Fate> ofAll() {
    return next(0) == 0 && endOfRun(0) == NUMBERS ? of(0) : Optional.empty();
  }

  /** Where the next one is of which something was done; −1 if there is none. */
  int next(int from) {
    return done.nextSetBit(from);
  }

  /** Up to where the same was done as of this one. */
  int endOfRun(int from) {
    int other = replayed.get(from) ? replayed.nextClearBit(from) : replayed.nextSetBit(from);
    int end = done.nextClearBit(from);
    return other < 0 ? end : Math.min(end, other);
  }

  int runs() {
    int runs = 0;
    for (int at = next(0); at >= 0; at = next(endOfRun(at))) {
      runs++;
    }
    return runs;
  }

  int count(int from, int to) {
    return from == 0 && to == NUMBERS ? done.cardinality() : done.get(from, to).cardinality();
  }
}
