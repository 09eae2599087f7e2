package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.HeldSum;
import dev.outboxrelay.relay.settle.Originals;
import dev.outboxrelay.relay.settle.ParkedStore;
import dev.outboxrelay.relay.settle.ParkedTopic;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The parked events of an outbox, in an outbox of its own for each topic: {@code parked/<topic>/}.
 * A parked record is the original with one more header, which tells its {@link
 * dev.outboxrelay.relay.tail.Source}.
 */
public final class ParkedOutboxes implements ParkedStore {
  private static final Logger LOG = LoggerFactory.getLogger(ParkedOutboxes.class);

  /** What is not safe yet is kept in mind, some 200 bytes of each event. */
  static final int MOST_UNSYNCED = 16_384;

  /** For each of these all that is staged is read, and positions wait. */
  private static final int MOST_HURRIED = 4;

  private final ParkedOutbox.Origin origin;
  private final ParkedDirectory directory;
  private final WriterOptions like;
  private final Map<String, ParkedOutbox> outboxes = new ConcurrentHashMap<>();

  private final OpenOutboxes open;
  private final Staging staging;
  private final Bringing bringing;
  private final Obstacles obstacles = new Obstacles();

  /** The last event that an earlier run has left in the main queue. */
  private final long leftInMain;

  private final Unsynced unsynced;
  private final Rescue rescue;
  private int unsyncedEvents; // added since all were synced
  private final Set<String> hurried = ConcurrentHashMap.newKeySet();
  private final LaneOrders lanes = new LaneOrders();
  private volatile Held held = Held.NOTHING;

  private ParkedOutboxes(
      ParkedOutbox.Origin origin,
      ParkedDirectory directory,
      Staging staging,
      OpenSlots slots,
      WriterOptions like,
      long leftInMain) {
    this.origin = origin;
    this.leftInMain = leftInMain;
    this.directory = directory;
    this.staging = staging;
    this.bringing = new Bringing(staging, obstacles, this::bring);
    this.open = new OpenOutboxes(slots, like.clock());
    this.unsynced = new Unsynced(directory, open);
    this.rescue = new Rescue(unsynced, staging, obstacles);
    this.like = like;
  }

  /**
   * Looks at what is parked.
   *
   * @param paths of the outbox whose events they are
   * @param outbox which that is
   * @param settled its position: what is at or below it never comes again
   * @param like the options of the outbox itself
   * @param slots of the process, for outboxes that are open
   */
  public static ParkedOutboxes open(
      OutboxPaths paths, OutboxIdentity outbox, long settled, WriterOptions like, OpenSlots slots)
      throws IOException {
    ParkedOutbox.Origin origin =
        new ParkedOutbox.Origin(outbox, settled, new Originals(paths, outbox.outbox()));
    ParkedDirectory directory = ParkedDirectory.open(paths, like.disk());
    try {
      long leftInMain = leftIn(paths, outbox, settled);
      Staging staging = Staging.open(paths, origin, like, leftInMain);
      ParkedOutboxes opened =
          new ParkedOutboxes(origin, directory, staging, slots, like, leftInMain);
      opened.find();
      opened.staging.waiting().keySet().forEach(opened::outbox);
      opened.staging.lastOfEach().forEach((topic, last) -> opened.outbox(topic).wasStaged(last));
      opened.count();
      opened
          .topics()
          .forEach(
              (topic, found) -> {
                if (!found.isEmpty() && !found.keepsOrder()) {
                  opened.lanes.tellReplayed(topic);
                }
              });
      return opened;
    } catch (IOException | RuntimeException | Error e) {
      directory.close();
      throw e;
    }
  }

  /**
   * The last sequence of the main queue; where it can't be read, as if it had all there ever was.
   */
  private static long leftIn(OutboxPaths main, OutboxIdentity outbox, long settled)
      throws IOException {
    OutboxRecord last = new ParkedBefore(main, outbox).lastOfAll();
    return last == null ? Long.MAX_VALUE : Math.max(settled, last.sequence());
  }

