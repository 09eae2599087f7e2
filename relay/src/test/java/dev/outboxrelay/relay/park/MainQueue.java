package dev.outboxrelay.relay.park;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleReader;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.cycle.CycleStep;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.files.DeliveryMode;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.lock.WritersLock;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordCodec;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.InFlights;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;

/** An outbox whose events are parked, on a disk whose syncs are noted and may fail. */
final class MainQueue {
  private static final int CRC_AT = 4;
  private static final int TOPIC_AT = 72 + 40;

  final OutboxPaths paths;

  /** What was synced, in order: a directory's name with a slash, or what for a file was. */
  final List<String> syncs = new ArrayList<>();

  /** The kinds of syncs that fail from now on. */
  final List<DiskStep> failing = new ArrayList<>();

  /** How many of the next syncs of cycles fail. */
  int failingCycles;

  /** How many are all right before that. */
  int soundCycles;

  /** The kinds of writes that fail from now on. */
  final List<DiskStep> failingWrites = new ArrayList<>();

  /** Done once, when a writer asks for the time next, before it has the lock. */
  Runnable beforeNextLock;

  private Instant now = Instant.parse("2026-03-01T10:00:00Z");

  MainQueue(Path root) {
    paths = new OutboxPaths(root);
  }

  WriterOptions options() {
    return WriterOptions.of(paths).withTrustParent(true).withClock(this::now).withDisk(disk());
  }

  private Instant now() {
    Runnable first = beforeNextLock;
    beforeNextLock = null;
    if (first != null) {
      first.run();
    }
    return now;
  }

