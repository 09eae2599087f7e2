package dev.outboxrelay.relay.control;

import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.UUID;

/** Of any number of files the first ones, by their times. For one thread. */
final class FirstOnes {
  private record Named(UUID id, FileTime time) {
    static final Comparator<Named> ORDER =
        Comparator.comparing(Named::time).thenComparing(Named::id);
  }

  private final int most;
  private final PriorityQueue<Named> lastFirst = new PriorityQueue<>(Named.ORDER.reversed());

  /** None yet. */
  FirstOnes(int most) {
    this.most = most;
  }

  void add(UUID id, FileTime time) {
    lastFirst.add(new Named(id, time));
    if (lastFirst.size() > most) {
      lastFirst.remove();
    }
  }

  List<UUID> inOrder() {
    return lastFirst.stream().sorted(Named.ORDER).map(Named::id).toList();
  }
}
