package dev.outboxrelay.relay.park;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.relay.deliver.InFlight;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random histories of events that are parked, staged, brought and asked for again, over kills: each
 * topic gets each of its own once and in order.
 */
class StagingHistoriesTest {
  private static final int SEEDS = Integer.getInteger("staging.seeds", 60);
  private static final int STEPS = 40;

  @TempDir private Path directory;

  /** What befalls them besides kills. */
  enum Kind {
    NOTHING,
    /** Names can't be synced for a while. */
    NAMES,
    /** A cycle can't be synced: what was in it is added again, so here it may be there twice. */
    CYCLES,
    /** Something else stands in the place of a topic's outbox for a while. */
    BAD_TOPICS,
    /**
     * In that of one topic until the end, while hours pass: what is staged of it is added again.
     */
    BAD_FOR_LONG
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void eachTopicGetsItsOwnOnceAndInOrder(Kind kind) throws IOException {
    for (int seed = 0; seed < SEEDS; seed++) {
      History history = new History(kind, seed);
      try {
        history.run();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError(kind + ", seed " + seed + ": " + e + " after " + history.log, e);
      }
    }
  }

  private final class History {
    private final Kind kind;
    private final Random random;
    private final MainQueue queue;
    private final int topics;
    private final List<InFlight> events = new ArrayList<>();
    private final List<String> log = new ArrayList<>();
    private ParkedOutboxes parked;
    private int asked; // of the events, in this run
    private int safe; // of the events

    History(Kind kind, int seed) throws IOException {
      this.kind = kind;
      random = new Random(seed);
      queue = new MainQueue(directory.resolve(kind + "-" + seed));
      topics = 2 + random.nextInt(12);
      queue.append("another");
      parked = queue.open(0);
    }

    void run() throws IOException {
      for (int i = 0; i < STEPS; i++) {
        try {
          step();
        } catch (IOException | OutboxError e) {
          log.add("failed: " + e.getMessage());
        }
      }
      heal();
      long held = parked.held().events();
      parked.close();
      for (int i = 0; i < topics; i++) {
        check(topic(i));
      }
      if (kind == Kind.NOTHING || kind == Kind.NAMES) {
        assertThat(held).as("held").isEqualTo(events.size());
      }
    }

    private String topic(int number) {
      return "t" + number;
    }

    private String anyTopic() {
      return topic(random.nextInt(topics));
    }

    private void step() throws IOException {
      switch (random.nextInt(kind == Kind.NOTHING ? 9 : 11)) {
        case 0, 1 -> append(1 + random.nextInt(12));
        case 2, 3 -> ask(asked + 1 + random.nextInt(20));
        case 4 -> sync();
        case 5 -> bring(kind == Kind.BAD_FOR_LONG ? 30 : random.nextInt(6));
        case 6 -> hurry(anyTopic());
        case 7 -> comeAgain();
        case 8 -> pass();
        default -> befall();
      }
    }

    private void append(int count) throws IOException {
      String[] next = new String[count];
      for (int i = 0; i < count; i++) {
        next[i] = anyTopic();
      }
      events.addAll(queue.append(next));
      log.add("append " + count);
    }

    private void ask(int to) throws IOException {
      while (asked < Math.min(to, events.size())) {
        parked.add(events.get(asked));
        asked++;
      }
      log.add("ask up to " + asked);
    }

    private void sync() throws IOException {
      parked.sync();
      safe = Math.max(safe, asked);
      log.add("sync");
    }

    private void bring(int turns) throws IOException {
      log.add("bring " + turns);
      for (int i = 0; i < turns; i++) {
        parked.bring();
      }
    }

    private void hurry(String topic) {
      parked.hurry(topic);
      log.add("hurry " + topic);
    }

    private void comeAgain() throws IOException {
      if (random.nextInt(3) == 0) {
        asked = random.nextInt(safe + 1);
        log.add("kill, from " + asked);
        parked.close();
        parked = queue.open(asked == 0 ? 0 : events.get(asked - 1).sequence());
      } else if (random.nextInt(4) == 0) {
        asked = random.nextInt(asked + 1);
        log.add("rewind to " + asked);
      }
    }

    private void pass() {
      boolean isLong = random.nextInt(3) == 0 || kind == Kind.BAD_FOR_LONG;
      Duration time = Duration.ofSeconds(isLong ? 3600 : random.nextInt(20));
      queue.pass(time);
      log.add("pass " + time);
    }

    private void befall() throws IOException {
      if (kind == Kind.NAMES && queue.failing.isEmpty()) {
        queue.failing.add(DiskStep.LINK);
      } else if (kind == Kind.NAMES) {
        queue.failing.clear();
      } else if (kind == Kind.CYCLES) {
        queue.failingCycles = 1;
      } else {
        putInPlace(kind == Kind.BAD_FOR_LONG ? topic(0) : anyTopic());
      }
      log.add("befall");
    }

    private void putInPlace(String topic) throws IOException {
      Path place = queue.paths.parked(topic).root();
      if (isForeign(place) && kind != Kind.BAD_FOR_LONG) {
        Files.delete(place);
      } else if (!Files.exists(place) && Files.exists(place.getParent())) {
        Files.createSymbolicLink(place, directory);
      }
    }

    private boolean isForeign(Path place) {
      return Files.isSymbolicLink(place);
    }

    /** All is well again, and all gets to its end. */
    private void heal() throws IOException {
      queue.failing.clear();
      queue.failingCycles = 0;
      for (int i = 0; i < topics; i++) {
        Path place = queue.paths.parked(topic(i)).root();
        if (isForeign(place)) {
          Files.delete(place);
        }
      }
      for (int i = 0; i < 10; i++) {
        try {
          ask(events.size());
          parked.sync();
          break;
        } catch (IOException | OutboxError e) {
          log.add("failed: " + e.getMessage());
        }
      }
      for (int i = 0; i < 500 && parked.hasStaged(); i++) {
        try {
          parked.bring();
        } catch (IOException | OutboxError e) {
          log.add("failed: " + e.getMessage());
        }
      }
      assertThat(parked.hasStaged()).as("staged still").isFalse();
      assertThat(asked).isEqualTo(events.size());
    }

    private void check(String topic) throws IOException {
      List<Long> wanted =
          events.stream().filter(e -> e.topic().equals(topic)).map(InFlight::sequence).toList();
      List<Long> found = wanted.isEmpty() ? List.of() : queue.sequences(topic);
      if (kind == Kind.CYCLES) {
        List<Long> lastOfEach = new ArrayList<>();
        for (int i = 0; i < found.size(); i++) {
          if (found.lastIndexOf(found.get(i)) == i) {
            lastOfEach.add(found.get(i));
          }
        }
        assertThat(new HashSet<>(found)).as(topic).containsExactlyInAnyOrderElementsOf(wanted);
        assertThat(List.of(found.stream().distinct().toList(), lastOfEach))
            .as(topic)
            .contains(wanted);
      } else {
        assertThat(found).as(topic).isEqualTo(wanted);
      }
    }
  }
}
