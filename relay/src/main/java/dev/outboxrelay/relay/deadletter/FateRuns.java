package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/** What was done of numbers, as few runs as that takes. For one thread. */
final class FateRuns {
  private record Run(long last, Fate fate) {}

  private final NavigableMap<Long, Run> runs = new TreeMap<>();

  /** Of these it was that, whatever was told before. */
  void add(long first, long last, Fate fate) {
    cutOut(first, last);
    Map.Entry<Long, Run> before = runs.lowerEntry(first);
    Run behind = runs.get(last + 1);
    boolean joinsBefore =
        before != null && before.getValue().last() + 1 == first && before.getValue().fate() == fate;
    boolean joinsBehind = behind != null && behind.fate() == fate;
    if (joinsBehind) {
      runs.remove(last + 1);
    }
    runs.put(
        joinsBefore ? before.getKey() : first, new Run(joinsBehind ? behind.last() : last, fate));
  }

  private void cutOut(long first, long last) {
    Map.Entry<Long, Run> before = runs.lowerEntry(first);
    if (before != null && before.getValue().last() >= first) {
      Run cut = before.getValue();
      runs.put(before.getKey(), new Run(first - 1, cut.fate()));
      keepBehind(last, cut);
    }
    for (Map.Entry<Long, Run> covered = runs.ceilingEntry(first);
        covered != null && covered.getKey() <= last;
        covered = runs.ceilingEntry(first)) {
      runs.remove(covered.getKey());
      keepBehind(last, covered.getValue());
    }
  }

  private void keepBehind(long last, Run cut) {
    if (cut.last() > last) {
      runs.put(last + 1, cut);
    }
  }

  /** Joins what stands side by side, whatever it was: that something was done stays known. */
  void joinAll() {
    List<Range> joined = new ArrayList<>();
    for (Range range : ranges()) {
      int last = joined.size() - 1;
      if (last >= 0 && joined.get(last).last() + 1 == range.first()) {
        Range before = joined.get(last);
        joined.set(last, new Range(before.first(), range.last(), before.outcome()));
      } else {
        joined.add(range);
      }
    }
    clear();
    joined.forEach(range -> add(range.first(), range.last(), Fate.of(range.outcome())));
  }

  void clear() {
    runs.clear();
  }

  int size() {
    return runs.size();
  }

  Optional<Fate> of(long number) {
    Map.Entry<Long, Run> run = runs.floorEntry(number);
    return run != null && number <= run.getValue().last()
        ? Optional.of(run.getValue().fate())
        : Optional.empty();
  }

  /** How many numbers above one they cover. */
  long countBehind(long number) {
    long count = 0;
    for (Map.Entry<Long, Run> run : runs.entrySet()) {
      count += Math.max(0, run.getValue().last() - Math.max(number, run.getKey() - 1));
    }
    return count;
  }

  /** In the order of their numbers. */
  List<Range> ranges() {
    List<Range> ranges = new ArrayList<>(runs.size());
    runs.forEach((first, run) -> ranges.add(new Range(first, run.last(), run.fate().code())));
    return ranges;
  }
}
