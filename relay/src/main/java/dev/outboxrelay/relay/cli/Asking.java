package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.EventIds;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.control.ControlFiles;
import dev.outboxrelay.relay.control.Request;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.TroublesFile;
import dev.outboxrelay.relay.fact.WaysOut;
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
  private static final String NO_RELAY = "no relay runs, and the command itself can't apply it: ";

  private final OutboxPaths paths;
  private final Supplier<RelayConfig> config;
  private final ControlFiles files;
  private boolean relayRuns; // when it was looked for last
  private String failure; // why the last try in a relay's place came to nothing; null if it did not

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

  /** Writes it down. */
  void submit(Request request) throws IOException {
    try {
      files.submit(request);
    } catch (IOException e) {
      if (!files.isOpen(request.id())) {
        throw new CommandFailed(
            ExitCode.OUTBOX_UNUSABLE,
            "the request can't be written into "
                + paths.control()
                + ", nothing was asked for: "
                + told(e));
      }
    }
  }

  /** Whether a request is there, or its answer. */
  boolean isKnown(UUID id) throws IOException {
    return files.isOpen(id) || files.answer(id).isPresent();
  }

  /** Waits for the answer; empty if there is none in time. */
  Optional<JsonNode> await(UUID id, Duration timeout) throws IOException, CantApply {
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
  private void applyHere(UUID id, long deadlineNanos) throws CantApply {
    failure = null;
    relayRuns = LockHolder.of(paths.relayLock()).isPresent();
    if (relayRuns) {
      return;
    }
    try (Standin standin = Standin.open(config.get())) {
      standin.applyUntil(() -> files.answer(id).isPresent(), deadlineNanos);
    } catch (PipelineRefused.HeldByAnother e) {
      relayRuns = true; // it came just now, or is not seen from here, and applies it
    } catch (Standin.NotApplied e) {
      failure = told(e.getCause());
    } catch (IOException | OutboxError | PipelineRefused.Unusable e) {
      throw new CantApply(told(e));
    }
  }

  /** No relay runs, and this process can't do it in its place. */
  static final class CantApply extends Exception {
    private static final long serialVersionUID = 1L;

    CantApply(String why) {
      super(NO_RELAY + why);
    }
  }

  /** Why there is no answer, as far as that is known. */
  Optional<String> hindrance() throws IOException {
    if (failure != null) {
      return Optional.of(NO_RELAY + failure);
    }
    if (!relayRuns) {
      return Optional.empty(); // what one told that is gone is no news
    }
    return TroublesFile.read(paths.troubles()).stream()
        .flatMap(news -> news.troubles().stream())
        .filter(trouble -> trouble.path("kind").asText().equals(Part.CONTROL.label()))
        .map(
            trouble ->
                "the relay can't apply it: "
                    + trouble.path("error").asText()
                    + "; "
                    + trouble.path("do").asText())
        .findFirst();
  }

  private static String told(Throwable error) {
    Throwable named = error instanceof IOException failed ? Folder.named(failed) : error;
    boolean isOurs = named instanceof OutboxError || named instanceof PipelineRefused;
    String text = isOurs ? named.getMessage() : named.toString();
    return text + WaysOut.of(named).map(wayOut -> "; " + wayOut).orElse("");
  }
}
