package dev.outboxrelay.relay.park;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.deliver.InFlight;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A topic whose own outbox can't be written holds up no event of another. */
class BadTopicsTest {
  @TempDir private Path directory;
  private MainQueue queue;
  private ParkedOutboxes parked;
  private List<InFlight> events;
  private OutboxPaths bad;

  @BeforeEach
  void begin() throws IOException {
    queue = new MainQueue(directory.resolve("outbox"));
    events = queue.append("bad", "good", "bad", "good");
    parked = queue.open(0);
    bad = queue.paths.parked("bad");
  }

  @AfterEach
  void close() throws IOException {
    parked.close();
  }

  private void addAll() throws IOException {
    for (InFlight event : events) {
      assertThat(parked.add(event)).isTrue();
    }
  }

  private void restart() throws IOException {
    parked.close();
    parked = queue.open(0);
  }

  /** Returns what failed. */
  private List<String> bring() {
    List<String> errors = new ArrayList<>();
    for (int i = 0; i < 100 && parked.hasStaged(); i++) {
      try {
        parked.bring();
      } catch (IOException | OutboxError e) {
        errors.add(e.getMessage());
      }
    }
    return errors;
  }

  private void assertParkedOnceAndInOrder() throws IOException {
    assertThat(queue.sequences("bad")).containsExactly(1L, 3L);
    assertThat(queue.sequences("good")).containsExactly(2L, 4L);
  }

  @Test
  void somethingElseInItsPlace() throws IOException {
    Files.createDirectories(queue.paths.parked());
    Files.createFile(bad.root());
    addAll();
    parked.sync();
    assertThat(queue.sequences("good")).containsExactly(2L, 4L);
    assertThat(parked.isStaged("bad")).isTrue();
    assertThat(parked.held().events()).isEqualTo(4);
    assertThat(bring()).isNotEmpty().allMatch(error -> error.contains("parked/bad"));
    assertThat(parked.isBringingFailing()).isTrue();

    Files.delete(bad.root());
    bring();
    assertThat(parked.isBringingFailing()).isFalse();
    assertParkedOnceAndInOrder();
  }

  @Test
  void itsLockIsHeldBySomebodyElse() throws Exception {
    parked.add(events.get(0));
    parked.sync();
    queue.whileOthersHaveTheLock(
        bad,
        () -> {
          parked.add(events.get(1));
          assertThat(parked.add(events.get(2))).isTrue();
          parked.add(events.get(3));
          parked.sync();
          assertThat(queue.sequences("good")).containsExactly(2L, 4L);
          assertThatThrownBy(
                  () -> {
                    while (parked.hasStaged()) {
                      parked.bring();
                    }
                  })
              .hasMessageContaining("topic bad wait")
              .hasMessageContaining("outbox/parked/bad/outbox.lock is held");
          return parked.isStaged("bad");
        });
    bring();
    assertParkedOnceAndInOrder();
  }

  @Test
  void whatIsSaidNamesItOnce() throws IOException {
    Files.createDirectories(queue.paths.parked());
    Files.createFile(bad.root());
    Logger log = (Logger) LoggerFactory.getLogger(Obstacles.class);
    ListAppender<ILoggingEvent> lines = new ListAppender<>();
    lines.start();
    log.setLevel(Level.INFO);
    log.addAppender(lines);
    try {
      addAll();
      bring();
      assertThat(lines.list).hasSize(1);
      assertThat(lines.list.get(0).getKeyValuePairs())
          .anyMatch(pair -> pair.value.equals("bad"))
          .anyMatch(pair -> pair.value.toString().contains("parked/bad"));
      Files.delete(bad.root());
      bring();
      assertThat(lines.list).hasSize(2);
    } finally {
      log.setLevel(null);
      log.detachAppender(lines);
    }
  }

  @Test
  void whereNeitherTakesItTheTopicIsNamedAndItIsTriedAgain() throws IOException {
    Files.createDirectories(queue.paths.parked());
    Files.createFile(bad.root());
    Files.createFile(queue.paths.staged().root());
    assertThatThrownBy(() -> parked.add(events.get(0)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("topic bad")
        .hasMessageContaining("parked/bad")
        .hasMessageContaining("staged");
    Files.delete(queue.paths.staged().root());
    addAll();
    parked.sync();
    Files.delete(bad.root());
    bring();
    assertParkedOnceAndInOrder();
  }

  /** Directly, and then staged behind that, of which a power cut leaves the second alone. */
  private void losesTheFirst() throws Exception {
    parked.add(events.get(0));
    queue.whileOthersHaveTheLock(bad, () -> parked.add(events.get(2)));
    assertThat(parked.isStaged("bad")).isTrue();
    parked.close();
    queue.zero(bad, 0);
    queue.zero(queue.paths.staged(), 0); // where it is, too
    parked = queue.open(0);
  }

  @Test
  void whatAPowerCutTookBeforeWhatIsStagedComesBeforeIt() throws Exception {
    losesTheFirst();
    parked.add(events.get(0));
    parked.add(events.get(2));
    bring();
    assertThat(queue.sequences("bad")).containsExactly(1L, 3L);
  }

  @Test
  void whatIsBroughtBeforeItComesOnceMoreBehindIt() throws Exception {
    losesTheFirst();
    bring();
    parked.add(events.get(0));
    parked.add(events.get(2));
    bring();
    assertThat(queue.sequences("bad")).containsExactly(3L, 1L, 3L);
    restart();
    assertThat(parked.add(events.get(0))).isFalse();
    assertThat(parked.add(events.get(2))).isFalse();
  }
}
