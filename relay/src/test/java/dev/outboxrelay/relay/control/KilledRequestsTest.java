package dev.outboxrelay.relay.control;

import static java.nio.file.StandardCopyOption.COPY_ATTRIBUTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Fates;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class KilledRequestsTest extends DeskFixture {
  @Test
  void whateverIsKilledWhenNothingIsDoneTwiceAndNothingIsMissing() throws IOException {
    Request request = replay(Selection.ALL, null);
    new ControlFiles(paths, Disk.REAL).submit(request);
    int changes = changesOf(request, "counted");
    assertThat(changes).isGreaterThan(40);
    for (int at = 0; at < changes; at++) {
      for (boolean before : new boolean[] {true, false}) {
        OutboxPaths copy = copy("killed");
        try {
          run(copy, request.id(), KillingDisk.at(at, before).disk());
        } catch (KillingDisk.Killed e) {
          // as it should be
        }
        isOnceReplayed(copy, run(copy, request.id(), Disk.REAL).orElseThrow());
        delete(copy.root());
      }
    }
  }

  @Test
  void inMemoryAKillAsALetterWasWrittenHoldsUpNoRequest() throws IOException {
    Path memory = Path.of("/dev/shm");
    assumeThat(Files.isWritable(memory) && Files.getFileStore(memory).type().equals("tmpfs"))
        .isTrue();
    Path root = Files.createTempDirectory(memory, "outbox");
    try {
      given = new GivenUp(root.resolve("outbox"));
      paths = given.paths;
      given.four();
      byte[] before = Files.readAllBytes(paths.deadLetters().state());
      given.add(OutboxEvent.of("a", "v"), DeadLetterReason.TOO_LARGE);
      Files.write(paths.deadLetters().state(), before);

      assertThat(apply(discard(Selection.ALL)).path("discarded").asLong()).isEqualTo(5);
    } finally {
      delete(root);
    }
  }

  @Test
  void twoKillsAreNoWorse() throws IOException {
    Request request = replay(Selection.ALL, null);
    new ControlFiles(paths, Disk.REAL).submit(request);
    int changes = changesOf(request, "counted");
    for (int at = 0; at < changes; at += 3) {
      OutboxPaths copy = copy("killed");
      for (int second : new int[] {at, at / 2}) {
        try {
          run(copy, request.id(), KillingDisk.at(second, false).disk());
        } catch (KillingDisk.Killed e) {
          // as it should be
        }
      }
      isOnceReplayed(copy, run(copy, request.id(), Disk.REAL).orElseThrow());
      delete(copy.root());
    }
  }

  @Test
  void whateverFailsIsTriedAgain() throws IOException {
    Request request = discard(topics("a"));
    new ControlFiles(paths, Disk.REAL).submit(request);
    int changes = changesOf(request, "counted");
    for (int at = 0; at < changes; at++) {
      OutboxPaths copy = copy("failing");
      JsonNode answer = run(copy, request.id(), KillingDisk.failingAt(at).disk()).orElseThrow();
      assertThat(answer.path("discarded").asLong()).isEqualTo(3);
      assertThat(failure).isNull();
      delete(copy.root());
    }
  }

  /** The second one took the same letters up while the first one waited to be tried again. */
  @Test
  void whatOneRequestHasHalfDoneNoOtherTouches() throws IOException {
    Request first = new Request(new UUID(0, 1), Verb.REPLAY_LETTERS, Selection.ALL, null);
    new ControlFiles(paths, Disk.REAL).submit(first);
    int changes = changesOf(first, "counted");
    othersGoOn = true;
    for (Verb verb : List.of(Verb.REPLAY_LETTERS, Verb.DISCARD_LETTERS, Verb.DISCARD_PARKED)) {
      String topic = verb == Verb.DISCARD_PARKED ? "a" : null;
      Request second = new Request(new UUID(0, 2), verb, Selection.ALL, topic);
      for (int at = 0; at < changes; at++) {
        OutboxPaths copy = copy("failing");
        new ControlFiles(copy, Disk.REAL).submit(second);
        String where = verb + ", change " + at;
        assertThat(run(copy, second.id(), KillingDisk.failingAt(at).disk()))
            .describedAs("%s: %s", where, failure)
            .isPresent();
        Optional<JsonNode> done = run(copy, first.id(), Disk.REAL);
        assertThat(done).describedAs("%s: %s", where, failure).isPresent();
        if (hasNoFailedCycle(copy.parked("a"))) { // what was there is written once more
          assertThat(sources(copy, "a")).describedAs(where).doesNotHaveDuplicates();
        }
        Fates fates = Fates.read(copy.deadLetters());
        boolean moved = done.get().path("replayed").asLong() > 0 || verb == Verb.REPLAY_LETTERS;
        assertThat(fates.of(1)).contains(moved ? Fate.REPLAYED : Fate.DISCARDED);
        assertThat(OutcomesFile.outcomeOf(1, copy.outcomes()) == DeliveryOutcome.PARKED)
            .describedAs(where)
            .isEqualTo(moved && PositionFile.find(copy.parked("a").position()).isEmpty());
        delete(copy.root());
      }
    }
  }

  /** As an earlier version might leave them, which took up one while another one failed. */
  @Test
  void twoThatWereTakenUpAtOnceAreBothAnswered() throws IOException {
    Path fresh = copy("fresh").root();
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    for (long number = 1; number <= 2; number++) {
      Request request = new Request(new UUID(0, number), Verb.REPLAY_LETTERS, Selection.ALL, null);
      GivenUp.copy(fresh, directory.resolve("taken" + number));
      OutboxPaths copy = new OutboxPaths(directory.resolve("taken" + number));
      new ControlFiles(copy, Disk.REAL).submit(request);
      Path taken = copy.control().resolve(request.id() + ControlFiles.TAKEN);
      for (int at = 0; at < 200 && Files.notExists(taken); at++) {
        try {
          run(copy, request.id(), KillingDisk.at(at, false).disk());
        } catch (KillingDisk.Killed e) {
          // as it should be
        }
      }
      files.submit(request);
      Files.copy(taken, paths.control().resolve(taken.getFileName()), COPY_ATTRIBUTES);
      Files.setAttribute(
          paths.control().resolve(taken.getFileName()),
          "unix:mode",
          Files.getAttribute(taken, "unix:mode"));
    }
    othersGoOn = true;
    for (long number = 1; number <= 2; number++) {
      assertThat(run(paths, new UUID(0, number), Disk.REAL)).isPresent();
    }
    assertThat(sources(paths, "a")).containsExactly(1L, 3L, 4L);
    assertThat(files.hasOpen()).isFalse();
  }

  private static boolean hasNoFailedCycle(OutboxPaths lane) throws IOException {
    return StateFile.read(lane.state()).map(state -> state.failedCycles().isEmpty()).orElse(true);
  }

  private int changesOf(Request request, String name) throws IOException {
    OutboxPaths copy = copy(name);
    KillingDisk counting = KillingDisk.never();
    assertThat(run(copy, request.id(), counting.disk())).isPresent();
    delete(copy.root());
    return counting.steps.size();
  }

  @Test
  void whatFailsOnceOfAReplayIsDoneAllTheSame() throws IOException {
    Request request = replay(Selection.ALL, null);
    new ControlFiles(paths, Disk.REAL).submit(request);
    int changes = changesOf(request, "counted");
    for (int at = 0; at < changes; at++) {
      OutboxPaths copy = copy("failing");
      JsonNode answer = run(copy, request.id(), KillingDisk.failingAt(at).disk()).orElseThrow();
      assertThat(answer.path("replayed").asLong()).describedAs("change %s", at).isEqualTo(4);
      assertThat(answer.path("failed").asLong()).isZero();
      assertThat(sources(copy, "a")).containsOnly(1L, 3L, 4L);
      assertThat(failure).isNull();
      delete(copy.root());
    }
  }

  @Test
  void whateverIsKilledWhatIsParkedIsGivenUpOnce() throws IOException {
    apply(replay(Selection.ALL, null));
    Request request = discardParked("a");
    new ControlFiles(paths, Disk.REAL).submit(request);
    int changes = changesOf(request, "counted");
    assertThat(changes).isGreaterThan(10);
    for (int at = 0; at < changes; at++) {
      for (boolean before : new boolean[] {true, false}) {
        OutboxPaths copy = copy("killed");
        try {
          run(copy, request.id(), KillingDisk.at(at, before).disk());
        } catch (KillingDisk.Killed e) {
          // as it should be
        }
        isGivenUp(copy, run(copy, request.id(), Disk.REAL).orElseThrow());
        delete(copy.root());
      }
    }
  }
}
