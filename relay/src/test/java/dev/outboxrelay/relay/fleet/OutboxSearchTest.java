package dev.outboxrelay.relay.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.relay.config.OutboxGlob;
import dev.outboxrelay.relay.rounds.Rounds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutboxSearchTest {
  @TempDir private Path root;

  @Test
  void wildcardsStandForPartsOfOneName() throws IOException {
    Path one = outbox("pods/a/outbox");
    Path two = outbox("pods/b/outbox");
    outbox("pods/b/deeper/outbox");
    outbox("pods/.hidden/outbox");

    assertThat(find("pods/*/outbox")).containsExactly(one, two);
    assertThat(find("pods/[b-z]/outbox")).containsExactly(two);
    assertThat(find("pods/{a,c}/outbox")).containsExactly(one);
    assertThat(find("pods/?/outbox")).containsExactly(one, two);
    assertThat(find("pods/a/outbox")).containsExactly(one);
    assertThat(find("nothing/*/here")).isEmpty();
  }

  @Test
  void globsThatMeanTheSameOutboxGiveItOnce() throws IOException {
    Path one = outbox("a");

    assertThat(find("*", "a", "?")).containsExactly(one);
  }

  @Test
  void onlyWhatAWriterMadeIsAnOutbox() throws IOException {
    Files.createDirectories(root.resolve("empty"));
    Files.createDirectories(root.resolve("somebody-elses/queue"));
    Files.createFile(root.resolve("somebody-elses/queue/20261124-05F.cq4"));
    Files.createDirectories(root.resolve("no-queue"));
    Files.createFile(root.resolve("no-queue/outbox.state"));
    Files.createFile(root.resolve("a-file"));
    Path withoutState = outbox("without-state");
    Files.delete(withoutState.resolve("outbox.state"));

    assertThat(find("*")).containsExactly(withoutState);
  }

  @Test
  void theDeadLettersAndWhateverLiesInAnOutboxAreNone() throws IOException {
    Path one = outbox("one");
    outbox("one/dead-letters");

    assertThat(find("*", "*/*", "one/dead-letters")).containsExactly(one);
  }

  @Test
  void noLinkLeadsIntoAnotherDirectory() throws IOException {
    Path one = outbox("private/one");
    Files.createSymbolicLink(root.resolve("link"), one);
    Files.createDirectories(root.resolve("pods"));
    Files.createSymbolicLink(root.resolve("pods/evil"), root.resolve("private"));

    assertThat(find("*", "link", "pods/*/one")).isEmpty();
  }

  @Test
  void aDirectoryThatTookAnothersPlaceIsAnotherOutbox() throws IOException {
    Path one = outbox("one");
    OutboxFiles.Found before = search("*").search();
    Object identity = before.outboxes().get(one);
    assertThat(before.isGone(one, identity)).isFalse();

    Files.move(one, root.resolve("moved"));
    assertThat(search("*").search().isGone(one, identity)).isTrue();
    outbox("one");
    assertThat(search("*").search().isGone(one, identity)).isTrue();
  }

  @Test
  void whatCannotBeSearchedIsNotTakenForGone() {
    Path unreadable = root.resolve("pods");
    OutboxFiles.Found found = new OutboxFiles.Found(java.util.Map.of(), List.of(unreadable));

    assertThat(found.isGone(unreadable.resolve("a/outbox"), 1)).isFalse();
    assertThat(found.isGone(root.resolve("other"), 1)).isTrue();
  }

  @Test
  void whatWaitsIsSeenInTheFiles() throws IOException {
    Path one = root.resolve("one");
    try (Outbox writer = Outbox.builder().path(one).trustParent(true).open()) {
      assertThat(search("*").isSettled(one)).isTrue();
      writer.append(OutboxEvent.of("t", "v"));
      assertThat(search("*").isSettled(one)).isFalse();
    }
    Files.write(one.resolve("outbox.state"), new byte[4096]);
    assertThat(search("*").isSettled(one))
        .as("a damaged state is for a pipeline to mend")
        .isFalse();
  }

  @Test
  void whoFillsDirectoriesOfADirectoryIsNotSearchedToTheEnd() throws IOException {
    Path one = outbox("a/0/outbox");
    for (int i = 0; i < 10; i++) {
      for (int j = 0; j < 10; j++) {
        Files.createDirectories(root.resolve("b/" + i + "/" + j));
      }
    }
    OutboxGlob glob = OutboxGlob.parse(root + "/*/*/*");
    Rounds<Path> here = new Rounds<>(Runnable::run, Duration.ZERO);

    OutboxFiles.Found all = new OutboxSearch(List.of(glob), here, false, 1000).search();
    assertThat(all.unreadable()).isEmpty();
    OutboxFiles.Found some = new OutboxSearch(List.of(glob), here, false, 50).search();
    assertThat(some.unreadable()).isNotEmpty().allMatch(path -> path.startsWith(root.resolve("b")));
    assertThat(some.outboxes().keySet()).containsExactly(one);
    assertThat(some.isGone(root.resolve("b/9/9"), 1)).isFalse();
  }

  @Test
  void aDirectoryWhoseDiskHangsHidesOnlyWhatIsInIt() throws IOException {
    Path hangs = outbox("hangs/outbox");
    Path itself = outbox("itself");
    Path answers = outbox("answers/outbox");
    ExecutorService threads = Executors.newCachedThreadPool();
    CountDownLatch disk = new CountDownLatch(1);
    try {
      Rounds<Path> rounds = new Rounds<>(threads, Duration.ofMillis(50));
      OutboxSearch search = search(rounds, "*/outbox", "*");
      assertThat(search.search().outboxes()).containsOnlyKeys(hangs, itself, answers);
      Object identity = search.search().outboxes().get(hangs);

      rounds.visit(List.of(hangs.getParent(), itself), any -> awaitUninterruptibly(disk));
      OutboxFiles.Found found = search.search();
      assertThat(found.outboxes()).containsOnlyKeys(answers);
      assertThat(found.unreadable()).containsExactly(hangs.getParent(), itself);
      assertThat(found.isGone(hangs, identity)).isFalse();

      disk.countDown();
      await().until(() -> search.search().outboxes().size() == 3);
    } finally {
      disk.countDown();
      threads.shutdown();
    }
  }

  private static void awaitUninterruptibly(CountDownLatch disk) {
    try {
      disk.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aGlobThatCouldMeanAnythingIsRefused() {
    for (String text : List.of("relative/*", "/a/**/b", "/a/../b", "/", "/a/[", "/a/{b")) {
      assertThatThrownBy(() -> OutboxGlob.parse(text))
          .as(text)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private Path outbox(String name) throws IOException {
    Path dir = root.resolve(name);
    Files.createDirectories(dir.getParent());
    Outbox.builder().path(dir).trustParent(true).open().close();
    return dir;
  }

  private OutboxSearch search(String... globs) {
    return search(new Rounds<>(Runnable::run, Duration.ZERO), globs);
  }

  private OutboxSearch search(Rounds<Path> rounds, String... globs) {
    return new OutboxSearch(
        Stream.of(globs).map(glob -> OutboxGlob.parse(root + "/" + glob)).toList(), rounds, false);
  }

  private List<Path> find(String... globs) {
    return List.copyOf(search(globs).search().outboxes().keySet());
  }
}
