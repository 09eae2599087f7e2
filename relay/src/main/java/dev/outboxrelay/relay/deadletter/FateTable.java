package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.util.Iterator;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What was done of each number: a kilobyte for each block of which not the same was done of all,
 * whatever stands between what. For one thread.
 */
final class FateTable {
  /** Of blocks and runs of them: 16 MB, for what was done of more than 60 million letters. */
  static final int MOST_BLOCKS = 16_384;

  /** No outbox comes so far; so nothing overflows. */
  private static final long LARGEST_NUMBER = 1L << 62;

  private final NavigableMap<Long, FateBlock> mixed = new TreeMap<>();
  private final FateRuns whole = new FateRuns(); // of blocks
  private final int most;

  FateTable(int most) {
    this.most = most;
  }

  private static long block(long number) {
    return (number - 1) / FateBlock.NUMBERS + 1;
  }

  private static long first(long block) {
    return last(block - 1) + 1;
  }

  private static long last(long block) {
    return block * FateBlock.NUMBERS;
  }

  private static int at(long number) {
    return (int) ((number - 1) % FateBlock.NUMBERS);
  }

  /** Of these it was that, whatever was told before. */
  void add(long first, long told, Fate fate) {
    long last = Math.min(told, LARGEST_NUMBER);
    if (first > last) {
      return;
    }
    long from = block(first);
    long to = block(last);
    long wholeFrom = first == first(from) ? from : from + 1;
    long wholeTo = last == last(to) ? to : to - 1;
    if (wholeFrom <= wholeTo) {
      mixed.subMap(wholeFrom, true, wholeTo, true).clear();
      whole.add(wholeFrom, wholeTo, fate);
    }
    if (from < wholeFrom) {
      addPart(first, Math.min(last, last(from)), fate);
    }
    if (to > wholeTo && (to > from || from == wholeFrom)) {
      addPart(Math.max(first, first(to)), last, fate);
    }
    while (size() > most) {
      forgetLast();
    }
  }

  private void addPart(long first, long last, Fate fate) {
    long number = block(first);
    FateBlock block = mixed.get(number);
    if (block == null) {
      FateBlock begun = new FateBlock();
      whole.of(number).ifPresent(before -> begun.add(0, FateBlock.NUMBERS, before));
      whole.cutOut(number, number);
      mixed.put(number, begun);
      block = begun;
    }
    block.add(at(first), at(last) + 1, fate);
    Optional<Fate> same = block.ofAll();
    if (same.isPresent()) {
      mixed.remove(number);
      whole.add(number, number, same.get());
    }
  }

  private int size() {
    return mixed.size() + whole.size();
  }

  /** What has the highest numbers is the least likely to be of letters that there are. */
  private void forgetLast() {
    long last = lastBlock();
    if (mixed.remove(last) == null) {
      whole.cutOut(whole.at(last).orElseThrow().first(), last);
    }
  }

  private long lastBlock() {
    return Math.max(mixed.isEmpty() ? 0 : mixed.lastKey(), whole.last());
  }

  /** Whether it would still be known of this one that something was done of it. */
  boolean hasRoomFor(long number) {
    return size() + 2 <= most || block(number) < lastBlock();
  }

  void clear() {
    mixed.clear();
    whole.clear();
  }

  Optional<Fate> of(long number) {
    if (number < 1) {
      return Optional.empty();
    }
    FateBlock block = mixed.get(block(number));
    return block == null ? whole.of(block(number)) : block.of(at(number));
  }

  /** Of how many numbers something was done that are above one and not above another. */
  long count(long above, long upTo) {
    long from = Math.max(0, above) + 1;
    long to = Math.min(upTo, LARGEST_NUMBER);
    if (from > to) {
      return 0;
    }
    long count = 0;
    for (Map.Entry<Long, FateBlock> each :
        mixed.subMap(block(from), true, block(to), true).entrySet()) {
      int begin = at(Math.max(from, first(each.getKey())));
      int end = at(Math.min(to, last(each.getKey()))) + 1;
      count += each.getValue().count(begin, end);
    }
    for (Range run : whole.ranges()) {
      count += Math.max(0, Math.min(to, last(run.last())) - Math.max(from, first(run.first())) + 1);
    }
    return count;
  }

  /** So many entries tell it, or a few less. */
  long runs() {
    return whole.size() + mixed.values().stream().mapToLong(FateBlock::runs).sum();
  }

  /** In the order of their numbers, as few as they can be. */
  Iterable<Range> ranges() {
    return Ranges::new;
  }

  private final class Ranges implements Iterator<Range> {
    private Range next = from(1);

    @Override
    public boolean hasNext() {
      return next != null;
    }

    @Override
    public Range next() {
      if (next == null) {
        throw new NoSuchElementException();
      }
      Range run = next;
      next = from(run.last() + 1);
      while (next != null && next.first() == run.last() + 1 && next.outcome() == run.outcome()) {
        run = new Range(run.first(), next.last(), run.outcome());
        next = from(run.last() + 1);
      }
      return run;
    }
  }

  /** The next run within a block, or of blocks; null if there is none. */
  private Range from(long number) {
    Range run = whole.at(block(number)).orElse(null);
    long from = number;
    for (Map.Entry<Long, FateBlock> each = mixed.ceilingEntry(block(from));
        each != null && (run == null || each.getKey() < run.first());
        each = mixed.higherEntry(each.getKey())) {
      FateBlock block = each.getValue();
      long before = last(each.getKey() - 1);
      int at = block.next(from > before ? at(from) : 0);
      if (at >= 0) {
        Fate fate = block.of(at).orElseThrow();
        return new Range(before + at + 1, before + block.endOfRun(at), fate.code());
      }
      from = last(each.getKey()) + 1;
    }
    return run == null
        ? null
        : new Range(Math.max(number, first(run.first())), last(run.last()), run.outcome());
  }
}
