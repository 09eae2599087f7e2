package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.EventIds;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.control.ControlFiles;
import dev.outboxrelay.relay.control.Request;
import dev.outboxrelay.relay.inspect.LockHolder;
import dev.outboxrelay.relay.pipeline.PipelineRefused;
import dev.outboxrelay.relay.pipeline.Standin;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Makes a request of the relay, or applies it in its place where none runs. */
final class Asking {
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long LOCK_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final OutboxPaths paths;
  private final Supplier<RelayConfig> config;
  private final ControlFiles files;

  /**
   * Asks for nothing yet.
   *
   * @param config read only where no relay runs
   */
  Asking(OutboxPaths paths, Supplier<RelayConfig> config) {
    this.paths = paths;
    this.config = config;
    this.files = new ControlFiles(paths, Disk.REAL);
  }

  /** Later ones sort behind earlier ones. */
  UUID newId() {
    return new EventIds(InstantSource.system(), new SecureRandom()).next();
  }

  /** Where a request stands until it is taken up. */
  Path file(UUID id) {
    return files.requestFile(id);
  }

  void submit(Request request) throws IOException {
    files.submit(request);
  }

  /** Whether a request is there, or its answer. */
  boolean isKnown(UUID id) throws IOException {
    return files.isOpen(id) || files.answer(id).isPresent();
  }

  /** Waits for the answer; empty if there is none in time. */
  Optional<JsonNode> await(UUID id, Duration timeout) throws IOException {
    long begin = System.nanoTime();
    long nextTry = begin;
    while (true) {
      Optional<JsonNode> answer = files.answer(id);
      long now = System.nanoTime();
      if (answer.isPresent() || now - begin >= timeout.toNanos()) {
        return answer;
      }
      if (now - nextTry >= 0) {
        nextTry = now + LOCK_NANOS;
        applyHere(id, begin + timeout.toNanos());
      } else {
        LockSupport.parkNanos(this, PAUSE_NANOS);
      }
    }
  }

  /** If no relay runs: a try for its lock could make one that starts believe that another does. */
  private void applyHere(UUID id, long deadlineNanos) {
    if (LockHolder.of(paths.relayLock()).isPresent()) {
      return;
    }
    try (Standin standin = Standin.open(config.get())) {
      standin.applyUntil(() -> files.answer(id).isPresent(), deadlineNanos);
    } catch (PipelineRefused.HeldByAnother e) {
      // It came just now, and applies it.
    } catch (IOException e) {
      throw new CommandFailed(ExitCode.OUTBOX_UNUSABLE, e.toString());
    }
  }
}
