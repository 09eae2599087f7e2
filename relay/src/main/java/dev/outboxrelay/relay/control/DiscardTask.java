package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.relay.settle.OwnPosition;
import dev.outboxrelay.relay.settle.SettledCycles;
import dev.outboxrelay.relay.tail.RecordWalk;
import dev.outboxrelay.relay.tail.Source;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Gives up what is parked of a topic, or what of that was replayed and stands before the first that
 * was not: clients are told that it is dead, and the position of the topic's outbox passes it. The
 * lane does not run meanwhile. For one thread.
 */
final class DiscardTask implements Task {
  private static final int AT_ONCE = 500;
  private static final long BYTES_AT_ONCE = 4 << 20;

  private final Request request;
  private final Workplace place;
  private final ControlFiles files;
  private final Told told;
  private Closeable lock; // null until it is had
  private HeldDirectories held;
  private OutboxIdentity identity;
  private RecordWalk walk;
  private Position chosen; // so far; null if there is nothing yet
  private long events;
  private long bytes;
  private long newer;
  private Cut cut; // written down
  private boolean deliveredSoFar = true;
  private RecordWalk.Found given; // the last that was given up
  private long givenEvents;
  private long givenBytes;
  private String unread; // why not all could be read; null if all could

  /** What clients of the main outbox were told. */
  interface Told {
    /** The outcomes of events, by their sequences: one pass over a file that may be large. */
    Map<Long, DeliveryOutcome> of(Set<Long> sequences, Path file) throws IOException;
  }

  /**
   * Does nothing yet.
   *
   * @param cut of one that was taken up before; else null
   */
  DiscardTask(Request request, Cut cut, Workplace place, ControlFiles files) {
    this(request, cut, place, files, OutcomesFile::outcomesOf);
  }

  DiscardTask(Request request, Cut cut, Workplace place, ControlFiles files, Told told) {
    this.told = told;
    this.request = request;
    this.cut = cut;
    this.place = place;
    this.files = files;
  }

  @Override
  public Step step() throws IOException {
    if (held == null) {
      return open();
    }
    if (cut == null) {
      return choose();
    }
    return cut.position().outboxId().equals(identity.outbox()) ? giveUp() : Step.DONE;
  }

  private Step open() throws IOException {
    String topic = request.topic();
    place.parked().lanes().discard(topic, true);
    place.parked().bringAll(topic);
    if (SafeFiles.attributes(place.parked().paths(topic).root()) == null) {
      return Step.DONE;
    }
    if (lock == null) {
      lock = place.lanes().tryLock(place.parked().paths(topic));
      if (lock == null) {
        return Step.WAITS;
      }
    }
    place.parked().mend(topic);
    held = HeldDirectories.hold(place.parked().paths(topic));
    identity =
        OutboxIdentity.find(held.paths())
            .orElseThrow(() -> new IOException("parked/" + topic + " tells no identity"));
    walk = RecordWalk.behind(held.paths(), position());
    return Step.GOES_ON;
  }

  private Position position() throws IOException {
    return OwnPosition.find(held.paths(), identity);
  }

  private Step choose() throws IOException {
    long saved = place.saved().getAsLong();
    for (RecordWalk.Found found : walk.next(AT_ONCE, BYTES_AT_ONCE)) {
      Source source = Source.of(found.record());
      boolean early = isOurs(found, source) && source.sequence() > saved; // it may come again
      boolean parked = source == null || !source.isReplay();
      if (early || newer > 0 || (parked && request.verb() == Verb.DISCARD_REPLAYS)) {
        newer++;
      } else {
        events++;
        bytes += found.record().length();
        chosen = behind(found);
      }
    }
    RecordWalk.End end = walk.end().orElse(null);
    if (end == null && newer == 0) {
      return Step.GOES_ON;
    }
    if (end instanceof RecordWalk.End.Stopped stopped) {
      unread = stopped.why(); // what is behind it is not given up before that
    }
    if (chosen == null) {
      return Step.DONE;
    }
    Cut written = new Cut(chosen, events, bytes, newer);
    ObjectNode taken = JsonNodeFactory.instance.objectNode();
    taken.set("request", request.json());
    taken.set("plan", written.json());
    files.take(request.id(), taken);
    cut = written;
    walk = RecordWalk.behind(held.paths(), position());
    return Step.GOES_ON;
  }

