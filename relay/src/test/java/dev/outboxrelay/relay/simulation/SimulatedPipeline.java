package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.relay.deliver.Backoff;
import dev.outboxrelay.relay.deliver.Delivery;
import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.Lease;
import dev.outboxrelay.relay.deliver.Limits;
import dev.outboxrelay.relay.deliver.ManualClocks;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Troubles;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.Service;
import dev.outboxrelay.relay.pipeline.Statuses;
import dev.outboxrelay.relay.settle.DeadLetterStore;
import dev.outboxrelay.relay.settle.Origin;
import dev.outboxrelay.relay.settle.ParkedStore;
import dev.outboxrelay.relay.settle.Settler;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Arrivals;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Delivery and its settler, as a pipeline puts them together; a test takes the turns of both. */
final class SimulatedPipeline implements Service {
  static final UUID OUTBOX = new UUID(0, 1);

  private static final Duration SAVE_EVERY = Duration.ofMillis(500);
  private static final Duration STOP_WITHIN = Duration.ofSeconds(5);

  private final SimulatedDisk disk;
  private final String name;
  private final ManualClocks time;
  private final SimulatedClient client;
  private final Settler settler;
  private final Delivery delivery;
  private final Troubles troubles;
  private final FactListener listener;
  private boolean stopping;
  private long deadline;
  private Stage stage;

  /** What differs between the main queue's pipeline and a lane. */
  record Kind(
      String name,
      ParkedStore parked,
      Origin origin,
      UnaryOperator<Arrivals> arrivals,
      Function<SimulatedClient, Routes> routes,
      FactListener listener,
      int window,
      int refusals,
      int refusedBefore) {}

  SimulatedPipeline(
      Kind kind, SimulatedDisk disk, SimulatedBrokers brokers, ManualClocks time, Random random) {
    this.disk = disk;
    this.name = kind.name();
    this.time = time;
    this.client = new SimulatedClient(brokers, random);
    this.troubles = new Troubles(time.clocks().wall());
    this.listener = FactListener.all(troubles, kind.listener());
    Position position = disk.positions.get(name);
    Settled start = disk.start(name);
    this.settler =
        disk.files(name)
            .settler(
                OUTBOX,
                kind.parked(),
                new DeadLetters(start == null ? 0 : start.sequence()),
                kind.origin(),
                SAVE_EVERY,
                time.clocks(),
                position == null ? 0 : position.heldBytes(),
                start);
    this.delivery =
        new Delivery(
            kind.arrivals().apply(disk.of(name).reader(start)),
            kind.routes().apply(client),
            client,
            settler,
            listener,
            new Limits(
                kind.window(),
                1 << 20,
                Lease.WHOLE,
                new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5)),
                Duration.ofSeconds(5),
                Duration.ofMinutes(2),
                kind.refusals(),
                kind.refusedBefore()),
            new SplittableRandom(random.nextLong()),
            time.clocks(),
            start,
            disk.cluster);
    this.stage = new Stage.Open(this::status);
  }

  /** Those of the disk, of which this relay knows what comes again after a crash. */
  private final class DeadLetters implements DeadLetterStore {
    private final Set<UUID> known = new HashSet<>();
    private final Set<UUID> before;

    private DeadLetters(long settled) {
      disk.of(name).all().stream()
          .filter(each -> SimulatedQueue.sequenceOf(each) > settled)
          .filter(each -> each instanceof Arrival.Event)
          .map(each -> ((Arrival.Event) each).record().eventId())
          .filter(
              id -> {
                List<String> by =
                    disk.deadLetters.getOrDefault(id.getLeastSignificantBits(), List.of());
                // Of the main queue's, those that lanes gave up are known, too.
                return name.equals(SimulatedDisk.MAIN) ? !by.isEmpty() : by.contains(name);
              })
          .forEach(known::add);
      before = Set.copyOf(known);
    }

    @Override
    public DeadLetterReason diedBefore(long sequence, UUID eventId) {
      return before.contains(eventId) ? DeadLetterReason.INVALID_RECORD : null;
    }

    @Override
    public boolean add(InFlight record, Verdict.DeadLetter verdict) throws IOException {
      if (!known.add(record.eventId())) {
        return false;
      }
      try {
        disk.deadLetter(record, name);
      } catch (IOException e) {
        known.remove(record.eventId());
        throw e;
      }
      return true;
    }

    @Override
    public void settled(long sequence) {}

    @Override
    public void close() {}
  }

  private PipelineStatus status() {
    Settled settled = delivery.ledger().settled();
    Settled saved = settler.saved();
    return Statuses.at(
        Path.of("/simulated"),
        settled == null ? 0 : settled.sequence(),
        saved == null ? 0 : saved.sequence(),
        troubles.now());
  }

  SimulatedClient client() {
    return client;
  }

  Delivery delivery() {
    return delivery;
  }

  Settler settler() {
    return settler;
  }

  Troubles troubles() {
    return troubles;
  }

  long savedSequence() {
    return settler.saved() == null ? 0 : settler.saved().sequence();
  }

  /** A turn of its delivery. */
  void deliver() {
    if (stage instanceof Stage.Ended) {
      return;
    }
    long now = time.clocks().nanos();
    if (stopping) {
      delivery.drain(deadline);
    }
    delivery.doWork();
    for (Fact fact = settler.poll(); fact != null; fact = settler.poll()) {
      listener.tell(fact);
    }
    if (delivery.state() instanceof DeliveryState.Stopped) {
      settler.hurry();
      if (settler.isUpToDate() || now - deadline >= 0) {
        stage = new Stage.Ended(new PipelineEnd.Stopped(0, settler.isUpToDate()), status());
        client.close();
      }
    }
  }

  @Override
  public void giveUp() {
    stopping = true;
    deadline = time.clocks().nanos();
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
      deadline = time.clocks().nanos() + STOP_WITHIN.toNanos();
    }
  }
}
