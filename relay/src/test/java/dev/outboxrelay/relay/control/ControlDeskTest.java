package dev.outboxrelay.relay.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ControlDeskTest extends DeskFixture {
  private Path request(UUID id) {
    return paths.control().resolve(id + ".request");
  }

  @Test
  void aRequestThatIsWithdrawnBeforeItIsTakenUpIsNotApplied() throws IOException {
    apply(replay(Selection.ALL, null));
    Request discard = discardParked("a");
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    files.submit(discard);
    laneRuns = 10;
    try (Desk opened = new Desk(paths, Disk.REAL)) {
      opened.desk.work(SECOND);
      opened.desk.work(SECOND);
      assertThat(opened.parked.isDiscarded("a")).isTrue();
      files.remove(discard.id(), ControlFiles.REQUEST);
      laneRuns = 0;
      for (long nanos = 2 * SECOND; nanos < 20 * SECOND; nanos += SECOND / 10) {
        opened.desk.work(nanos);
      }
      assertThat(opened.parked.isDiscarded("a")).isFalse();
    }
    assertThat(new OutboxReader(paths.parked("a")).status().lagEvents()).isEqualTo(3);
  }

  @Test
  void whoWaitsForALaneHoldsUpNoOther() throws IOException {
    apply(replay(Selection.ALL, null));
    laneRuns = Integer.MAX_VALUE;
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    files.submit(new Request(new UUID(0, 1), Verb.DISCARD_PARKED, Selection.ALL, "a"));
    Request other = new Request(new UUID(0, 2), Verb.RETRY_TOPIC, topics("b"), null);
    files.submit(other);
    othersGoOn = true;
    assertThat(run(paths, other.id(), Disk.REAL)).isPresent();
  }

  @Test
  void anOldAnswerStaysWhileItsRequestDoes() throws IOException {
    Request request = discard(topics("b"));
    apply(request);
    new ControlFiles(paths, Disk.REAL).submit(request);
    Path answer = paths.control().resolve(request.id() + ".answer");
    Files.setLastModifiedTime(answer, FileTime.fromMillis(0));
    Path planted = Files.createDirectory(paths.control().resolve(UUID.randomUUID() + ".answer"));
    Files.createDirectory(planted.resolve("x"));
    Files.setLastModifiedTime(planted, FileTime.fromMillis(0));
    new ControlFiles(paths, Disk.REAL).tidy(Long.MAX_VALUE);
    assertThat(answer).exists();
    Files.delete(request(request.id()));
    new ControlFiles(paths, Disk.REAL).tidy(Long.MAX_VALUE);
    assertThat(answer).doesNotExist();
  }

  @Test
  void aBadRequestWhoseAnswerCantBeWrittenHoldsUpNoOther() throws IOException {
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    Request good = discard(topics("b"));
    files.submit(good);
    UUID bad = UUID.randomUUID();
    Files.writeString(request(bad), "{}");
    Files.setAttribute(request(bad), "unix:mode", 0660);
    Files.setLastModifiedTime(request(bad), FileTime.fromMillis(0));
    Files.createDirectories(paths.control().resolve(bad + ".answer/x"));
    othersGoOn = true;
    assertThat(run(paths, good.id(), Disk.REAL)).isPresent();
  }

  @Test
  void aRequestThatFailsHoldsUpNoOther() throws IOException {
    takesNothing("x");
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    Request bad = new Request(new UUID(0, 1), Verb.DISCARD_PARKED, Selection.ALL, "x");
    Request good = new Request(new UUID(0, 2), Verb.DISCARD_LETTERS, topics("b"), null);
    files.submit(bad);
    files.submit(good);
    othersGoOn = true;
    JsonNode answer = run(paths, good.id(), Disk.REAL).orElseThrow();
    assertThat(answer.path("discarded").asLong()).isEqualTo(1);
    assertThat(files.answer(bad.id())).isEmpty();
    assertThat(failure).hasMessageContaining("parked/x");
    Files.delete(paths.parked().resolve("x"));
    assertThat(run(paths, bad.id(), Disk.REAL)).isPresent();
  }

  @Test
  void whatIsNoRequestIsAnsweredOrNamedAndHoldsUpNoOther() throws IOException {
    ControlFiles files = new ControlFiles(paths, Disk.REAL);
    Request good = discard(topics("b"));
    files.submit(good);
    UUID malformed = UUID.randomUUID();
    Files.writeString(request(malformed), "{\"version\":1");
    UUID strange = UUID.randomUUID();
    Files.writeString(
        request(strange), discard(topics("a")).json().toString()); // with another's id
    UUID wordy = UUID.randomUUID();
    String word = "x".repeat(16_000);
    Files.writeString(
        request(wordy),
        String.format(
            "{\"version\":1,\"id\":\"%s\",\"verb\":\"parked retry\",\"topic\":\"%s\",\"select\":"
                + "{\"topics\":[],\"reasons\":[],\"ids\":[\"%s\"],\"numbers\":[]}}",
            wordy, word, word));
    UUID huge = UUID.randomUUID();
    Files.write(request(huge), new byte[1 << 20]);
    for (UUID each : List.of(malformed, strange, wordy, huge)) {
      Files.setAttribute(request(each), "unix:mode", 0660);
    }
    UUID linked = UUID.randomUUID();
    Files.createSymbolicLink(request(linked), Path.of("/etc/passwd"));
    Files.writeString(paths.control().resolve("notes.txt"), "mine");

    JsonNode answer = run(paths, good.id(), Disk.REAL).orElseThrow();

    assertThat(answer.path("discarded").asLong()).isEqualTo(1);
    for (UUID each : List.of(malformed, strange, wordy, huge)) {
      assertThat(run(paths, each, Disk.REAL).orElseThrow().path("error").asText())
          .contains("can't be used");
      assertThat(request(each)).doesNotExist();
    }
    assertThat(request(linked)).isSymbolicLink();
    assertThat(failure).hasMessageContaining(linked.toString());
    assertThat(paths.control().resolve("notes.txt")).exists();
    assertThat(left()).containsExactly(1L, 3L, 4L);
  }

  @Test
  void answersGoAfterADay() throws IOException {
    Request request = discard(topics("b"));
    apply(request);
    Path answer = paths.control().resolve(request.id() + ".answer");
    assertThat(Files.getAttribute(answer, "unix:mode")).isEqualTo(0100660);
    Request next = discard(topics("a"));
    apply(next);
    assertThat(answer).exists();
    Files.setLastModifiedTime(answer, FileTime.fromMillis(0));
    apply(discard(numbers(9L)));
    assertThat(answer).doesNotExist();
    assertThat(paths.control().resolve(next.id() + ".answer")).exists();
  }

  @Test
  void aTopicIsAskedForAtOnce() throws IOException {
    apply(replay(topics("b"), null));
    Request retry = new Request(UUID.randomUUID(), Verb.RETRY_TOPIC, Selection.ALL, "b");
    assertThat(apply(retry).path("parked").asLong()).isEqualTo(1);
  }

  @Test
  void manyTopicsAreAskedForByOneRequest() throws IOException {
    apply(replay(Selection.ALL, null));
    Request retry = new Request(UUID.randomUUID(), Verb.RETRY_TOPIC, topics("a", "b"), null);
    JsonNode answer = apply(retry);
    assertThat(answer.path("topics").asLong()).isEqualTo(2);
    assertThat(answer.path("parked").asLong()).isEqualTo(4);
    assertThatThrownBy(() -> new Request(retry.id(), Verb.RETRY_TOPIC, topics("../x"), null))
        .hasMessageContaining("topic");
  }

  /** A script that asks for each of many topics, while no relay runs. */
  @Test
  void anyNumberOfRequestsIsAppliedInTheirOrder() throws IOException {
    Request first = discard(topics("b"));
    new ControlFiles(paths, Disk.REAL).submit(first);
    for (int i = 0; i < 1_200; i++) {
      UUID id = UUID.randomUUID();
      Request retry = new Request(id, Verb.RETRY_TOPIC, Selection.ALL, "b");
      Files.writeString(request(id), retry.json().toString());
      Files.setAttribute(request(id), "unix:mode", 0660);
      Files.setLastModifiedTime(request(id), FileTime.fromMillis(1_000L + i));
    }
    assertThat(run(paths, first.id(), Disk.REAL)).isPresent();
    assertThat(new ControlFiles(paths, Disk.REAL).hasOpen()).isFalse();
    assertThat(left()).containsExactly(1L, 3L, 4L);
  }

  @Test
  void whatIsNoneOfOursHoldsNoLane() throws IOException {
    Files.writeString(paths.control(), "no directory");
    try (Desk desk = new Desk(paths, Disk.REAL)) {
      assertThat(desk.parked.holdsLane("a")).isFalse();
    }
  }

  @Test
  void whatIsNoAnswerDropsNoRequest() throws IOException {
    Request request = discard(topics("b"));
    new ControlFiles(paths, Disk.REAL).submit(request);
    Files.writeString(paths.control().resolve(request.id() + ".answer"), "{}");
    JsonNode answer = run(paths, request.id(), Disk.REAL).orElseThrow();
    assertThat(answer.path("discarded").asLong()).isEqualTo(1);
  }
}