  /**
   * Whether clients of the main outbox ask for it: not if it was there before, or is lost there.
   */
  private boolean isOurs(RecordWalk.Found found, Source source) {
    return source != null
        && source.isOf(place.identity())
        && !place.parked().isLost(request.topic(), found.record().sequence(), source.sequence());
  }

  /**
   * Whether its lane has told that it was delivered, and not saved that; or an earlier replay was.
   * Of what is parked that holds for the first ones, if for any.
   *
   * @param outcome what clients were told last
   */
  private boolean isDelivered(Source source, DeliveryOutcome outcome) {
    if (!source.isReplay() && !deliveredSoFar) {
      return false;
    }
    boolean delivered = outcome == DeliveryOutcome.DELIVERED;
    deliveredSoFar &= delivered || source.isReplay();
    return delivered;
  }

  private Position behind(RecordWalk.Found found) {
    long before = chosen == null ? 0 : chosen.settledBytes();
    return found.behind(identity, before, place.like().clock().millis());
  }

  /** Clients are told before the position covers them, as a lane does. */
  private Step giveUp() throws IOException {
    RecordWalk next = walk.copy();
    List<Source> ours = new ArrayList<>();
    boolean atEnd = true;
    for (RecordWalk.Found found : next.next(AT_ONCE, BYTES_AT_ONCE)) {
      atEnd = found.record().sequence() >= cut.position().sequence();
      Source source = Source.of(found.record());
      if (found.record().sequence() <= cut.position().sequence()) {
        given = found;
        givenEvents++;
        givenBytes += found.record().length();
        if (isOurs(found, source)) {
          ours.add(source);
        }
      }
      if (atEnd) {
        break;
      }
    }
    place.outcomes().append(dead(ours));
    walk = next;
    if (!atEnd) {
      return Step.GOES_ON;
    }
    if (next.end().orElse(null) instanceof RecordWalk.End.Stopped stopped) {
      cutShort(stopped.why());
      if (cut == null) {
        return Step.DONE;
      }
    }
    Position before = position();
    if (before == null || before.sequence() < cut.position().sequence()) {
      try (PositionFile file = PositionFile.open(held.paths().position(), place.like().disk())) {
        file.save(cut.position());
      }
    }
    place.parked().settled(request.topic());
    SettledCycles.delete(place.parked().options(request.topic()), held, cut.position().cycle());
    return Step.DONE;
  }

  /** What can't be read any more is not given up, nor what is behind it: its lane comes to it. */
  private void cutShort(String why) {
    unread = why;
    newer = cut.newer() + cut.events() - givenEvents;
    cut = given == null ? null : new Cut(behind(given), givenEvents, givenBytes, newer);
  }

  private List<OutcomesFile.Range> dead(List<Source> ours) throws IOException {
    Set<Long> sequences = ours.stream().map(Source::sequence).collect(Collectors.toSet());
    Map<Long, DeliveryOutcome> outcomes = told.of(sequences, place.paths().outcomes());
    List<OutcomesFile.Range> dead = new ArrayList<>();
    for (Source source : ours) {
      long sequence = source.sequence();
      if (!isDelivered(source, outcomes.get(sequence))) {
        dead.add(new OutcomesFile.Range(sequence, sequence, DeliveryOutcome.DEAD));
      }
    }
    return dead;
  }

  @Override
  public ObjectNode report() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("topic", request.topic());
    node.put("discarded", cut == null ? 0 : cut.events());
    node.put("bytes", cut == null ? 0 : cut.bytes());
    node.put(
        request.verb() == Verb.DISCARD_REPLAYS ? "left" : "not_settled",
        cut == null ? newer : cut.newer());
    node.put("unread_because", unread);
    boolean none = cut == null && newer == 0 && unread == null;
    NotFound.put(node, none ? List.of(request.topic()) : List.of());
    return node;
  }

  @Override
  public void close() throws IOException {
    try (Closeable last = lock;
        HeldDirectories folders = held) {
      // Closed the other way round.
    }
  }

  @Override
  public void over() {
    place.parked().lanes().discard(request.topic(), false);
  }
}