  private void find() throws IOException {
    Map<String, String> unknown = new LinkedHashMap<>();
    for (String topic : directory.topics()) {
      ParkedOutbox outbox = outbox(topic);
      try {
        outbox.find();
      } catch (IOException | OutboxError e) {
        unknown.put(topic, Obstacles.text(e));
      }
    }
    if (!unknown.isEmpty()) {
      Map.Entry<String, String> first = unknown.entrySet().iterator().next();
      LOG.atWarn()
          .addKeyValue("topics", unknown.size())
          .addKeyValue("topic", first.getKey())
          .addKeyValue("error", first.getValue())
          .log("parked topics can't be read, and count as such that hold events");
    }
  }

  private ParkedOutbox outbox(String topic) {
    return outboxes.computeIfAbsent(topic, name -> new ParkedOutbox(name, origin, directory, like));
  }

  @Override
  public boolean add(InFlight record) throws IOException {
    RecordLimits.checkTopicName(record.topic());
    ParkedOutbox outbox = outbox(record.topic());
    if (unsyncedEvents >= MOST_UNSYNCED) {
      sync();
    }
    if (outbox.isAsked(record)) {
      return false;
    }
    boolean isNew = isStaged(record.topic()) ? stage(outbox, record) : addOrStage(outbox, record);
    unsyncedEvents++;
    return isNew;
  }

  /** What keeps an event from its topic's outbox must not hold up those of others behind it. */
  private boolean addOrStage(ParkedOutbox outbox, InFlight record) throws IOException {
    Exception obstacle = null;
    try {
      if (open.use(outbox)) {
        return add(outbox, record);
      }
    } catch (InvalidEvent | EventTooLarge e) {
      throw e; // it can never be parked
    } catch (IOException | OutboxError e) {
      obstacle = e;
    }
    if (obstacle == null) {
      return stage(outbox, record);
    }
    try {
      if (Obstacles.isNoDescriptor(obstacle)) {
        open.close(); // now there are some
      }
      boolean isNew = stage(outbox, record);
      if (!Obstacles.isNoDescriptor(obstacle)) {
        obstacles.found(record.topic(), obstacle);
      }
      return isNew;
    } catch (InvalidEvent | EventTooLarge e) {
      throw e;
    } catch (IOException | OutboxError e) {
      throw neither(record.topic(), obstacle, e);
    }
  }

  private static IOException neither(String topic, Exception obstacle, Exception staging) {
    IOException failed =
        new IOException(
            "an event of topic "
                + topic
                + " can be added neither to its own outbox: "
                + Obstacles.text(obstacle)
                + " nor to staged/: "
                + Obstacles.text(staging),
            staging);
    failed.addSuppressed(obstacle);
    return failed;
  }

  private boolean add(ParkedOutbox outbox, InFlight record) throws IOException {
    if (staging.has(record)) {
      outbox.staged(record);
      return false;
    }
    boolean isBefore = staging.hadLater(record);
    if (isBefore) {
      outbox.lookForLater(record);
    }
    boolean isNew = outbox.add(record);
    unsynced.add(outbox);
    if (isBefore && isNew) {
      staging.askAnew(record.topic());
    }
    return isNew;
  }

  private boolean stage(ParkedOutbox outbox, InFlight record) throws IOException {
    boolean isNew = !has(outbox, record) && !staging.has(record);
    if (isNew) {
      makeRoom();
      addStaged(outbox, record);
    }
    outbox.staged(record);
    return isNew;
  }

  private void addStaged(ParkedOutbox outbox, InFlight record) throws IOException {
    try {
      rescue.stage(outbox); // what may turn out to be unsafe there must not come behind it
      rescue.stage(record);
    } catch (IOException e) {
      if (Obstacles.isNoDescriptor(e)) {
        open.close(); // the next attempt has some
      }
      throw Folder.named(e);
    }
  }

  private boolean has(ParkedOutbox outbox, InFlight record) {
    try {
      boolean isHere = outbox.has(record);
      if (isHere) {
        unsynced.add(outbox);
      }
      return isHere;
    } catch (IOException | OutboxError e) {
      return false; // it is looked for again when the event is brought there
    }
  }

