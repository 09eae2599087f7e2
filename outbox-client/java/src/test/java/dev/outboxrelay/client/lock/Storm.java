package dev.outboxrelay.client.lock;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.outboxrelay.client.ChildProcess;
import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.record.OutboxRecord;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** Threads of several copies that append to one outbox beside another process. */
final class Storm {
  private static final Duration PATIENT = Duration.ofSeconds(60);

  private final Path path;
  private final int count;
  private final Durability durability;
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicBoolean over = new AtomicBoolean();
  private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Acked> acked = new ConcurrentLinkedQueue<>();
  private Thread interrupter;
  private Thread follower;

  private record Acked(long sequence, String what) {}

  /**
   * @param count of events that each thread appends
   */
  Storm(Path path, int count, Durability durability) {
    this.path = path;
    this.durability = durability;
    this.count = count;
  }

  /** Starts a thread that appends, and with {@code reopens} opens an outbox for each event. */
  void appendWith(ClientCopy copy, boolean reopens) {
    String name = threads.size() + "-";
    Thread thread =
        new Thread(
            () -> {
              try {
                append(copy, reopens, name);
              } catch (Throwable e) {
                failures.add(e);
              }
            });
    threads.add(thread);
    thread.start();
  }

  private void append(ClientCopy copy, boolean reopens, String name) throws Exception {
    ClientCopy.Writer writer = copy.open(path, PATIENT, durability);
    for (int i = 0; i < count; i++) {
      acked.add(new Acked(writer.append(name + i), name + i));
      if (reopens) {
        writer.close();
        writer = copy.open(path, PATIENT, durability);
      }
    }
    writer.close();
  }

  /** Interrupts the threads at random until they end. */
  void interruptAll() {
    interrupter =
        new Thread(
            () -> {
              Random random = new Random(1);
              while (!over.get()) {
                threads.get(random.nextInt(threads.size())).interrupt();
                LockSupport.parkNanos(random.nextInt(200_000));
              }
            });
    interrupter.start();
  }

  /** Takes in what another process acks, which prints it, until it is killed. */
  void follow(ChildProcess child) {
    follower =
        new Thread(
            () -> {
              try {
                String line;
                while ((line = child.readLine()) != null) {
                  String id = line.substring(line.indexOf(' ') + 1);
                  if (id.length() == 36) { // the last one may be torn
                    acked.add(new Acked(Long.parseLong(line, 0, line.indexOf(' '), 10), id));
                  }
                }
              } catch (IOException | RuntimeException e) {
                failures.add(e);
              }
            });
    follower.start();
  }

  /** Waits for the threads, and ends the process. */
  void join(ChildProcess child) throws InterruptedException {
    for (Thread thread : threads) {
      thread.join();
    }
    over.set(true);
    if (interrupter != null) {
      interrupter.join();
    }
    child.killOnly();
    follower.join();
    assertEquals(List.of(), List.copyOf(failures));
  }

  /** Whether what was acked is there, under the sequence that was told. */
  void verify(List<OutboxRecord> records) {
    Map<Long, OutboxRecord> found = new HashMap<>();
    for (OutboxRecord record : records) {
      assertEquals(null, found.put(record.sequence(), record), "a sequence was given twice");
    }
    for (Acked each : acked) {
      OutboxRecord record = found.get(each.sequence());
      String value = new String(record.value(), StandardCharsets.UTF_8);
      assertEquals(each.what(), each.what().length() == 36 ? record.eventId().toString() : value);
    }
  }
}
