package dev.outboxrelay.relay.deadletter;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.settle.OwnPosition;
import dev.outboxrelay.relay.settle.SettledCycles;
import dev.outboxrelay.relay.tail.RecordWalk;
import java.io.Closeable;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what was done of the dead letters: {@code relay.outcomes} and {@code relay.position} of
 * {@code dead-letters/}. For the holder of the relay's lock, and one thread.
 */
public final class LetterBook implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(LetterBook.class);
  private static final UUID NOBODY = new UUID(0, 0);

  /** A file of so few entries, of 24 bytes, stays as it is. */
  private static final int NEVER_SHORTENED = 4096;

  private final HeldDirectories held;
  private final OutboxPaths letters;
  private final WriterOptions options;
  private final InstantSource clock;
  private final OutboxIdentity identity;
  private final OutcomesFile outcomes;
  private final PositionFile positions;
  private final Fates fates;
  private Position position;
  private long lost;

  private LetterBook(
      HeldDirectories held,
      WriterOptions options,
      InstantSource clock,
      OutboxIdentity identity,
      OutcomesFile outcomes,
      PositionFile positions,
      Fates fates,
      Position position) {
    this.held = held;
    this.letters = held.paths();
    this.options = options;
    this.clock = clock;
    this.identity = identity;
    this.outcomes = outcomes;
    this.positions = positions;
    this.fates = fates;
    this.position = position;
  }

  /**
   * Opens that of the dead letters; empty if there are none.
   *
   * @param options of the outbox {@code dead-letters/}
   */
  public static Optional<LetterBook> find(WriterOptions options, InstantSource clock)
      throws IOException {
    HeldDirectories held = HeldDirectories.find(options.paths()).orElse(null);
    if (held == null) {
      return Optional.empty();
    }
    List<Closeable> opened = new ArrayList<>(List.of(held));
    try {
      OutboxPaths letters = held.paths();
      OutboxIdentity identity = OutboxIdentity.find(letters).orElse(null);
      if (identity == null) {
        held.close();
        return Optional.empty();
      }
      if (LetterCount.isAhead(letters)) {
        QueueWriter.open(options).close(); // which mends it
      }
      Position position = OwnPosition.find(letters, identity);
      Fates fates = Fates.read(letters);
      OutcomesFile outcomes = OutcomesFile.open(letters.outcomes(), options.disk());
      opened.add(outcomes);
      PositionFile positions = PositionFile.open(letters.position(), options.disk());
      opened.add(positions);
      LetterBook book =
          new LetterBook(held, options, clock, identity, outcomes, positions, fates, position);
      book.begin();
      return Optional.of(book);
    } catch (IOException | RuntimeException e) {
      for (Closeable each : opened) {
        each.close();
      }
      throw e;
    }
  }

  /** Nothing was done of these yet: what stands there is of letters that were here before. */
  private void begin() throws IOException {
    if (position == null) {
      outcomes.forgetBehind(0);
      save(0, NOBODY, 0, 0, 0, 0);
    }
  }

  private void save(
      long sequence, UUID eventId, long cycle, long offset, long index, long settledBytes)
      throws IOException {
    save(
        new Position(
            identity.generation(),
            DeliveryMode.AT_LEAST_ONCE,
            sequence,
            eventId,
            cycle,
            offset,
            index,
            settledBytes,
            clock.millis(),
            identity.outbox(),
            0));
  }

  private void save(Position next) throws IOException {
    positions.save(next);
    position = next;
  }

  /** Which dead letters these are. */
  public UUID outbox() {
    return identity.outbox();
  }

  /** Up to this number none is there any more. */
  public long behind() {
    return position.sequence();
  }

  /** The number of the one that was added last. */
  public long lastNumber() throws IOException {
    return LetterCount.lastNumber(letters);
  }

  /** What was done of them. */
  public Fates fates() {
    return fates;
  }

  /** Begins with the first of which not everything before was done. */
  public RecordWalk walk() {
    return RecordWalk.behind(letters, position);
  }

  /** Goes on where an earlier walk is, which began in these letters. */
  public RecordWalk walk(RecordWalk earlier) {
    return earlier.in(letters);
  }

  /** Writes down what was done, durably; none of them is there any more then. */
  public void mark(List<Long> numbers, Fate fate) throws IOException {
    List<OutcomesFile.Range> ranges = new ArrayList<>();
    for (long number : numbers) {
      fates.checkRoom(number);
      int last = ranges.size() - 1;
      if (last >= 0 && ranges.get(last).last() + 1 == number) {
        ranges.set(last, new OutcomesFile.Range(ranges.get(last).first(), number, fate.code()));
      } else {
        ranges.add(new OutcomesFile.Range(number, number, fate.code()));
      }
    }
    outcomes.append(ranges);
    ranges.forEach(range -> fates.add(range.first(), range.last(), fate));
  }

  /**
   * Moves the position on to the first letter that is still there; returns false if it has not come
   * so far yet. It passes the numbers of those that are lost or damaged: before that one, or at the
   * end if all was read. What can't be read now is not lost: there it stops.
   */
  public boolean advance(int most, long bytes) throws IOException {
    RecordWalk.Found last = null;
    RecordWalk.Found first = null; // of which nothing was done
    long space = bytesLeft();
    long added = lastNumber(); // before it looks: what has a number by now is there, or lost
    RecordWalk walk = walk();
    List<RecordWalk.Found> next = walk.next(most, bytes);
    for (RecordWalk.Found found : next) {
      if (fates.of(found.record().sequence()).isEmpty()) {
        first = found;
        break;
      }
      last = found;
    }
    boolean atEnd = walk.end().orElse(null) instanceof RecordWalk.End.OfAll;
    if (last != null) {
      lose(last.record().sequence());
      save(last.behind(identity, position.settledBytes(), clock.millis()));
    }
    if (first != null && walk.isAllRead()) {
      pass(first.record().sequence() - 1, 0);
    } else if (atEnd) {
      pass(added, space); // later ones get higher numbers, whatever the state says (FORMAT I4)
    }
    return first != null || next.isEmpty();
  }

  /** There are no more letters up to this number. */
  private void pass(long number, long bytes) throws IOException {
    if (number > position.sequence()) {
      lose(number);
      save(
          number,
          position.eventId(),
          position.cycle(),
          position.offset(),
          position.index(),
          position.settledBytes() + bytes);
    }
  }

  /** Of those up to this number all that are there are done. */
  private void lose(long upTo) {
    long behind = position.sequence();
    long gone = upTo - behind - fates.done(behind, upTo);
    if (gone > 0) {
      lost += gone;
      LOG.atWarn()
          .addKeyValue("letters", gone)
          .addKeyValue("above", behind)
          .addKeyValue("up_to", upTo)
          .addKeyValue("path", OwnDescriptors.nameOf(letters.root()))
          .log("dead letters are lost or damaged, and count as discarded");
    }
  }

  private long bytesLeft() throws IOException {
    try {
      return new OutboxReader(letters).status().lagBytes();
    } catch (OutboxError e) {
      return 0; // the next letter that is done tells
    }
  }

  /** How many were lost or damaged of those that the position has passed since this was opened. */
  public long lost() {
    return lost;
  }

  /** Deletes the cycles of which everything was done; returns how many. */
  public int deleteSettled() throws IOException {
    return SettledCycles.delete(options, held, position.cycle());
  }

  /**
   * Has {@code relay.outcomes} say in few entries what it says in many. Of letters that are settled
   * and deleted it is not kept what was done of them; so not while a request waits for its answer.
   */
  public void shorten() throws IOException {
    if (outcomes.entries() <= NEVER_SHORTENED) {
      return;
    }
    RecordWalk walk = RecordWalk.ofAll(letters);
    List<RecordWalk.Found> first = walk.next(1, 1);
    if (walk.end().orElse(null) instanceof RecordWalk.End.Stopped) {
      return; // those are not gone
    }
    long gone = first.isEmpty() ? position.sequence() : first.get(0).record().sequence() - 1;
    fates.forget(Math.min(gone, position.sequence()));
    if (outcomes.entries() > 2 * fates.runs() + NEVER_SHORTENED) {
      outcomes.rewrite(fates.ranges());
    }
  }

  @Override
  public void close() throws IOException {
    try (held;
        outcomes;
        positions) {
      // Closed the other way round.
    }
  }
}
