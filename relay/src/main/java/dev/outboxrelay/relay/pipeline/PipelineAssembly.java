package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.OtherFormatFound;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.cluster.ClusterFile;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.control.ControlDesk;
import dev.outboxrelay.relay.control.Workplace;
import dev.outboxrelay.relay.deadletter.DeadLetters;
import dev.outboxrelay.relay.deadletter.LetterSpace;
import dev.outboxrelay.relay.deliver.Backoff;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.Delivery;
import dev.outboxrelay.relay.deliver.Lease;
import dev.outboxrelay.relay.deliver.Limits;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.fact.Troubles;
import dev.outboxrelay.relay.kafka.KafkaTransport;
import dev.outboxrelay.relay.kafka.OtherSide;
import dev.outboxrelay.relay.kafka.ProducerFactory;
import dev.outboxrelay.relay.kafka.RecordTimes;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.park.ParkedArrivals;
import dev.outboxrelay.relay.park.ParkedOutboxes;
import dev.outboxrelay.relay.settle.Chores;
import dev.outboxrelay.relay.settle.Outcomes;
import dev.outboxrelay.relay.settle.Settler;
import dev.outboxrelay.relay.settle.SettlerThread;
import dev.outboxrelay.relay.tail.Arrivals;
import dev.outboxrelay.relay.tail.Bookmark;
import dev.outboxrelay.relay.tail.Intake;
import dev.outboxrelay.relay.tail.Tail;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/** Builds a pipeline: every part once, in the order of the way that an event takes. */
final class PipelineAssembly {
  /** Kafka's client answers within its request timeout (30 s) or not at all; people wait less. */
  private static final Duration STALL = Duration.ofSeconds(5);

  /** Far beyond what Kafka's client waits for one request. */
  private static final Duration LOST_ORDER = Duration.ofMinutes(2);

  /** A broker answers at once; who does not is asked again when it matters. */
  private static final Duration PEER_PATIENCE = Duration.ofSeconds(1);

  private PipelineAssembly() {}

  /**
   * Takes the lock of an outbox, which is made if there is none.
   *
   * @throws PipelineRefused with the reason and the way out
   */
  static RelayLock lock(RelayConfig config) {
    OutboxPaths paths = new OutboxPaths(config.outboxDir());
    try {
      if (Files.notExists(paths.state(), LinkOption.NOFOLLOW_LINKS)) {
        QueueWriter.open(config.writerOptions()).close();
      }
    } catch (OutboxError e) {
      throw unusable(config, e);
    }
    return RelayLock.take(paths.root());
  }

  /**
   * Opens a pipeline.
   *
   * @param lock of its outbox; it ends with the pipeline, or here if that is refused
   * @param lane what it is a lane of; null if it is none
   * @throws PipelineRefused with the reason and the way out
   */
  static Pipeline open(
      RelayConfig config,
      Supplier<KafkaSettings> kafka,
      RelayLock lock,
      OutboxContext context,
      Clocks clocks,
      Company company,
      LaneOf lane) {
    Resources resources = new Resources();
    resources.add(lock);
    try {
      return open(config, kafka, lock, context, clocks, company, lane, resources);
    } catch (IOException e) {
      resources.close();
      throw unusable(config, Folder.named(e));
    } catch (OutboxError e) {
      resources.close();
      throw unusable(config, e);
    } catch (RuntimeException | Error e) {
      resources.close();
      throw e;
    }
  }

