package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.settle.OwnPosition;
import dev.outboxrelay.relay.settle.SettledCycles;
import dev.outboxrelay.relay.tail.RecordWalk;
import dev.outboxrelay.relay.tail.Source;
import java.io.Closeable;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;

/**
 * Parked events whose topic's outbox is not open, all in one: {@code staged/}. To append to it
 * takes microseconds, and to make an outbox tens of milliseconds of disk; so events of thousands of
 * topics are safe at once, and {@link Bringing} takes them to their topics' outboxes by and by. For
 * one thread, but for {@link #of}.
 */
final class Staging implements KeptOutbox.Place, Closeable {
  /** Beyond that who adds waits until some were brought on. */
  static final long MOST_EVENTS = 32_768;

  static final long MOST_BYTES = 64 << 20;

  /** What is brought on takes that much space at most. */
  private static final int ROLL_BYTES = 8 << 20;

  private final OutboxPaths paths;
  private final OutboxPaths main;
  private final ParkedOutbox.Origin origin;
  private final WriterOptions like;
  private final KeptOutbox kept;
  private final Map<String, Count> waiting = new ConcurrentHashMap<>();
  private long events;
  private long bytes;

  /** What an earlier run has staged, as long as it may be asked for once more. */
  private final Map<String, Set<Event>> before = new HashMap<>();

  private final long leftInMain;
  private long lastBefore; // sequence here of the last that an earlier run has staged
  private boolean doubtful;
  private long lastAdded; // sequence here of the last that is known
  private boolean uncounted; // there may be more than is counted
  private OutboxIdentity identity; // null until there is something
  private Position position; // null until there is one

  /**
   * How much of one topic waits here.
   *
   * @param oldestMillis append time of the original, milliseconds since the epoch
   */
  record Count(long events, long bytes, long oldestMillis) {
    private static Count of(OutboxRecord record, Source source) {
      return new Count(1, record.length(), source.appendMillis());
    }

    private Count plus(Count more) {
      return new Count(
          events + more.events, bytes + more.bytes, Math.min(oldestMillis, more.oldestMillis));
    }
  }

  private record Event(long sequence, UUID eventId) {}

  private Staging(
      OutboxPaths main, ParkedOutbox.Origin origin, WriterOptions like, long leftInMain) {
    this.leftInMain = leftInMain;
    this.main = main;
    this.paths = main.staged();
    this.origin = origin;
    this.like = like;
    this.kept = new KeptOutbox(this, like);
  }

  /**
   * Looks at what an earlier run has left.
   *
   * @param leftInMain the last sequence that it has left in the main queue
   * @throws OutboxUnavailable if it can't be told
   */
  static Staging open(
      OutboxPaths main, ParkedOutbox.Origin origin, WriterOptions like, long leftInMain)
      throws IOException {
    Staging opened = new Staging(main, origin, like, leftInMain);
    SafeFiles.Attributes found = SafeFiles.attributes(opened.paths.root());
    if (found == null) {
      return opened;
    }
    if (!found.directory()) {
      throw new OutboxUnavailable(
          OwnDescriptors.nameOf(opened.paths.root())
              + " is no directory (perhaps a symbolic link): remove it, events that are being "
              + "parked go there");
    }
    QueueWriter.open(opened.options()).close(); // mends what a crash has left
    opened.find();
    opened.count();
    if (!StateFile.read(opened.paths.state()).orElseThrow().failedCycles().isEmpty()) {
      opened.gaveUp();
    }
    return opened;
  }

  private void find() throws IOException {
    identity =
        OutboxIdentity.find(paths)
            .orElseThrow(
                () ->
                    new OutboxUnavailable(
                        OwnDescriptors.nameOf(paths.root()) + " tells no identity"));
    position = OwnPosition.find(paths, identity);
  }

  private void count() throws IOException {
    each(
        walk(),
        (record, source) -> {
          add(record.topic(), Count.of(record, source));
          lastBefore = record.sequence();
          lastAdded = record.sequence();
          if (source.isOf(origin.outbox())) {
            before
                .computeIfAbsent(record.topic(), any -> new HashSet<>())
                .add(new Event(source.sequence(), record.eventId()));
          }
        });
  }

