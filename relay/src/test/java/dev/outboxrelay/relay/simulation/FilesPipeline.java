package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.cluster.ClusterFile;
import dev.outboxrelay.relay.control.ControlDesk;
import dev.outboxrelay.relay.control.Workplace;
import dev.outboxrelay.relay.deadletter.DeadLetters;
import dev.outboxrelay.relay.deadletter.LetterSpace;
import dev.outboxrelay.relay.deliver.Backoff;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.Delivery;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.Lease;
import dev.outboxrelay.relay.deliver.Limits;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Troubles;
import dev.outboxrelay.relay.park.ParkedArrivals;
import dev.outboxrelay.relay.park.ParkedOutboxes;
import dev.outboxrelay.relay.pipeline.LaneUnderTest;
import dev.outboxrelay.relay.pipeline.LanesUnderTest;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineRefused;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.RelayLock;
import dev.outboxrelay.relay.pipeline.Service;
import dev.outboxrelay.relay.pipeline.Statuses;
import dev.outboxrelay.relay.settle.Outcomes;
import dev.outboxrelay.relay.settle.Settler;
import dev.outboxrelay.relay.settle.SettlerUnderTest;
import dev.outboxrelay.relay.tail.Arrivals;
import dev.outboxrelay.relay.tail.Bookmark;
import dev.outboxrelay.relay.tail.Intake;
import dev.outboxrelay.relay.tail.Tail;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;

/**
 * A pipeline, or a lane, on real files: put together as the relay does it, but Kafka is simulated,
 * and a test takes the turns of all its threads.
 */
final class FilesPipeline implements Service, Closeable {
  private static final Duration SAVE_EVERY = Duration.ofMillis(500);
  private static final Duration STOP_WITHIN = Duration.ofSeconds(5);
  private static final Duration PARK_AFTER = Duration.ofSeconds(5);
  private static final int WINDOW = 8;

  private final OutboxPaths named;
  private final World world;
  private final Clocks clocks;
  private final Deque<AutoCloseable> resources = new ArrayDeque<>();
  private final List<FilesPipeline> lanes = new ArrayList<>();
  private final Troubles troubles;
  private final FactListener listener;
  private LanesUnderTest ofMain; // null for a lane
  private ParkedOutboxes parked; // null for a lane
  private Outcomes outcomes;
  private SimulatedClient client;
  private Settler settler;
  private Delivery delivery;
  private boolean stopping;
  private long deadline;
  private Stage stage;

  private FilesPipeline(World world, OutboxPaths named) {
    this.world = world;
    this.named = named;
    this.clocks = world.clocks;
    this.troubles = new Troubles(clocks.wall());
    this.listener = FactListener.all(troubles, fact -> world.told(named, fact));
  }

  /** Opens an outbox. */
  static FilesPipeline open(World world) throws IOException {
    return open(world, world.paths, null);
  }

  private static FilesPipeline open(World world, OutboxPaths named, LaneUnderTest lane)
      throws IOException {
    FilesPipeline opened = new FilesPipeline(world, named);
    boolean done = false;
    try {
      opened.build(lane);
      done = true;
      return opened;
    } finally {
      if (!done) {
        opened.close();
      }
    }
  }

  private <T extends AutoCloseable> T add(T resource) {
    resources.push(resource);
    return resource;
  }

  private void build(LaneUnderTest lane) throws IOException {
    RelayLock lock = add(RelayLock.take(named.root()));
    assert lock != null;
    WriterOptions options = world.options(named, world.disk.relay());
    QueueWriter.open(options).close();
    HeldDirectories held = add(HeldDirectories.hold(named));
    OutboxPaths paths = held.paths();
    OutboxState state = StateFile.read(paths.state()).orElseThrow();
    Settled start = LaneUnderTest.start(paths, state);
    OutboxIdentity identity = new OutboxIdentity(state.outboxId(), state.generation());
    long settled = start == null ? 0 : start.sequence();
    outcomes = add(Outcomes.open(paths, settled, options.disk()));
    parked =
        lane == null
            ? add(ParkedOutboxes.open(paths, identity, settled, options, world.slots))
            : null;
    settler = settler(lane, options, held, identity, start);
    if (lane == null) {
      Workplace place =
          new Workplace(
              paths,
              identity,
              options,
              this::savedSequence,
              outcomes,
              parked,
              LaneUnderTest::tryLock,
              OptionalLong.empty());
      settler.alsoDo(
          report -> {
            ControlDesk desk = new ControlDesk(place, report, clocks.nanos());
            desk.begin();
            return desk;
          });
    }
    add(new SettlerUnderTest(settler));
    Tail tail = add(new Tail(paths, state.outboxId(), listener, clocks.monotonic()));
    Arrivals intake = new Intake(tail, listener);
    if (lane != null) {
      intake =
          new ParkedArrivals(intake, OutboxIdentity.find(lane.main()).orElseThrow(), lane::isLost);
    }
    intake.rewind(start == null ? Bookmark.START : start.bookmark());
    client = new SimulatedClient(world.brokers, world.random);
    add(client);
    delivery =
        new Delivery(
            intake,
            routes(paths),
            client,
            settler,
            listener,
            limits(lane),
            new SplittableRandom(world.random.nextLong()),
            clocks,
            start,
            new ClusterFile(paths.root()).read().orElse(null));
    stage = new Stage.Open(this::status);
  }

