package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Finds the first event behind what is settled, in any number of outboxes. What is damaged is
 * searched a piece at a time, and nothing twice: hundreds of damaged files can be gigabytes. Each
 * outbox is for one thread at a time.
 */
public final class OldestEvent {
  private static final int MOST_OUTBOXES = 10_000;

  private final long mostDamage;
  private final Map<Path, Search> searches =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Path, Search> eldest) {
          return size() > MOST_OUTBOXES;
        }
      };

  /**
   * How far one search is.
   *
   * @param settled behind which sequence it looks
   * @param cycle where it goes on
   * @param offset in that cycle, 0 = from its start
   * @param found append time of what it looked for
   */
  private record Search(long settled, long cycle, long offset, OptionalLong found) {}

  /**
   * Has searched nothing.
   *
   * @param mostDamage bytes without a valid record that one call may search; what holds them is
   *     looked through to its end
   */
  public OldestEvent(long mostDamage) {
    this.mostDamage = mostDamage;
  }

  /**
   * Its append time.
   *
   * @param settled everything up to this sequence is settled
   * @return milliseconds since the epoch; empty if none waits or none is found yet
   */
  public OptionalLong appendMillis(OutboxPaths paths, long settled) throws IOException {
    Search search = known(paths.root());
    if (search == null || search.settled() != settled) {
      Optional<Position> position = PositionFile.find(paths.position());
      search =
          new Search(
              settled,
              position.map(Position::cycle).orElse(Long.MIN_VALUE),
              position.map(Position::offset).orElse(0L),
              OptionalLong.empty());
    }
    if (search.found().isEmpty()) {
      Piece piece = new Piece(search);
      new QueueWalk(paths).from(search.cycle(), search.offset(), piece);
      search = piece.soFar;
    }
    know(paths.root(), search);
    return search.found();
  }

  private Search known(Path outbox) {
    synchronized (searches) {
      return searches.get(outbox);
    }
  }

  private void know(Path outbox, Search search) {
    synchronized (searches) {
      searches.put(outbox, search);
    }
  }

  /** One call's part of a search. */
  private final class Piece implements QueueVisitor {
    private Search soFar;
    private CycleScanner scanner;
    private long damage;

    private Piece(Search before) {
      soFar = before;
    }

    private void goOnAt(long cycle, long offset) {
      soFar = new Search(soFar.settled(), cycle, offset, OptionalLong.empty());
    }

    @Override
    public void cycleBegins(long cycle, CycleScanner opened, boolean newest) {
      scanner = opened;
      if (cycle > soFar.cycle()) {
        goOnAt(cycle, 0);
      }
    }

    @Override
    public boolean event(FoundEvent event) {
      if (event.record().sequence() <= soFar.settled()) {
        return true;
      }
      soFar =
          new Search(
              soFar.settled(),
              event.cycle(),
              event.offset(),
              OptionalLong.of(event.record().appendTime()));
      return false;
    }

    @Override
    public boolean damage(Damage found) {
      boolean toTheEnd = found.bytes() == 0;
      damage += toTheEnd ? scanner.size() - found.offset() : found.bytes();
      if (toTheEnd) {
        goOnAt(found.cycle() + 1, 0);
      } else {
        goOnAt(found.cycle(), found.offset() + found.bytes());
      }
      return damage < mostDamage;
    }
  }
}
