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

  /** Of these nothing is told any more. */
  void cutOut(long first, long last) {
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

  /** The run with this number, else the next one. */
  Optional<Range> at(long number) {
    Map.Entry<Long, Run> run = runs.floorEntry(number);
    if (run == null || run.getValue().last() < number) {
      run = runs.higherEntry(number);
    }
    return run == null
        ? Optional.empty()
        : Optional.of(new Range(run.getKey(), run.getValue().last(), run.getValue().fate().code()));
  }

  /** The highest number; 0 if there is none. */
  long last() {
    return runs.isEmpty() ? 0 : runs.lastEntry().getValue().last();
  }

  /** In the order of their numbers. */
  List<Range> ranges() {
    List<Range> ranges = new ArrayList<>(runs.size());
    runs.forEach((first, run) -> ranges.add(new Range(first, run.last(), run.fate().code())));
    return ranges;
  }
}
