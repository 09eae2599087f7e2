package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.FaultyDisk;
import dev.outboxrelay.client.files.CycleFacts;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.StateFile;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every operation of the writers' protocol goes wrong once, in every way: nothing that was acked is
 * lost, no sequence or entry is used twice, what was refused is not there, and a fresh writer goes
 * on.
 */
class FaultInjectionTest {
  private static final long HOUR = 3_600_000;

  /** So many that a writer allocates ahead. */
  private static final int MANY = 70;

  /** The cycle of the golden files begins here. */
  private static final long MIDNIGHT = 1_767_225_600_000L;

  @TempDir Path parent;

  private final List<UUID> acked = new ArrayList<>();
  private final List<UUID> refused = new ArrayList<>();
  private boolean interrupted;
  private final MutableClock clock = new MutableClock(MIDNIGHT + 600_000);

  /** Steps that are nothing but mapped stores: those do not fail halfway. */
  private static final Set<DiskStep> STORES =
      EnumSet.of(
          DiskStep.PUBLISH,
          DiskStep.WORD1,
          DiskStep.WORD2,
          DiskStep.INDEX,
          DiskStep.EOF,
          DiskStep.SYNCED);

  static Stream<Arguments> stepsAndFaults() {
    return Stream.of(DiskStep.values())
        .filter(step -> step != DiskStep.POSITION && step != DiskStep.CONTROL) // the relay's
        .flatMap(
            step ->
                Stream.of(
                        FaultyDisk.Fault.NO_SPACE,
                        FaultyDisk.Fault.IO_ERROR,
                        FaultyDisk.Fault.DEATH,
                        FaultyDisk.Fault.DEATH_HALFWAY)
                    .filter(fault -> !STORES.contains(step) || !fault.halfway())
                    .map(fault -> Arguments.of(step, fault)));
  }

  @ParameterizedTest
  @MethodSource("stepsAndFaults")
  void nothing_acked_is_lost_whichever_operation_goes_wrong(DiskStep step, FaultyDisk.Fault fault)
      throws IOException {
    int when = 1;
    while (faultStrikes(step, when, fault)) {
      when++;
    }
    assertTrue(when > 1, "the scenario has no operation for " + step);
  }

  @Test
  void a_fault_in_the_mapping_may_come_late_so_it_is_no_clean_failure() throws IOException {
    FaultyDisk disk = new FaultyDisk(DiskStep.PUBLISH, 1, FaultyDisk.Fault.IO_ERROR);
    UUID id = UUID.randomUUID();
    OutboxEvent event = OutboxEvent.builder("orders").value("text").eventId(id).build();
    try (QueueWriter writer = QueueWriter.open(options(parent.resolve("outbox")).withDisk(disk))) {
      OutboxError error = assertThrows(OutboxError.class, () -> writer.append(event));
      assertEquals(Optional.of(id), error.maybeAppended());
      assertEquals(List.of(id), error.maybeAppendedIds());
      assertEquals(id, writer.append(event).eventId());
    }
    assertEquals(List.of(id), ReadBack.eventIds(parent.resolve("outbox")));
  }