  private static void each(RecordWalk walk, BiConsumer<OutboxRecord, Source> visitor)
      throws IOException {
    List<RecordWalk.Found> found = walk.next(1024, 1 << 20);
    while (!found.isEmpty()) {
      for (RecordWalk.Found each : found) {
        Source source = Source.of(each.record());
        if (source != null) {
          visitor.accept(each.record(), source);
        }
      }
      found = walk.next(1024, 1 << 20);
    }
  }

  /** What waits there, by topic, for who looks from outside. Changes nothing. */
  static Map<String, Count> look(OutboxPaths main) throws IOException {
    Map<String, Count> found = new HashMap<>();
    SafeFiles.Attributes root = SafeFiles.attributes(main.staged().root());
    if (root == null || !root.directory()) {
      return found;
    }
    each(
        RecordWalk.behindSaved(main.staged()),
        (record, source) -> found.merge(record.topic(), Count.of(record, source), Count::plus));
    return found;
  }

  @Override
  public OutboxPaths paths() {
    return paths;
  }

  @Override
  public WriterOptions options() {
    return WriterOptions.parked(paths)
        .withLockTimeout(ParkedOutbox.LOCK_TIMEOUT)
        .withTrustParent(like.trustParent())
        .withRollBytes(Math.min(ROLL_BYTES, like.rollBytes()))
        .withDisk(like.disk())
        .withClock(like.clock())
        .withRandom(like.random());
  }

  @Override
  public void make() {}

  @Override
  public OutboxEvent copy(KeptOutbox.Event event) {
    return ParkedOutbox.copy(event, event.original().topic());
  }

  @Override
  public void appended(Receipt receipt, KeptOutbox.Event event) {
    if (identity == null || !identity.outbox().equals(receipt.outbox())) {
      identity = new OutboxIdentity(receipt.outbox(), receipt.generation());
      position = null;
      forgetAll(); // somebody removed the one that was here
    }
    lastAdded = receipt.sequence();
    add(event.original().topic(), Count.of(event.original(), event.source()));
  }

  private void add(String topic, Count more) {
    waiting.merge(topic, more, Count::plus);
    events += more.events();
    bytes += more.bytes();
  }

  @Override
  public void unsure() {
    doubtful = true;
    uncounted = true;
  }

  /** All that is here was read. */
  void counted() {
    uncounted = false;
  }

  /** Whether something may be here twice. */
  boolean isDoubtful() {
    return doubtful;
  }

  /** Nothing is here that could be brought on. */
  void forgetAll() {
    waiting.clear();
    events = 0;
    bytes = 0;
    lastAdded = settledSequence();
    gaveUp();
  }

  /** What is asked for once more is staged once more, and looked for when it is brought on. */
  @Override
  public void gaveUp() {
    before.clear();
    doubtful = true;
  }

  /** Which outbox it is; null if there is none. */
  UUID outbox() throws IOException {
    if (identity == null && SafeFiles.attributes(paths.root()) != null) {
      identity = OutboxIdentity.find(paths).orElse(null);
    }
    return identity == null ? null : identity.outbox();
  }

  /** How much of a topic waits; null if nothing does. From any thread. */
  Count of(String topic) {
    return waiting.get(topic);
  }

  /** Of each topic of which something waits. */
  Map<String, Count> waiting() {
    return waiting;
  }

  /** Whether all is brought, and that is saved. */
  boolean isEmpty() {
    return waiting.isEmpty() && !uncounted && lastAdded <= settledSequence();
  }

  boolean isSettled(RecordWalk.Found staged) {
    return staged.record().sequence() <= settledSequence();
  }

  private long settledSequence() {
    return position == null ? 0 : position.sequence();
  }

  /** Events that wait. */
  long size() {
    return events;
  }

  boolean isFull() {
    return events >= MOST_EVENTS || bytes >= MOST_BYTES;
  }

  /** The last sequences of the events that an earlier run has staged, by topic. */
  Map<String, Long> lastOfEach() {
    Map<String, Long> last = new HashMap<>();
    before.forEach((topic, staged) -> last.put(topic, last(staged)));
    return last;
  }

  private static long last(Set<Event> staged) {
    return staged.stream().mapToLong(Event::sequence).max().orElse(0);
  }

