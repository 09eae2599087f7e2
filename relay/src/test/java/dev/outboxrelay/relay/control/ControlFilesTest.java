package dev.outboxrelay.relay.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.ThreadMXBean;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class ControlFilesTest {
  @TempDir Path root;

  /** They stay for a day, and somebody may ask for something each minute. */
  @Test
  void answersOfADayLeaveRoomForRequests() throws IOException {
    OutboxPaths outbox = new OutboxPaths(root);
    Files.createDirectory(outbox.control());
    for (int i = 0; i < 1_500; i++) {
      Files.createFile(outbox.control().resolve(UUID.randomUUID() + ControlFiles.ANSWER));
    }
    UUID request = UUID.randomUUID();
    Files.createFile(outbox.control().resolve(request + ControlFiles.REQUEST));
    ControlFiles.Listing listing = new ControlFiles(outbox, Disk.REAL).list();
    assertThat(listing.requests()).containsExactly(request);
    assertThat(listing.unusable()).isNull();
  }

  private static final int LARGEST = 8 << 20;

  private long allocatedByReading(String text) throws IOException {
    OutboxPaths outbox = new OutboxPaths(root);
    Files.createDirectories(outbox.control());
    UUID id = UUID.randomUUID();
    Path file = outbox.control().resolve(id + ControlFiles.TAKEN);
    Files.writeString(file, text);
    Files.setAttribute(file, "unix:mode", 0660);
    ControlFiles files = new ControlFiles(outbox, Disk.REAL);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    assertThatThrownBy(() -> files.taken(id)).isInstanceOf(IllegalArgumentException.class);
    return threads.getCurrentThreadAllocatedBytes() - before;
  }

  /** As a tree it took 268 MiB, and the relay with it, at each start. */
  @Test
  void whatSaysTooMuchIsNotKeptInMemory() throws IOException {
    String objects = "{\"x\":[" + "{},".repeat(LARGEST / 3 - 10) + "{}]}";
    assertThat(allocatedByReading(objects)).isLessThan(LARGEST);
    String names = "{" + "\"a\":{},".repeat(LARGEST / 8) + "\"b\":{}}";
    assertThat(allocatedByReading(names)).isLessThan(LARGEST);
    assertThat(allocatedByReading("[".repeat(LARGEST))).isLessThan(LARGEST);
    String number = "{\"plan\":{\"runs\":[[1," + "9".repeat(LARGEST - 100) + "]]}}";
    assertThat(allocatedByReading(number)).isLessThan(LARGEST);
    String many = "{\"plan\":{\"runs\":[" + "{\"a\":1},".repeat(LARGEST / 12) + "[1,2]]}}";
    assertThat(allocatedByReading(many)).isLessThan(LARGEST);
  }

  @Test
  @Timeout(20)
  void runsThatAreNoneInTheirOrderAreRefusedAtOnce() throws IOException {
    for (String run :
        List.of("[1,100000],", "[2,1],", "[0,1],", "[1,200000],", "[1],", "[1,2,3],")) {
      String runs = "{\"plan\":{\"runs\":[" + run.repeat(400_000) + "[1,1]]}}";
      assertThat(allocatedByReading(runs)).isLessThan(LARGEST);
    }
  }

  @Test
  void aPlanOfAsManyLettersAsMayBeIsReadAsItWasWritten() throws IOException {
    OutboxPaths outbox = new OutboxPaths(root);
    Files.createDirectory(outbox.control());
    Plan plan = new Plan(new UUID(1, 2));
    for (int i = 1; i <= Plan.MOST_LETTERS; i++) {
      assertThat(plan.add(Long.MAX_VALUE - 3L * Plan.MOST_LETTERS + 2L * i)).isTrue();
    }
    assertThat(plan.add(Long.MAX_VALUE - 1)).isFalse();
    ObjectNode taken = JsonNodeFactory.instance.objectNode();
    taken.set("plan", plan.json());
    UUID id = UUID.randomUUID();
    ControlFiles files = new ControlFiles(outbox, Disk.REAL);
    files.write(id, ControlFiles.TAKEN, taken);
    Plan read = Plan.of(files.taken(id).orElseThrow());
    assertThat(read.json()).isEqualTo(plan.json());
    assertThat(read.more()).isTrue();
  }
}
