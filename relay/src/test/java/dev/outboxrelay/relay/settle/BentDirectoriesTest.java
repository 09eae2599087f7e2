package dev.outboxrelay.relay.settle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.HeldDirectories;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deadletter.DeadLetters;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.InFlights;
import dev.outboxrelay.relay.deliver.Settled;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.park.OpenSlots;
import dev.outboxrelay.relay.park.ParkedOutboxes;
import dev.outboxrelay.relay.tail.Place;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whenever an owner points directories at another's: what the relay writes lands in its own. */
class BentDirectoriesTest {
  private static final List<String> DIRECTORIES =
      List.of(
          "",
          "queue",
          "quarantine",
          "dead-letters",
          "dead-letters/queue",
          "parked",
          "parked/t",
          "parked/t/queue");

  /** Each operation under TORTURE=1, else every fourth, another one for each directory. */
  private static final int STRIDE = "1".equals(System.getenv("TORTURE")) ? 1 : 4;

  private static final long HOUR = 3_600_000;
  private static final Verdict.DeadLetter REFUSED =
      new Verdict.DeadLetter(DeadLetterReason.TOO_LARGE, "too large", true);

  @TempDir private Path directory;
  private OutboxPaths victim;
  private long nanos;
  private int operations;
  private int bendBefore;
  private Runnable bend;

  @BeforeEach
  void fillTheVictim() throws IOException {
    victim = outbox("victim");
    // All that the relay would find and change there, were it led astray.
    Files.createDirectories(victim.quarantine());
    try (QueueWriter letters =
        QueueWriter.open(WriterOptions.deadLetters(victim).withTrustParent(true))) {
      letters.append(OutboxEvent.of("t", "its own"));
    }
    Files.createDirectories(victim.parked());
    try (QueueWriter parked =
        QueueWriter.open(WriterOptions.parked(victim.parked("t")).withTrustParent(true))) {
      parked.append(OutboxEvent.of("t", "its own"));
    }
  }

  @Test
  void whateverTheRelayDoesJustThenAnotherOutboxStaysAsItIs() throws IOException {
    Map<String, String> before = contents(victim.root());
    bend = () -> {};
    bendBefore = -1;
    OutboxPaths straight = outbox("straight");
    serve(straight, "");
    assertThat(straight.parked("t").cycles()).isNotEmpty();
    assertThat(straight.position()).exists();
    int all = operations;
    assertThat(all).isGreaterThan(40);
    for (String what : DIRECTORIES) {
      for (int i = DIRECTORIES.indexOf(what) % STRIDE; i < all; i += STRIDE) {
        OutboxPaths bent = outbox("bent" + DIRECTORIES.indexOf(what) + "-" + i);
        bendBefore = i;
        bend = () -> point(bent.root(), what);
        serve(bent, what);
        assertThat(contents(victim.root())).as(what + " before operation " + i).isEqualTo(before);
      }
    }
  }

  /** Three cycles of one event each: a dead letter, damage, and what stays. */
  private OutboxPaths outbox(String name) throws IOException {
    OutboxPaths paths = new OutboxPaths(directory.resolve(name));
    for (long hour = 1; hour <= 3; hour++) {
      Instant now = Instant.ofEpochMilli(hour * HOUR);
      try (QueueWriter writer = QueueWriter.open(options(paths).withClock(() -> now))) {
        writer.append(OutboxEvent.of("t", "value"));
      }
    }
    return paths;
  }

  private static WriterOptions options(OutboxPaths paths) {
    return WriterOptions.of(paths).withTrustParent(true).withDisk(unsynced(() -> {}));
  }

  private void serve(OutboxPaths paths, String what) throws IOException {
    operations = 0;
    OutboxIdentity outbox = OutboxIdentity.find(paths).orElseThrow();
    InFlight refused = event(paths, outbox.outbox(), 1);
    WriterOptions options =
        options(paths)
            .withDisk(unsynced(this::step))
            .withClock(() -> Instant.ofEpochMilli(3 * HOUR));
    Clocks clocks = new Clocks(() -> nanos, () -> Instant.ofEpochMilli(3 * HOUR));
    try (HeldDirectories held = HeldDirectories.hold(paths)) {
      step();
      DeadLetters letters =
          new DeadLetters(
              held.paths(), held.paths(), outbox, 0, options, clocks.wall(), OptionalLong.empty());
      step();
      Outcomes outcomes = Outcomes.open(held.paths(), 0, options.disk());
      step();
      Settler settler =
          Settler.open(
              new Settler.Owner(outbox.outbox(), outbox.generation()),
              new Settler.Places(null, letters, outcomes, null, () -> 0),
              options,
              held,
              new Settler.Pace(Duration.ofMillis(1), Duration.ZERO),
              clocks,
              null);
      step();
      try (ParkedOutboxes parked =
          ParkedOutboxes.open(held.paths(), outbox, 0, options, new OpenSlots(32))) {
        step();
        parked.add(refused);
        step();
        parked.sync();
      }
      step();
      settler.deadLetter(refused, REFUSED);
      turn(settler);
      step();
      settler.quarantine(InFlights.damage(2, 0x10110, 0x10110 + 100), "crc");
      turn(settler);
      step();
      settler.undelivered(1, 1, InFlight.Outcome.DEAD);
      settler.settled(new Settled(2, new UUID(0, 2), new Place(3, 0x10110, 0), 200));
      turn(settler);
      step();
      settler.seal(2);
      turn(settler);
      settler.close();
    } catch (OutboxError | IOException e) {
      assertThat(what).isNotNull(); // refused, which is as good
    }
  }

  private void turn(Settler settler) {
    nanos += Duration.ofSeconds(10).toNanos();
    for (int i = 0; i < 5; i++) {
      var unused = settler.doWork();
    }
  }

  private InFlight event(OutboxPaths paths, UUID outbox, long cycle) throws IOException {
    try (CycleScanner scanner = CycleScanner.open(paths.cycle(cycle), outbox)) {
      return InFlights.event(cycle, (CycleEntry.Valid) scanner.at(scanner.start()));
    }
  }

  private void step() {
    if (operations++ == bendBefore) {
      bend.run();
    }
  }

  /** The real one, but that it syncs nothing, which would take most of the time. */
  private static Disk unsynced(Runnable beforeEach) {
    return (Disk)
        Proxy.newProxyInstance(
            Disk.class.getClassLoader(),
            new Class<?>[] {Disk.class},
            (proxy, method, arguments) -> {
              beforeEach.run();
              if (method.getName().startsWith("sync")) {
                return null;
              }
              try {
                return method.invoke(Disk.REAL, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private void point(Path bent, String what) {
    Path from = bent.resolve(what);
    try {
      if (Files.exists(from)) {
        Files.move(from, from.resolveSibling("moved-" + UUID.randomUUID()));
      }
      if (Files.exists(from.getParent())) {
        Files.createSymbolicLink(from, victim.root().resolve(what));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, String> contents(Path root) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path file : (Iterable<Path>) all::iterator) {
        String text = "directory";
        if (Files.isRegularFile(file)) {
          byte[] start = new byte[80 << 10];
          try (InputStream in = Files.newInputStream(file)) {
            text = Files.size(file) + " " + in.readNBytes(start, 0, start.length);
          }
          text += " " + Arrays.hashCode(start);
        }
        contents.put(root.relativize(file).toString(), text);
      }
    }
    return contents;
  }
}
