package dev.outboxrelay.relay.simulation;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.ManualClocks;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.park.OpenSlots;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;

/** What relays on real files have in common: a directory, time, and a cluster. */
final class World {
  private static final boolean TRACE = Boolean.getBoolean("simulation.trace");

  final OutboxPaths paths;
  final LosingDisk disk;
  final ManualClocks time = new ManualClocks();

  /** Cycles are named by hours. Before all times of files, which are real. */
  final Clocks clocks =
      new Clocks(
          time.clocks().monotonic(),
          () -> time.clocks().wall().instant().plus(Duration.ofDays(10_000)));

  final SimulatedBrokers brokers = new SimulatedBrokers();
  final Random random;

  /** So many in a row bar a topic. */
  int refusals;

  /**
   * Whether the disk may tell of an error: what it may not have taken is parked again, in order.
   */
  boolean errs;

  /** What the outbox may hold. */
  long maxBytes = Long.MAX_VALUE;

  /**
   * For outboxes of parked topics; without any but one at a time is open, and others' are staged.
   */
  OpenSlots slots = new OpenSlots(32);

  World(Path root, long seed) throws IOException {
    paths = new OutboxPaths(root);
    disk = new LosingDisk(root);
    random = new Random(seed);
  }

  WriterOptions options(OutboxPaths of, Disk through) {
    return WriterOptions.of(of)
        .withTrustParent(true)
        .withMaxBytes(of.equals(paths) ? maxBytes : Long.MAX_VALUE)
        .withDisk(through)
        .withClock(clocks.wall())
        .withRandom(random);
  }

  void told(OutboxPaths whom, Fact fact) {
    Simulation.REACHED.merge("files " + fact.getClass().getSimpleName(), 1, Integer::sum);
    trace(whom.root().getFileName() + " " + fact);
  }

  void notClosed(Throwable e) {
    trace("not closed: " + e);
  }

  void trace(String what) {
    if (TRACE) {
      System.out.println(what);
    }
  }
}