  private Settler settler(
      LaneUnderTest lane,
      WriterOptions options,
      HeldDirectories held,
      OutboxIdentity identity,
      Settled start)
      throws IOException {
    OutboxPaths paths = held.paths();
    return Settler.open(
        new Settler.Owner(identity.outbox(), identity.generation()),
        new Settler.Places(
            parked,
            new DeadLetters(
                paths,
                lane == null ? paths : lane.main(),
                identity,
                start == null ? 0 : start.sequence(),
                options,
                clocks.wall(),
                OptionalLong.empty()),
            outcomes,
            lane == null ? null : lane.origin(),
            lane == null ? new LetterSpace(paths, clocks.monotonic()) : () -> 0),
        options,
        held,
        new Settler.Pace(SAVE_EVERY, Duration.ZERO),
        clocks,
        start);
  }

  private Routes routes(OutboxPaths paths) {
    if (parked == null) {
      return new Routes(client);
    }
    ofMain =
        new LanesUnderTest(parked, (topic, bar) -> lane(topic, bar, paths), clocks.monotonic());
    return new Routes(client, ofMain.lanes(), PARK_AFTER.toNanos(), clocks.nanos());
  }

  private FilesPipeline lane(String topic, Trouble bar, OutboxPaths paths) {
    LaneUnderTest of =
        new LaneUnderTest(
            topic, paths, outcomes, parked, this::savedSequence, bar, clocks.monotonic());
    OutboxPaths dir = named.parked(topic);
    try {
      FilesPipeline lane = open(world, dir, of);
      lanes.add(lane);
      return lane;
    } catch (IOException | OutboxError e) {
      throw new PipelineRefused.Unusable(dir.root() + ": " + e.getMessage(), e);
    }
  }

  private Limits limits(LaneUnderTest lane) {
    return new Limits(
        WINDOW,
        1 << 20,
        Lease.WHOLE,
        new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5)),
        Duration.ofSeconds(5),
        Duration.ofMinutes(2),
        world.refusals,
        lane != null && lane.wasRefused() ? world.refusals : 0);
  }

  private PipelineStatus status() {
    Settled settled = delivery.ledger().settled();
    return Statuses.at(
        named.root(), settled == null ? 0 : settled.sequence(), savedSequence(), troubles.now());
  }

  long savedSequence() {
    return settler.saved() == null ? 0 : settler.saved().sequence();
  }

  SimulatedClient client() {
    return client;
  }

  Troubles troubles() {
    return troubles;
  }

  /** Those that run. */
  List<FilesPipeline> lanes() {
    lanes.removeIf(lane -> lane.stage instanceof Stage.Ended);
    return List.copyOf(lanes);
  }

  /** Whether nothing of it, or of its lanes, is left to be saved. */
  boolean isUpToDate() {
    return settler.isUpToDate() && lanes().stream().allMatch(FilesPipeline::isUpToDate);
  }

  boolean hasStaged() {
    return parked.hasStaged();
  }

  /** A turn of its delivery. */
  void deliver() {
    if (stage instanceof Stage.Ended) {
      return;
    }
    long now = clocks.nanos();
    if (stopping) {
      delivery.drain(deadline);
    }
    delivery.doWork();
    for (Fact fact = settler.poll(); fact != null; fact = settler.poll()) {
      listener.tell(fact);
      if (fact instanceof Fact.EndMissing missing) {
        settler.seal(missing.cycle());
      }
    }
    if (delivery.state() instanceof DeliveryState.Stopped) {
      settler.hurry();
      if (settler.isUpToDate() || now - deadline >= 0) {
        stage = new Stage.Ended(new PipelineEnd.Stopped(0, settler.isUpToDate()), status());
        close();
      }
    }
  }

  /** A turn of its settler. */
  void settle() {
    if (!(stage instanceof Stage.Ended)) {
      settler.doWork();
    }
  }

  @Override
  public Stage stage() {
    return stage;
  }

  @Override
  public void stop() {
    if (!stopping) {
      stopping = true;
      deadline = clocks.nanos() + STOP_WITHIN.toNanos();
    }
  }

  @Override
  public void giveUp() {
    stopping = true;
    deadline = clocks.nanos();
  }

  /** As its process' end does, if that was killed: nothing more is written. */
  @Override
  public void close() {
    for (FilesPipeline lane : lanes) {
      lane.close();
    }
    while (!resources.isEmpty()) {
      try {
        resources.pop().close();
      } catch (Exception | LosingDisk.Killed e) {
        world.notClosed(e);
      }
    }
  }
}