  private static Pipeline open(
      RelayConfig config,
      Supplier<KafkaSettings> kafka,
      RelayLock lock,
      OutboxContext context,
      Clocks clocks,
      Company company,
      LaneOf lane,
      Resources resources)
      throws IOException {
    WriterOptions options = config.writerOptions();
    OutboxPaths named = options.paths();
    // Opening creates what is missing and mends what a crash left.
    QueueWriter.open(options).close();
    HeldDirectories held = resources.add(HeldDirectories.hold(named));
    OutboxPaths paths = held.paths();
    if (!lock.isOf(paths)) {
      throw new IOException(named.root() + " was replaced while it was opened");
    }
    OutboxState state =
        StateFile.read(paths.state())
            .orElseThrow(() -> new IOException(named.state() + " vanished while it was opened"));
    Settled start = StartPoint.find(paths, state);

    StateClock stateClock = new StateClock(clocks);
    OutboxIdentity identity = new OutboxIdentity(state.outboxId(), state.generation());
    long settled = start == null ? 0 : start.sequence();
    Outcomes outcomes = resources.add(Outcomes.open(paths, settled, options.disk()));
    ParkedOutboxes parked =
        lane == null
            ? resources.add(
                ParkedOutboxes.open(paths, identity, settled, options, company.parked()))
            : null;
    Settler settler =
        Settler.open(
            new Settler.Owner(state.outboxId(), state.generation()),
            new Settler.Places(
                parked,
                new DeadLetters(
                    paths,
                    lane == null ? paths : lane.main(),
                    identity,
                    settled,
                    options,
                    clocks.wall(),
                    config.deadLetters().waitsAt()),
                outcomes,
                lane == null ? null : lane.origin(),
                lane == null ? new LetterSpace(paths, clocks.monotonic()) : () -> 0),
            options,
            held,
            new Settler.Pace(config.checkpointInterval(), config.retain()),
            clocks,
            start);
    if (lane == null) {
      Workplace place =
          new Workplace(
              paths,
              identity,
              options,
              () -> savedSequence(settler),
              outcomes,
              parked,
              RelayLock::tryLane,
              config.deadLetters().discardsBeyond());
      settler.alsoDo(report -> desk(place, report, clocks));
    }
    Troubles troubles = new Troubles(clocks.wall());
    FactListener listener =
        FactListener.all(
            stateClock,
            new PipelineLog(clocks),
            new EndMender(settler),
            context.counts(),
            troubles,
            context.listener());
    SettlerThread settlerThread = resources.add(SettlerThread.start(settler));
    Tail tail = resources.add(new Tail(paths, state.outboxId(), listener, clocks.monotonic()));
    Arrivals intake = new Intake(tail, listener);
    if (lane != null) {
      intake = new ParkedArrivals(intake, mainIdentity(lane), lane::isLost);
    }
    intake.rewind(start == null ? Bookmark.START : start.bookmark());
    KafkaTransport transport =
        resources.add(
            new KafkaTransport(
                ProducerFactory.of(company.producerSuffix(state.outboxId())),
                new RecordTimes(config.recordTimestamp(), clocks.wall()),
                config.partitioner(),
                kafka,
                clocks.monotonic(),
                context.producers(),
                new OtherSide(config.clusterId(), PEER_PATIENCE)));
    ParkedLanes lanes =
        parked == null
            ? null
            : resources.add(
                new ParkedLanes(
                    parked,
                    new LaneOpener(
                        config,
                        kafka,
                        context,
                        clocks,
                        company,
                        paths,
                        outcomes,
                        parked,
                        () -> savedSequence(settler)),
                    config.parkAfter().isPresent(),
                    company.lanes(),
                    clocks.monotonic()));
    String copiesGoTo = lane == null ? config.deadLetters().topic().orElse(null) : null;
    LetterCopies copies =
        copiesGoTo == null
            ? null
            : resources.add(
                LetterCopies.start(
                    copiesGoTo, config, kafka, paths, state.outboxId(), company, clocks));
    if (lane == null && copies == null) {
      LetterCopies.off(paths, options.disk());
    }
    Delivery delivery =
        new Delivery(
            intake,
            lanes == null
                ? new Routes(transport)
                : new Routes(
                    transport,
                    lanes,
                    config.parkAfter().orElse(Duration.ZERO).toNanos(),
                    clocks.nanos()),
            transport,
            settler,
            listener,
            limits(config, resources.add(company.lease()), lane),
            new SplittableRandom(),
            clocks,
            start,
            new ClusterFile(paths.root()).read().orElse(null));
    StatusBoard board =
        new StatusBoard(
            named,
            state,
            context.counts(),
            troubles,
            context.sync()::unsynced,
            parked == null ? () -> Held.NOTHING : parked::held,
            copies == null ? OptionalLong::empty : copies::left,
            firstNote(delivery, start, clocks));
    board.look(start, null, clocks.nanos());
    return new Pipeline(
        lock,
        listener,
        clocks,
        delivery,
        lanes,
        copies,
        settler,
        settlerThread,
        context.sync(),
        board,
        stateClock,
        config.stopDeadline(),
        config.drainOnStop(),
        resources);
  }

  private static PipelineRefused unusable(RelayConfig config, Exception e) {
    if (OtherFormatFound.labelOf(e) != null) {
      return new PipelineRefused.OtherFormat(config.outboxDir() + ": " + e.getMessage(), e);
    }
    return new PipelineRefused.Unusable(config.outboxDir() + ": " + e.getMessage(), e);
  }

  /** Has the missing end of a cycle mended. */
  private record EndMender(Settler settler) implements FactListener {
    @Override
    public void tell(Fact fact) {
      if (fact instanceof Fact.EndMissing missing) {
        settler.seal(missing.cycle());
      }
    }
  }

  private static ControlDesk desk(Workplace place, Chores.Report report, Clocks clocks) {
    ControlDesk desk = new ControlDesk(place, report, clocks.nanos());
    desk.begin();
    return desk;
  }

  private static OutboxIdentity mainIdentity(LaneOf lane) throws IOException {
    return OutboxIdentity.find(lane.main())
        .orElseThrow(() -> new IOException(lane.main().root() + " tells no identity"));
  }

  private static long savedSequence(Settler settler) {
    return settler.saved() == null ? 0 : settler.saved().sequence();
  }

  private static Limits limits(RelayConfig config, Lease lease, LaneOf lane) {
    return new Limits(
        config.window().maxRecords(),
        config.window().maxBytes(),
        lease,
        new Backoff(config.backoff().min(), config.backoff().max()),
        STALL,
        LOST_ORDER,
        config.refusalsInARow(),
        lane != null && lane.wasRefused() ? config.refusalsInARow() : 0);
  }

  private static StatusBoard.Note firstNote(Delivery delivery, Settled start, Clocks clocks) {
    return new StatusBoard.Note(
        delivery.standing(), clocks.millis(), clocks.nanos(), start, 0, 0, OptionalLong.empty());
  }
}