  /** What can't be brought must not hold up what has to be staged: that is bounded by the cap. */
  private void makeRoom() {
    try {
      while (staging.isFull() && !bringing.isFailing()) {
        bringing.next();
      }
    } catch (IOException | OutboxError e) {
      // Whoever brings it tells.
    }
  }

  @Override
  public int bring() throws IOException {
    Exception failure = null;
    int hurriedNow = 0;
    for (Iterator<String> each = hurried.iterator();
        each.hasNext() && hurriedNow < MOST_HURRIED;
        hurriedNow++) {
      String topic = each.next();
      each.remove();
      if (bringing.hasFailed(topic)) {
        continue; // it has its turns
      }
      try {
        bringing.all(topic);
      } catch (IOException | OutboxError e) {
        failure = Obstacles.named(topic, 0, e); // the others are brought all the same
      }
    }
    try {
      int brought = bringing.next();
      if (bringing.isBetween()) {
        count();
      }
      if (failure == null) {
        return brought;
      }
    } catch (IOException | OutboxError e) {
      failure = e;
    }
    if (failure instanceof OutboxError error) {
      throw error;
    }
    if (Obstacles.isNoDescriptor(failure)) {
      open.close();
    }
    throw Folder.named((IOException) failure);
  }

  private void bring(String topic, List<Bringing.Staged> events) throws IOException {
    ParkedOutbox outbox = outbox(topic);
    open.keep(outbox);
    if (staging.isDoubtful() || outbox.mayHave(events)) {
      outbox.lookAgain();
    }
    try {
      for (Bringing.Staged staged : events) {
        outbox.bring(staged);
        unsynced.add(outbox);
      }
      unsynced.syncBrought(outbox);
    } catch (IOException | OutboxError e) {
      outbox.forgetBrought();
      if (outbox.isSynced()) {
        unsynced.remove(outbox);
      }
      throw e;
    } finally {
      if (!open.contains(outbox)) {
        outbox.letGo();
      }
    }
  }

  /** Has nothing of a topic anywhere but in its own outbox; for the settling thread. */
  public void bringAll(String topic) throws IOException {
    bringing.all(topic);
    if (isStaged(topic)) {
      throw new IOException(
          "events of topic " + topic + " in staged/ can't be read: verify tells more");
    }
  }

  @Override
  public boolean isBringingFailing() {
    return bringing.isFailing();
  }

  @Override
  public boolean hasStaged() {
    return !staging.isEmpty();
  }

  @Override
  public boolean isStaged(String topic) {
    return staging.of(topic) != null;
  }

  @Override
  public void hurry(String topic) {
    hurried.add(topic);
  }

  /**
   * Adds an event that was given up before to those of a topic, behind all that is there; durable
   * with the next {@link #syncOf}. To have it there once is up to the caller. For the settling
   * thread.
   *
   * @param topic its own, or another one
   * @param source of which event it is
   * @throws dev.outboxrelay.client.InvalidEvent if it can never be parked
   * @throws dev.outboxrelay.client.EventTooLarge if it can never be parked
   */
  public void replay(String topic, OutboxRecord original, Source source) throws IOException {
    RecordLimits.checkTopicName(topic);
    ParkedOutbox outbox = outbox(topic);
    open.make(outbox);
    try {
      outbox.replay(original, source);
      unsynced.add(outbox);
    } catch (IOException e) {
      throw Folder.named(e);
    }
  }

  /**
   * Of these dead letters, those that a topic holds to be sent once more. Whoever has put them
   * there may not have synced them: the next {@link #syncOf} does.
   */
  public Set<Source> replays(String topic, Predicate<Source.Letter> letters) throws IOException {
    ParkedOutbox outbox = outbox(topic);
    Set<Source> found = outbox.replays(letters);
    if (!found.isEmpty()) {
      unsynced.add(outbox);
    }
    return found;
  }