  /** Whether an earlier run has staged an event, be it that it was brought on since. */
  boolean has(InFlight record) throws IOException {
    Set<Event> staged = before.get(record.topic());
    if (staged == null) {
      return false;
    }
    if (staged.contains(new Event(record.sequence(), record.eventId()))) {
      if (waiting.containsKey(record.topic())) {
        kept.begin();
        kept.find(() -> origin.event(record));
      }
      return true;
    }
    if (record.sequence() > last(staged)) {
      before.remove(record.topic());
    } else {
      doubtful = true; // a power cut took it, or it is in its topic's outbox
    }
    return false;
  }

  /** Whether an earlier run has staged none such, but later ones of its topic. */
  boolean hadLater(InFlight record) {
    Set<Event> staged = before.get(record.topic());
    return staged != null
        && !staged.contains(new Event(record.sequence(), record.eventId()))
        && record.sequence() < last(staged);
  }

  /**
   * A power cut took what stood before them in the topic's own outbox, so no position covers any of
   * them: all come once more, in order.
   */
  void askAnew(String topic) {
    before.remove(topic);
    doubtful = true;
  }

  void add(InFlight record) throws IOException {
    kept.begin();
    kept.add(() -> origin.event(record));
  }

  /** What stands here already is to stand behind all others. */
  void addAgain(OutboxRecord staged, Source source) throws IOException {
    kept.begin();
    KeptOutbox.Event event = new KeptOutbox.Event(Source.asAppended(staged), source);
    kept.add(() -> event);
  }

  /** Brings to stable storage all that was added. */
  void sync() throws IOException {
    if (!kept.isSynced()) {
      syncAll();
    }
  }

  /** Also what an earlier run has added. */
  private void syncAll() throws IOException {
    kept.begin();
    if (!kept.isNamed()) {
      like.disk().syncDirectory(main.root(), DiskStep.LINK);
    }
    try {
      kept.sync();
    } catch (IOException e) {
      doubtful = true;
      throw e;
    }
  }

  /**
   * Whether a power cut took an event from the main queue after an earlier run had staged it:
   * another one may get its sequence.
   */
  boolean isLost(OutboxRecord staged, Source source) {
    return staged.sequence() <= lastBefore
        && source.isOf(origin.outbox())
        && source.sequence() > leftInMain;
  }

  /** Begins with the first that was not brought on. */
  RecordWalk walk() {
    return RecordWalk.behind(paths, position);
  }

  /** Events of a topic are in its own outbox now, on stable storage. */
  void brought(String topic, List<Bringing.Staged> done) {
    Count had = waiting.get(topic);
    if (had == null) {
      return; // counted as one that was brought before
    }
    long left = had.events() - done.size();
    long size = done.stream().mapToLong(each -> each.event().original().length()).sum();
    Count now =
        left <= 0 ? null : new Count(left, Math.max(0, had.bytes() - size), had.oldestMillis());
    events -= had.events() - (now == null ? 0 : now.events());
    bytes -= had.bytes() - (now == null ? 0 : now.bytes());
    if (now == null) {
      waiting.remove(topic);
    } else {
      waiting.put(topic, now);
    }
  }

  /**
   * What is covered by the position waits behind it.
   *
   * @param covered so many of each topic
   * @param again so many of these were added again
   */
  void passed(Map<String, Long> covered, Map<String, Long> again) {
    covered.forEach(
        (topic, many) -> {
          Count had = waiting.get(topic);
          // Some may be damaged or gone.
          long left = Math.max(again.get(topic), had.events() - many);
          Count now = new Count(left, had.bytes() * left / had.events(), had.oldestMillis());
          events -= had.events() - now.events();
          bytes -= had.bytes() - now.bytes();
          waiting.put(topic, now);
        });
  }

  /** All up to this one is in its topic's own outbox, or behind it, on stable storage. */
  void settle(RecordWalk.Found last) throws IOException {
    syncAll(); // a position must not run ahead of what it covers
    long before = position == null ? 0 : position.settledBytes();
    Position next = last.behind(identity, before, like.clock().millis());
    try (PositionFile file = PositionFile.open(paths.position(), like.disk())) {
      file.save(next);
    }
    position = next;
    try (HeldDirectories held = HeldDirectories.hold(paths)) {
      SettledCycles.delete(options(), held, next.cycle());
    }
  }

  @Override
  public void close() throws IOException {
    kept.letGo();
  }
}
