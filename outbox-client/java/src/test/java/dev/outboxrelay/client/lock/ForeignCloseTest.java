package dev.outboxrelay.client.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.outboxrelay.client.ChildProcess;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.ReadBack;
import dev.outboxrelay.client.writing.WriterOptions;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Something else in the JVM reads the lock file while an append is under way. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ForeignCloseTest {
  /** Who appends but a few does not look whether it has the lock. */
  private static final int MANY = 1_000;

  @TempDir Path parent;
  private OutboxPaths paths;
  private DiskStep where;
  private String ackedToTheOther;

  @BeforeEach
  void name() {
    paths = new OutboxPaths(parent.resolve("outbox"));
  }

  private QueueWriter open() {
    return QueueWriter.open(WriterOptions.of(paths).withDisk(disk()).withRandom(new Random(1)));
  }

  /** Behind one step, once, the lock file is read, and another process appends. */
  private Disk disk() {
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              Object result;
              try {
                result = method.invoke(Disk.REAL, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
              if (where != null && arguments[arguments.length - 1] == where) {
                where = null;
                Files.readAllBytes(paths.lock());
                assertFalse(Kernel.holdsLock(paths.lock()));
                ackedToTheOther = appendByAnotherProcess();
              }
              return result;
            });
  }

  private String appendByAnotherProcess() throws Exception {
    try (ChildProcess child = ChildProcess.appending(paths.root(), 1)) {
      return child.readLine();
    }
  }

  private static void appendMany(QueueWriter writer) throws InterruptedException {
    for (int i = 0; i < MANY; i++) {
      writer.append(OutboxEvent.of("t", "x"));
    }
  }

  @Test
  void an_append_that_lost_the_lock_before_it_wrote_starts_over() throws Exception {
    try (QueueWriter writer = open()) {
      appendMany(writer);
      where = DiskStep.LOCK;
      Receipt receipt = writer.append(OutboxEvent.of("t", "x"));
      assertEquals(MANY + 2, receipt.sequence());
      List<OutboxRecord> records = ReadBack.all(paths.root());
      assertEquals(MANY + 2, records.size());
      assertEquals(ackedToTheOther, (MANY + 1) + " " + records.get(MANY).eventId());
      assertEquals(receipt.eventId(), records.get(MANY + 1).eventId());
    }
  }

  @Test
  void an_append_that_finds_its_place_taken_starts_over() throws Exception {
    try (QueueWriter writer = open()) {
      appendMany(writer);
      where = DiskStep.PAYLOAD;
      Receipt receipt = writer.append(OutboxEvent.of("t", "a longer one"));
      assertEquals(MANY + 2, receipt.sequence());
      List<OutboxRecord> records = ReadBack.all(paths.root());
      assertEquals(MANY + 2, records.size());
      assertEquals(ackedToTheOther, (MANY + 1) + " " + records.get(MANY).eventId());
      assertEquals(receipt.eventId(), records.get(MANY + 1).eventId());
    }
  }

  @Test
  void an_append_that_lost_the_lock_later_is_not_acked() throws Exception {
    try (QueueWriter writer = open()) {
      appendMany(writer);
      where = DiskStep.PUBLISH;
      UUID id = UUID.randomUUID();
      OutboxUnavailable error =
          assertThrows(
              OutboxUnavailable.class,
              () -> writer.append(OutboxEvent.builder("t").eventId(id).build()));
      assertTrue(error.getMessage().contains("opened and closed"), error.getMessage());
      assertEquals(id, error.maybeAppended().orElseThrow());
      Receipt receipt = writer.append(OutboxEvent.builder("t").eventId(id).build());
      List<OutboxRecord> records = ReadBack.all(paths.root());
      assertTrue(
          records.stream().anyMatch(each -> ackedToTheOther.endsWith(each.eventId().toString())));
      OutboxRecord last = records.get(records.size() - 1);
      assertEquals(receipt.eventId(), last.eventId());
      assertEquals(receipt.sequence(), last.sequence());
    }
  }
}