  /** The real one; only names of directories and data of cycles and state count. */
  private Disk disk() {
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              if (method.getName().startsWith("sync")) {
                DiskStep step = (DiskStep) arguments[arguments.length - 1];
                syncs.add(
                    arguments[0] instanceof Path directory
                        ? directory.toRealPath().getFileName() + "/"
                        : step.toString());
                boolean fails =
                    step == DiskStep.PAYLOAD && --soundCycles < 0 && failingCycles-- > 0;
                if (fails || failing.contains(step)) {
                  throw new IOException("injected");
                }
                return null; // nothing here outlives the test
              }
              if (method.getName().equals("write") && failingWrites.contains(arguments[3])) {
                throw new IOException("injected");
              }
              try {
                return method.invoke(Disk.REAL, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  /** Time passes, so that each outbox goes on in another cycle. */
  void nextHour() {
    pass(Duration.ofHours(1));
  }

  void pass(Duration time) {
    now = now.plus(time);
  }

  /** Appends one event after the other as our clients do. */
  List<InFlight> append(OutboxEvent... events) throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      for (OutboxEvent event : events) {
        writer.append(event);
      }
    }
    return last(events.length);
  }

  /** An event of each topic. */
  List<InFlight> append(String... topics) throws IOException {
    List<OutboxEvent> events = new ArrayList<>();
    for (String topic : topics) {
      events.add(OutboxEvent.of(topic, "value"));
    }
    return append(events.toArray(OutboxEvent[]::new));
  }

  InFlight append(String topic) throws IOException {
    return append(new String[] {topic}).get(0);
  }

  /** Appends what our clients refuse. */
  InFlight appendAny(OutboxEvent event) throws IOException {
    WriterOptions any = options().withLimits(WriterOptions.parked(paths).limits());
    try (QueueWriter writer = QueueWriter.open(any)) {
      writer.append(event);
    }
    return last(1).get(0);
  }

  List<InFlight> appendAll(List<OutboxEvent> batch) throws IOException {
    try (QueueWriter writer = QueueWriter.open(options())) {
      writer.appendAll(batch);
    }
    return last(batch.size());
  }

  /** Two events with one sequence, as when a volume came back as it was an hour before. */
  List<InFlight> appendTwins(String topic) throws IOException {
    append(topic);
    Path cycle = paths.cycle(paths.cycles().get(0));
    byte[] state = Files.readAllBytes(paths.state());
    Path earlier = Files.copy(cycle, paths.root().resolve("earlier"));
    append(topic);
    Path later = Files.move(cycle, paths.root().resolve("later"));
    Files.write(paths.state(), state);
    Files.move(earlier, cycle);
    nextHour();
    append(topic);
    Files.delete(cycle);
    Files.move(later, cycle);
    return last(2);
  }

  private List<InFlight> last(int count) throws IOException {
    List<InFlight> all = new ArrayList<>();
    for (long cycle : paths.cycles()) {
      for (CycleEntry.Valid found : entries(paths, cycle)) {
        all.add(InFlights.event(cycle, found));
      }
    }
    return all.subList(all.size() - count, all.size());
  }

  OutboxIdentity identity() throws IOException {
    return OutboxIdentity.find(paths).orElseThrow();
  }

  /** As after a start of the relay that finds this position. */
  ParkedOutboxes open(long settled) throws IOException {
    return ParkedOutboxes.open(
        paths, identity(), settled, options(), new OpenSlots(OpenOutboxes.MOST));
  }

  /** What is parked of a topic, in order, damage and failed cycles included. */
  List<OutboxRecord> parked(String topic) throws IOException {
    return records(paths.parked(topic));
  }

  /** The source sequences of these. */
  List<Long> sequences(String topic) throws IOException {
    return parked(topic).stream().map(record -> Source.of(record).sequence()).toList();
  }

  static List<OutboxRecord> records(OutboxPaths paths) throws IOException {
    List<OutboxRecord> records = new ArrayList<>();
    for (long cycle : paths.cycles()) {
      try (CycleReader reader =
          CycleReader.open(paths.cycle(cycle), OutboxIdentity.outboxOf(paths))) {
        CycleStep step = reader.next(true);
        while (step instanceof CycleStep.Event || step instanceof CycleStep.Damage) {
          if (step instanceof CycleStep.Event event) {
            records.add(event.found().record());
          }
          step = reader.next(true);
        }
      }
    }
    return records;
  }

  /** The records of a sound cycle. */
  static List<CycleEntry.Valid> entries(OutboxPaths paths, long cycle) throws IOException {
    List<CycleEntry.Valid> found = new ArrayList<>();
    try (CycleScanner scanner =
        CycleScanner.open(paths.cycle(cycle), OutboxIdentity.outboxOf(paths))) {
      CycleEntry at = scanner.at(scanner.start());
      while (at instanceof CycleEntry.Valid valid) {
        found.add(valid);
        at = scanner.at(valid.next());
      }
    }
    return found;
  }

  /** An event whose record holds a topic that no client takes, in the place of one as long. */
  InFlight appendHostile(String topic) throws IOException {
    append("x".repeat(topic.length()));
    long cycle = paths.cycles().get(0);
    long at = entries(paths, cycle).get(0).offset();
    CycleId place = new CycleId(identity().outbox(), cycle);
    try (FileChannel file = FileChannel.open(paths.cycle(cycle), READ, WRITE)) {
      int length = (int) (entries(paths, cycle).get(0).next() - at - 4);
      ByteBuffer record = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
      file.read(record, at + 4);
      record.put(TOPIC_AT, topic.getBytes(US_ASCII));
      record.putInt(CRC_AT, crc(record, place, at));
      file.write(record.clear(), at + 4);
    }
    return last(1).get(0);
  }

  /** FORMAT.md, <i>The record</i>. */
  private static int crc(ByteBuffer record, CycleId place, long at) {
    ByteBuffer end = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
    RecordCodec.putUuid(end, 0, place.outbox());
    end.putLong(16, place.number()).putLong(24, at);
    CRC32 crc = new CRC32();
    crc.update(record.slice(72, record.capacity() - 72));
    crc.update(record.slice(8, 64));
    crc.update(end);
    return (int) crc.getValue();
  }

  /** Takes the bytes of a parked record, by its number. */
  void zero(OutboxPaths parked, int number) throws IOException {
    long cycle = parked.cycles().get(0);
    CycleEntry.Valid entry = entries(parked, cycle).get(number);
    try (FileChannel file = FileChannel.open(parked.cycle(cycle), WRITE)) {
      file.write(ByteBuffer.allocate((int) (entry.next() - entry.offset())), entry.offset());
    }
  }

  /** Has no writer go on in the newest cycle. */
  void breakEnd(OutboxPaths parked) throws IOException {
    long cycle = parked.cycles().get(0);
    List<CycleEntry.Valid> all = entries(parked, cycle);
    try (FileChannel file = FileChannel.open(parked.cycle(cycle), WRITE)) {
      file.write(ByteBuffer.allocate(4).putInt(0, 0x11111111), all.get(all.size() - 1).next());
    }
  }

  /** As the topic's own delivery saves it, behind the record with this sequence. */
  void savePosition(String topic, long sequence) throws IOException {
    OutboxPaths parked = paths.parked(topic);
    long cycle = parked.cycles().get(0);
    CycleEntry.Valid entry = entries(parked, cycle).get((int) sequence - 1);
    try (PositionFile file = PositionFile.open(parked.position(), Disk.REAL)) {
      file.save(
          new Position(
              1,
              DeliveryMode.AT_LEAST_ONCE,
              sequence,
              entry.record().eventId(),
              cycle,
              entry.next(),
              cycle << 32 | (sequence - 1),
              entry.next() - entries(parked, cycle).get(0).offset(),
              0,
              OutboxIdentity.outboxOf(parked),
              0));
    }
  }

  /** Size of the records of a topic. */
  long bytes(String topic) throws IOException {
    OutboxPaths parked = paths.parked(topic);
    List<CycleEntry.Valid> all = entries(parked, parked.cycles().get(0));
    return all.get(all.size() - 1).next() - all.get(0).offset();
  }

  /** On another thread, as the lock's own must not wait for itself. */
  void whileOthersHaveTheLock(OutboxPaths topic, Callable<?> work) throws Exception {
    ExecutorService another = Executors.newSingleThreadExecutor();
    try (WritersLock lock = new WritersLock(topic.lock(), Disk.REAL, new SplittableRandom(1))) {
      lock.acquire(Duration.ofSeconds(5));
      try {
        var unused = another.submit(work).get(60, TimeUnit.SECONDS);
      } finally {
        lock.release();
      }
    } finally {
      another.shutdown();
    }
  }
}
