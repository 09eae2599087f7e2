package dev.outboxrelay.relay.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.control.Selection;
import dev.outboxrelay.relay.control.Verb;
import dev.outboxrelay.relay.park.OpenSlots;
import dev.outboxrelay.relay.simulation.FilesSimulation.Cut;
import dev.outboxrelay.relay.simulation.LosingDisk.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A fault at each change that a relay makes on its disk, between barring a topic and sending to it
 * again.
 */
class FailpointsTest {
  /** What happens to an outbox. */
  enum Story {
    /** A topic is barred, parked, settled, drained and resumed. */
    PARKING {
      @Override
      void tell(FilesSimulation outbox) throws IOException {
        appendAll(outbox, "a", "b", "a", "b", "a");
        outbox.rounds(12);
        appendAll(outbox, "a", "b", "a");
        outbox.rounds(4);
        outbox.topic("a", true);
        appendAll(outbox, "a", "b");
        outbox.rounds(10);
        outbox.pass(Duration.ofSeconds(60));
        outbox.rounds(6);
        appendAll(outbox, "a", "b");
        outbox.rounds(6);
        outbox.pass(Duration.ofSeconds(60));
        appendAll(outbox, "a", "b");
        outbox.rounds(4);
      }
    },

    /** Events of more topics are parked than have an outbox open. */
    STAGING {
      @Override
      void tell(FilesSimulation outbox) throws IOException {
        outbox.world.slots = new OpenSlots(0);
        appendAll(outbox, "a", "c", "b", "c", "a", "b", "c");
        outbox.rounds(14);
        appendAll(outbox, "c", "a", "b");
        outbox.rounds(3);
        outbox.topic("c", true);
        appendAll(outbox, "c", "b", "a");
        outbox.rounds(10);
        outbox.pass(Duration.ofSeconds(60));
        outbox.rounds(6);
        outbox.topic("a", true);
        appendAll(outbox, "a", "c");
        outbox.pass(Duration.ofSeconds(60));
        outbox.rounds(10);
        appendAll(outbox, "a", "b", "c");
        outbox.rounds(4);
      }
    },

    /** Events are refused, replayed and discarded; what is parked is given up. */
    REQUESTS {
      @Override
      void tell(FilesSimulation outbox) throws IOException {
        outbox.appendRefused("b", 0);
        outbox.appendRefused("b", 1);
        appendAll(outbox, "a", "b", "c", "a");
        outbox.rounds(14);
        outbox.cure();
        outbox.request(Verb.REPLAY_LETTERS, Selection.ALL, null);
        appendAll(outbox, "b", "a");
        outbox.rounds(4);
        outbox.appendRefused("b", 0);
        outbox.request(Verb.DISCARD_PARKED, Selection.ALL, "c");
        outbox.rounds(8);
        outbox.request(Verb.DISCARD_LETTERS, Selection.ALL, null);
        outbox.topic("a", true);
        outbox.rounds(10);
        appendAll(outbox, "a", "b", "c");
        outbox.rounds(6);
      }
    };

    abstract void tell(FilesSimulation outbox) throws IOException;

    static void appendAll(FilesSimulation outbox, String... topics) {
      for (String topic : topics) {
        outbox.append(topic, 0);
      }
    }
  }

  /** What befalls it. */
  enum Kind {
    KILLED_BEFORE(Fault.KILLED_BEFORE, Cut.NONE, false),
    KILLED_AFTER(Fault.KILLED_AFTER, Cut.NONE, false),
    POWER_CUT_THAT_TAKES_ALL(Fault.KILLED_AFTER, Cut.LEAST, false),
    POWER_CUT_THAT_TAKES_SOME(Fault.KILLED_AFTER, Cut.SOME, false),
    DISK_FULL(Fault.FULL, Cut.NONE, false),
    ONE_ERROR(Fault.FAILS, Cut.NONE, false),
    KILLED_AT_THE_CAP(Fault.KILLED_AFTER, Cut.NONE, true),
    FULL_AT_THE_CAP(Fault.FULL, Cut.NONE, true),
    PARKED_UNSYNCED(Fault.PARKED_UNSYNCED, Cut.NONE, false),
    PARKED_UNSYNCED_AND_POWER_CUT(Fault.PARKED_UNSYNCED, Cut.LEAST, false);

    final Fault fault;
    final Cut cut;
    final boolean capped;

    Kind(Fault fault, Cut cut, boolean capped) {
      this.fault = fault;
      this.cut = cut;
      this.capped = capped;
    }
  }

  /** Of the changes, every so manieth: all of them take minutes. */
  private static final int STRIDE = Integer.getInteger("simulation.stride", 24);

  private static final int CAP = 900;

  /** How often a kind of fault happened in a story, and to how many relays that were killed. */
  private static final class Tally {
    int happened;
    int kills;
    boolean hasHappened;
  }

  private static void run(Story story, Kind kind, int at, Tally tally) throws IOException {
    Path root = Files.createTempDirectory("outbox-simulation");
    try (FilesSimulation outbox = new FilesSimulation(root, at, kind.cut)) {
      outbox.world.maxBytes = kind.capped ? CAP : Long.MAX_VALUE;
      outbox.world.errs = kind == Kind.ONE_ERROR || kind.fault == Fault.PARKED_UNSYNCED;
      outbox.world.disk.plan(kind.fault, at);
      tally.hasHappened = false;
      try {
        story.tell(outbox);
      } finally {
        tally.hasHappened = outbox.world.disk.happened();
        tally.happened += tally.hasHappened ? 1 : 0;
      }
      if (kind.fault == Fault.PARKED_UNSYNCED) {
        outbox.checkNotHeldUp();
        outbox.kill(true);
      }
      outbox.heal();
      if (kind.cut == Cut.NONE) {
        outbox.checkOrder();
      }
      tally.kills += outbox.kills();
    } finally {
      FilesHistory.delete(root);
    }
  }

  @ParameterizedTest
  @EnumSource(Story.class)
  void whateverFailsWhenNothingIsMissingOrDoneTwice(Story story) throws IOException {
    List<String> found = new ArrayList<>();
    int first = 0; // of each kind others, if not all are taken
    for (Kind kind : Kind.values()) {
      long begin = System.nanoTime();
      Tally tally = new Tally();
      tally.hasHappened = true;
      for (int at = first % STRIDE; tally.hasHappened && found.size() < 20; at += STRIDE) {
        try {
          run(story, kind, at, tally);
        } catch (AssertionError | RuntimeException | IOException e) {
          found.add(story + " " + kind + " at " + at + ": " + e);
        }
      }
      first++;
      System.out.printf(
          "| %s | %s | %d | %d | %.1f s%n",
          story, kind, tally.happened, tally.kills, (System.nanoTime() - begin) / 1e9);
    }
    assertThat(found).isEmpty();
  }

  @Test
  void theDiskIsFollowed() {
    assertThat(LosingDisk.isPossible()).isTrue();
  }
}