  @Test
  void the_check_fails_when_an_acked_record_was_never_published() throws IOException {
    Path outbox = parent.resolve("outbox");
    Golden.materialise(new Golden("small-layout").before(), outbox);
    List<UUID> before = ReadBack.eventIds(outbox);
    FaultyDisk disk = new FaultyDisk(DiskStep.PUBLISH, 2, FaultyDisk.Fault.LIE);
    run(options(outbox).withDisk(disk), disk, 2);
    assertThrows(AssertionError.class, () -> verify(outbox, before));
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"POSITION", "CONTROL"})
  void an_interrupt_at_any_operation_changes_nothing(DiskStep step) throws IOException {
    for (int when = 1; faultStrikes(step, when, FaultyDisk.Fault.INTERRUPT); when++) {
      assertTrue(interrupted, "the flag is kept");
      assertEquals(List.of(), refused);
      assertEquals((step == DiskStep.AHEAD ? MANY : 2) + 5 + 3, acked.size());
    }
    assertFalse(interrupted);
  }

  /** One run of the scenario with the n-th operation failing; false if there is no n-th. */
  private boolean faultStrikes(DiskStep step, int when, FaultyDisk.Fault fault) throws IOException {
    acked.clear();
    refused.clear();
    clock.set(MIDNIGHT + 600_000);
    Path outbox = parent.resolve(step + "-" + when);
    Golden.materialise(new Golden("small-layout").before(), outbox);
    List<UUID> before = ReadBack.eventIds(outbox);
    FaultyDisk disk = new FaultyDisk(step, when, fault);
    run(options(outbox).withDisk(disk), disk, step == DiskStep.AHEAD ? MANY : 2);
    if (disk.isDead()) {
      refused.clear(); // nobody was there to be told
    }
    clock.set(clock.millis() + 1);
    try (QueueWriter fresh = QueueWriter.open(options(outbox))) {
      append(fresh);
      append(fresh);
      append(fresh);
    }
    interrupted = Thread.interrupted();
    verify(outbox, before);
    return disk.happened();
  }

  /**
   * An index page is full at the start, the file rolls by time and by size, in both durabilities.
   */
  private void run(WriterOptions options, FaultyDisk disk, int appends) {
    try (QueueWriter writer = QueueWriter.open(options)) {
      for (int i = 0; i < appends; i++) {
        append(writer);
      }
      clock.set(clock.millis() + HOUR);
      append(writer);
      append(writer);
    } catch (OutboxError | FaultyDisk.Death e) {
      assertTrue(disk.happened(), "only the fault may end a run");
    }
    if (disk.isDead()) {
      return;
    }
    try (QueueWriter writer =
        QueueWriter.open(options.withDurability(Durability.POWER).withRollBytes(66_200))) {
      append(writer);
      append(writer);
      append(writer);
    } catch (OutboxError | FaultyDisk.Death e) {
      assertTrue(disk.happened(), "only the fault may end a run");
    }
  }

  private void append(QueueWriter writer) {
    UUID id = UUID.randomUUID();
    try {
      writer.append(OutboxEvent.builder("orders").value("some text").eventId(id).build());
      acked.add(id);
    } catch (OutboxError e) {
      if (e.maybeAppended().isEmpty()) {
        refused.add(id);
      }
    }
  }

  private void verify(Path outbox, List<UUID> before) throws IOException {
    List<OutboxRecord> records = ReadBack.all(outbox);
    List<UUID> ids = records.stream().map(OutboxRecord::eventId).toList();
    assertEquals(before, ids.subList(0, before.size()));
    assertTrue(ids.containsAll(acked), "an acked event is lost");
    assertEquals(ids.size(), new HashSet<>(ids).size(), "an event is there twice");
    for (UUID id : refused) {
      assertFalse(ids.contains(id), "a refused event is there");
    }
    List<UUID> inOrder = ids.stream().filter(acked::contains).toList();
    assertEquals(acked, inOrder);
    long last = 0;
    for (OutboxRecord record : records) {
      assertTrue(record.sequence() > last, "a sequence is used twice");
      last = record.sequence();
    }
    OutboxPaths paths = new OutboxPaths(outbox);
    Set<Long> unfinished = new HashSet<>(paths.cycles());
    for (long cycle : paths.cycles()) {
      List<OutboxRecord> inCycle = ReadBack.cycle(paths, cycle);
      for (int i = 0; i < inCycle.size(); i++) {
        assertEquals(i, inCycle.get(i).entry(), "an entry is missing or used twice");
      }
      if (CycleFacts.read(paths.cycle(cycle), OutboxIdentity.outboxOf(paths)).sealed()) {
        unfinished.remove(cycle);
      }
    }
    unfinished.remove(paths.cycles().get(paths.cycles().size() - 1));
    unfinished.removeAll(StateFile.read(paths.state()).orElseThrow().failedCycles());
    assertEquals(Set.of(), unfinished, "a reader would stay on these cycles");
  }

  private WriterOptions options(Path outbox) {
    return WriterOptions.of(new OutboxPaths(outbox))
        .withClock(clock)
        .withRandom(new Random(1))
        .withLockTimeout(Duration.ofSeconds(60));
  }
}
