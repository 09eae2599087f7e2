package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.record.OutboxRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/**
 * The numbers and event ids that a selection names, of which no dead letter was found. Topics and
 * reasons are conditions, which may hold for none. For one thread.
 */
public final class Unfound {
  private final Set<Long> numbers;
  private final Set<UUID> ids;

  /** None was found yet. */
  public Unfound(Selection selection) {
    this.numbers = new TreeSet<>(selection.numbers());
    this.ids = new TreeSet<>(selection.ids());
  }

  /**
   * A letter is one of those that are meant.
   *
   * @param event that it is of, or null
   */
  public void found(long number, OutboxRecord event) {
    numbers.remove(number);
    if (event != null) {
      ids.remove(event.eventId());
    }
  }

  /** Those that are left: numbers first. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    numbers.forEach(number -> names.add(number.toString()));
    ids.forEach(id -> names.add(id.toString()));
    return names;
  }
}
