package dev.outboxrelay.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutboxTest {
  @TempDir Path parent;
  private Path path;

  @BeforeEach
  void name() {
    path = parent.resolve("outbox");
  }

  @Test
  void a_receipt_says_where_the_event_stands() {
    UUID id = UUID.randomUUID();
    try (Outbox outbox = Outbox.open(path)) {
      Receipt first = outbox.append(OutboxEvent.of("orders", "one"));
      Receipt second =
          outbox.append(OutboxEvent.builder("orders").value("two").eventId(id).build());
      assertEquals(1, first.sequence());
      assertEquals(7, first.eventId().version());
      assertEquals(2, first.eventId().variant());
      assertEquals(new Receipt(first.outbox(), 1, 2, id, Durability.PROCESS), second);
    }
    try (Outbox again = Outbox.open(path)) {
      assertEquals(3, again.append(OutboxEvent.of("orders", "three")).sequence());
    }
  }

  @Test
  void power_durability_is_noted_in_the_receipt() {
    try (Outbox outbox = Outbox.builder().path(path).durability(Durability.POWER).open()) {
      assertEquals(Durability.POWER, outbox.append(OutboxEvent.of("orders", "one")).durability());
    }
  }

  @Test
  void waiting_tells_what_became_of_an_event() throws Exception {
    try (Outbox outbox = Outbox.open(path)) {
      Receipt[] receipts = new Receipt[6];
      for (int i = 0; i < receipts.length; i++) {
        receipts[i] = outbox.append(OutboxEvent.of("orders", "x"));
      }
      OutboxPaths paths = new OutboxPaths(path);
      assertEquals(DeliveryOutcome.PENDING, outbox.waitDelivered(receipts[0], Duration.ZERO));
      try (OutcomesFile outcomes = OutcomesFile.open(paths.outcomes(), Disk.REAL);
          PositionFile positions = PositionFile.open(paths.position(), Disk.REAL)) {
        outcomes.append(
            List.of(
                new OutcomesFile.Range(2, 2, DeliveryOutcome.PARKED),
                new OutcomesFile.Range(3, 3, DeliveryOutcome.DEAD),
                new OutcomesFile.Range(4, 4, DeliveryOutcome.QUARANTINED)));
        positions.save(position(receipts[0].outbox(), 5, 100));
      }
      DeliveryOutcome[] expected = {
        DeliveryOutcome.DELIVERED,
        DeliveryOutcome.PARKED,
        DeliveryOutcome.DEAD,
        DeliveryOutcome.QUARANTINED,
        DeliveryOutcome.DELIVERED,
        DeliveryOutcome.PENDING
      };
      for (int i = 0; i < receipts.length; i++) {
        assertEquals(expected[i], outbox.waitDelivered(receipts[i], Duration.ofMillis(1)));
      }
    }
  }

  @Test
  void waiting_ends_when_the_relay_settles_the_event() throws Exception {
    try (Outbox outbox = Outbox.open(path)) {
      Receipt receipt = outbox.append(OutboxEvent.of("orders", "x"));
      Thread relay =
          new Thread(
              () -> {
                try (PositionFile positions =
                    PositionFile.open(new OutboxPaths(path).position(), Disk.REAL)) {
                  positions.save(position(receipt.outbox(), 1, 10));
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              });
      relay.start();
      assertEquals(
          DeliveryOutcome.DELIVERED, outbox.waitDelivered(receipt, Duration.ofSeconds(60)));
      relay.join();
    }
  }

  @Test
  void waiting_with_the_receipt_of_another_outbox_is_refused() {
    try (Outbox outbox = Outbox.open(path);
        Outbox other = Outbox.open(parent.resolve("other"))) {
      Receipt receipt = other.append(OutboxEvent.of("orders", "x"));
      assertThrows(
          IllegalArgumentException.class, () -> outbox.waitDelivered(receipt, Duration.ZERO));
    }
  }

  @Test
  void an_interrupt_ends_waiting() {
    try (Outbox outbox = Outbox.open(path)) {
      Receipt receipt = outbox.append(OutboxEvent.of("orders", "x"));
      Thread.currentThread().interrupt();
      assertThrows(
          InterruptedException.class, () -> outbox.waitDelivered(receipt, Duration.ofSeconds(60)));
      assertFalse(Thread.interrupted());
    }
  }

  @Test
  void the_status_counts_what_waits_for_delivery() throws IOException {
    try (Outbox outbox = Outbox.open(path)) {
      OutboxStatus empty = outbox.status();
      assertEquals(1, empty.nextSequence());
      assertEquals(0, empty.lagBytes());
      assertEquals(OptionalLong.empty(), empty.newestCycle());
      Receipt receipt = null;
      for (int i = 0; i < 10; i++) {
        receipt = outbox.append(OutboxEvent.of("topic", new byte[1000 - 72 - 5 - 4]));
      }
      try (PositionFile positions =
          PositionFile.open(new OutboxPaths(path).position(), Disk.REAL)) {
        positions.save(position(receipt.outbox(), 4, 4 * 1000 + 40));
      }
      OutboxStatus status = outbox.status();
      assertEquals(11, status.nextSequence());
      assertEquals(4, status.settledSequence());
      assertEquals(6, status.lagEvents());
      assertEquals(6 * 1000, status.lagBytes());
      assertEquals("at-least-once", status.delivery());
      assertEquals(1, status.cycles().size());
      assertEquals(status.cycles().get(0), status.newestCycle().orElseThrow());
    }
  }

  @Test
  void the_cap_refuses_until_the_relay_has_settled() throws IOException {
    try (Outbox outbox = Outbox.builder().path(path).maxBytes(3_000).open()) {
      OutboxEvent event = OutboxEvent.of("topic", new byte[1000 - 72 - 5 - 4]);
      outbox.append(event);
      Receipt second = outbox.append(event);
      OutboxFull error = assertThrows(OutboxFull.class, () -> outbox.append(event));
      assertTrue(error.getMessage().contains("3000"), error.getMessage());
      try (PositionFile positions =
          PositionFile.open(new OutboxPaths(path).position(), Disk.REAL)) {
        positions.save(position(second.outbox(), 1, 1040));
      }
      assertEquals(3, outbox.append(event).sequence());
      assertEquals(4, outbox.append(event).sequence());
      assertThrows(OutboxFull.class, () -> outbox.append(event));
    }
  }

  @Test
  void a_fault_of_the_mapping_on_a_full_disk_says_that_it_is_full() throws Exception {
    assumeTrue(ChildProcess.mayMount(), "needs unshare, and the right to use it");
    for (String size : List.of("512k", "16m")) {
      String mount = "mount -t tmpfs -o mode=700,size=" + size + " none " + parent;
      try (ChildProcess child = ChildProcess.faultingBehindMounts(mount, path)) {
        String error = size.equals("512k") ? "OutboxFull" : "OutboxUnavailable";
        assertEquals(error + " true", child.readLine());
      }
    }
  }

  @Test
  void a_closed_outbox_refuses_appends_and_closes_twice() {
    Outbox outbox = Outbox.open(path);
    outbox.close();
    outbox.close();
    assertThrows(IllegalStateException.class, () -> outbox.append(OutboxEvent.of("orders", "x")));
  }

  @Test
  void settings_come_from_the_environment_where_they_are_not_given() {
    Map<String, String> environment =
        Map.of(
            "OUTBOX_DIR", path.toString(),
            "OUTBOX_DURABILITY", "power",
            "OUTBOX_MAX_BYTES", "1000",
            "OUTBOX_TRUST_PARENT", "1");
    try (Outbox outbox = new OutboxBuilder(environment).open()) {
      assertEquals(path, outbox.path());
      assertEquals(Durability.POWER, outbox.append(OutboxEvent.of("orders", "x")).durability());
      assertThrows(OutboxFull.class, () -> outbox.append(OutboxEvent.of("orders", new byte[1000])));
    }
    assertTrue(new OutboxBuilder(environment).options().trustParent());
    assertEquals(
        Durability.PROCESS,
        new OutboxBuilder(environment).durability(Durability.PROCESS).options().durability());
  }

  @Test
  void an_environment_without_a_directory_or_with_bad_values_is_refused() {
    assertUnavailable(Map.of(), "OUTBOX_DIR is not set");
    assertUnavailable(Map.of("OUTBOX_DIR", " "), "OUTBOX_DIR is not set");
    assertUnavailable(Map.of("OUTBOX_DIR", "relative/dir"), "relative");
    String dir = path.toString();
    assertUnavailable(Map.of("OUTBOX_DIR", dir, "OUTBOX_DURABILITY", "fast"), "'fast'");
    assertUnavailable(Map.of("OUTBOX_DIR", dir, "OUTBOX_MAX_BYTES", "1G"), "'1G'");
    assertUnavailable(Map.of("OUTBOX_DIR", dir, "OUTBOX_MAX_BYTES", "0"), "'0'");
    assertUnavailable(Map.of("OUTBOX_DIR", dir, "OUTBOX_MAX_BYTES", "+1000"), "'+1000'");
  }

  /** As the Python client and the relay do, before any link is followed. */
  @Test
  void a_path_is_taken_without_its_dots() throws IOException {
    Path elsewhere = Files.createDirectories(parent.resolve("releases/42"));
    Files.createSymbolicLink(parent.resolve("current"), elsewhere);
    Path dotted = parent.resolve("current/../outbox");
    try (Outbox given = Outbox.open(dotted);
        Outbox named = new OutboxBuilder(Map.of("OUTBOX_DIR", dotted.toString())).open()) {
      assertEquals(path, given.path());
      assertEquals(path, named.path());
      given.append(OutboxEvent.of("orders", "x"));
    }
    assertTrue(Files.exists(path.resolve("outbox.state")));
    assertFalse(Files.exists(parent.resolve("releases/outbox")));
  }

  private static void assertUnavailable(Map<String, String> environment, String text) {
    OutboxUnavailable error =
        assertThrows(OutboxUnavailable.class, () -> new OutboxBuilder(environment).open());
    assertTrue(error.getMessage().contains(text), error.getMessage());
  }

  private static Position position(UUID outbox, long sequence, long settledBytes) {
    return new Position(
        1,
        DeliveryMode.AT_LEAST_ONCE,
        sequence,
        new UUID(0, sequence),
        1,
        1,
        1,
        settledBytes,
        0,
        outbox,
        0);
  }
}