  /** Brings one topic to stable storage; for the settling thread. */
  public void syncOf(String topic) throws IOException {
    ParkedOutbox outbox = outbox(topic);
    if (!unsynced.contains(outbox)) {
      return;
    }
    try {
      unsynced.sync(outbox);
    } finally {
      count();
    }
  }

  /** What lanes are told. */
  public LaneOrders lanes() {
    return lanes;
  }

  @Override
  public String pollReplayed() {
    return lanes.pollReplayed();
  }

  @Override
  public String pollRetry() {
    return lanes.pollRetry();
  }

  @Override
  public String pollDiscarded() {
    return lanes.pollDiscarded();
  }

  @Override
  public boolean isDiscarded(String topic) {
    return lanes.isDiscarded(topic);
  }

  @Override
  public boolean holdsLane(String topic) {
    return lanes.holds(topic);
  }

  /** Mends what a failed write has left of a topic's outbox; for the settling thread. */
  public void mend(String topic) throws IOException {
    outbox(topic).mend();
  }

  /** Where a topic's events are. */
  public OutboxPaths paths(String topic) {
    return outbox(topic).paths();
  }

  /** By which they are changed. */
  public WriterOptions options(String topic) {
    return outbox(topic).options();
  }

  @Override
  public void sync() throws IOException {
    if (unsyncedEvents == 0 && unsynced.isEmpty()) {
      return;
    }
    origin.originals().letGo();
    try {
      rescue.syncAll();
    } catch (IOException e) {
      if (Obstacles.isNoDescriptor(e)) {
        open.close(); // the next attempt has some
      }
      throw e;
    } finally {
      count();
    }
    unsyncedEvents = 0;
  }

  @Override
  public void settled(String topic) {
    ParkedOutbox outbox = outboxes.get(topic);
    if (outbox != null) {
      outbox.holding().look(outbox.paths());
      count();
    }
  }

  @Override
  public boolean repeatLast(String topic) throws IOException {
    boolean isRepeated = outbox(topic).repeatLast();
    settled(topic);
    return isRepeated;
  }

  @Override
  public Held held() {
    return held;
  }

  /**
   * Not at each question: there may be thousands of topics. Lanes settle side by side, and who
   * counts last has to have seen all of it.
   */
  private synchronized void count() {
    HeldSum sum = new HeldSum();
    for (ParkedOutbox each : outboxes.values()) {
      ParkedTopic topic = topic(each.topic());
      sum.add(
          new Held.Topic(each.topic(), topic.heldEvents(), topic.heldBytes()), oldestMillis(each));
    }
    held = sum.sum();
  }

  private OptionalLong oldestMillis(ParkedOutbox outbox) {
    OptionalLong own = outbox.holding().oldestMillis();
    Staging.Count staged = staging.of(outbox.topic());
    return own.isPresent() || staged == null ? own : OptionalLong.of(staged.oldestMillis());
  }

  @Override
  public ParkedTopic topic(String topic) {
    // In this order, as what was brought is counted there before it is not here any more.
    Staging.Count staged = staging.of(topic);
    ParkedTopic own = own(topic);
    return staged == null ? own : own.plus(staged.events(), staged.bytes());
  }

  /** Without what is staged. */
  private ParkedTopic own(String topic) {
    ParkedOutbox outbox = outboxes.get(topic);
    return outbox == null ? ParkedTopic.EMPTY : outbox.holding().topic();
  }

  @Override
  public long lastParked(String topic) {
    ParkedOutbox outbox = outboxes.get(topic);
    return outbox == null ? 0 : outbox.lastParked();
  }

  @Override
  public boolean isLost(String topic, long sequence, long original) {
    ParkedOutbox outbox = outboxes.get(topic);
    return original > leftInMain && outbox != null && sequence <= outbox.left();
  }

  @Override
  public Map<String, ParkedTopic> topics() {
    Map<String, ParkedTopic> topics = new HashMap<>();
    outboxes.keySet().forEach(topic -> topics.put(topic, topic(topic)));
    return topics;
  }

  @Override
  public void close() throws IOException {
    try (directory;
        staging;
        open;
        unsynced) {
      origin.originals().letGo();
    }
  }
}
