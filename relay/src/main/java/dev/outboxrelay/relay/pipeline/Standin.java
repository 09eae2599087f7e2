package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxState;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.control.ControlDesk;
import dev.outboxrelay.relay.control.Workplace;
import dev.outboxrelay.relay.deadletter.LetterSpace;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.fact.Fact;
import dev.outboxrelay.relay.park.ParkedOutboxes;
import dev.outboxrelay.relay.settle.Chores;
import dev.outboxrelay.relay.settle.Outcomes;
import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Applies requests in the relay's place while none runs: it holds its lock meanwhile, and delivers
 * nothing. For one thread.
 */
public final class Standin implements Closeable {
  private final Resources resources;
  private final OutboxPaths paths;
  private final WriterOptions options;
  private final OutboxIdentity identity;
  private final ParkedOutboxes parked;
  private final ControlDesk desk;
  private Exception failure;

  private Standin(RelayConfig config, Resources resources) throws IOException {
    this.resources = resources;
    this.options = config.writerOptions();
    RelayLock lock = resources.add(RelayLock.take(config.outboxDir()));
    HeldDirectories held = resources.add(HeldDirectories.hold(options.paths()));
    this.paths = held.paths();
    if (!lock.isOf(paths)) {
      throw new IOException(config.outboxDir() + " was replaced while it was opened");
    }
    this.identity =
        OutboxIdentity.find(paths)
            .orElseThrow(() -> new IOException(config.outboxDir() + " holds no outbox"));
    Settled start = StartPoint.find(paths, state());
    long settled = start == null ? 0 : start.sequence();
    Outcomes outcomes = resources.add(Outcomes.open(paths, settled, options.disk()));
    this.parked = resources.add(ParkedOutboxes.open(paths, identity, settled, options));
    Workplace place =
        new Workplace(
            paths,
            identity,
            options,
            () -> settled,
            outcomes,
            parked,
            RelayLock::tryLane,
            OptionalLong.empty());
    this.desk = resources.add(new ControlDesk(place, new Failures(), System.nanoTime()));
    desk.begin();
  }

  /**
   * Takes the relay's lock.
   *
   * @throws PipelineRefused if that is not to be had
   */
  public static Standin open(RelayConfig config) throws IOException {
    Resources resources = new Resources();
    try {
      return new Standin(config, resources);
    } catch (IOException | RuntimeException | Error e) {
      resources.close();
      throw e;
    }
  }

  /** Only the last of them matters. */
  private final class Failures implements Chores.Report {
    @Override
    public void failed(Exception error) {
      failure = error;
    }

    @Override
    public void done() {
      failure = null;
    }

    @Override
    public void tell(Fact fact) {} // nobody counts here
  }

  /** Whether something has come to be. */
  public interface Condition {
    boolean holds() throws IOException;
  }

  /** The last try to apply what there is has failed. */
  public static final class NotApplied extends IOException {
    private static final long serialVersionUID = 1L;

    private NotApplied(Exception cause) {
      super(cause.getMessage(), cause);
    }
  }

  /**
   * Applies what there is until then.
   *
   * @throws NotApplied if the last try to do so failed
   */
  public void applyUntil(Condition done, long deadlineNanos) throws IOException {
    while (!done.holds() && System.nanoTime() - deadlineNanos < 0) {
      if (desk.work(System.nanoTime()) == 0) {
        long pause = Math.min(desk.nanosToNext(System.nanoTime()), 50_000_000L);
        LockSupport.parkNanos(this, Math.max(1, pause));
      }
    }
    tellHeld();
    if (failure != null && !done.holds()) {
      throw new NotApplied(failure);
    }
  }

  /** What a crash has left of it is mended, as a relay does. */
  private OutboxState state() throws IOException {
    QueueWriter.open(options).close();
    return StateFile.read(paths.state())
        .orElseThrow(() -> new IOException("outbox.state vanished while it was opened"));
  }

  private Optional<Position> position() throws IOException {
    return PositionFile.find(paths.position())
        .filter(found -> found.outboxId().equals(identity.outbox()));
  }

  /** Clients count what is held by what the position says. */
  private void tellHeld() throws IOException {
    Position before = position().orElse(null);
    long held = parked.held().bytes() + LetterSpace.of(paths);
    if (before == null || before.heldBytes() == held) {
      return;
    }
    try (PositionFile file = PositionFile.open(paths.position(), options.disk())) {
      file.save(
          new Position(
              before.generation(),
              before.mode(),
              before.sequence(),
              before.eventId(),
              before.cycle(),
              before.offset(),
              before.index(),
              before.settledBytes(),
              options.clock().millis(),
              before.outboxId(),
              held));
    } catch (OutboxError e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    resources.close();
  }
}
