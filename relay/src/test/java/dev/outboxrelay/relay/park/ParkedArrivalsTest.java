package dev.outboxrelay.relay.park;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.deliver.InFlights;
import dev.outboxrelay.relay.tail.Arrival;
import dev.outboxrelay.relay.tail.Arrivals;
import dev.outboxrelay.relay.tail.Bookmark;
import dev.outboxrelay.relay.tail.Intake;
import dev.outboxrelay.relay.tail.Place;
import dev.outboxrelay.relay.tail.Source;
import dev.outboxrelay.relay.tail.Tail;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParkedArrivalsTest {
  @TempDir private Path directory;
  private MainQueue queue;
  private long nanos;

  @BeforeEach
  void begin() {
    queue = new MainQueue(directory.resolve("outbox"));
  }

  private List<Arrival> read(Arrivals arrivals, int count) {
    List<Arrival> read = new ArrayList<>();
    for (int turns = 0; read.size() < count && turns < 1_000_000; turns++) {
      nanos += 1_000_000;
      Arrival next = arrivals.poll();
      if (next != null) {
        read.add(next);
      }
    }
    return read;
  }

  @Test
  void whatIsDeliveredIsWhatWasParkedAndSaysSo() throws IOException {
    InFlight original =
        queue
            .append(
                OutboxEvent.of("other", "x"),
                OutboxEvent.builder("t").key("k").header("h", "1").partition(3).build())
            .get(1);
    queue.nextHour();
    InFlight later = queue.append("t");
    queue.pass(Duration.ofDays(2));
    try (ParkedOutboxes parked = queue.open(0)) {
      parked.add(original);
      parked.add(later);
    }
    try (QueueWriter strange = QueueWriter.open(WriterOptions.parked(queue.paths.parked("t")))) {
      strange.append(OutboxEvent.of("t", "no source"));
    }
    OutboxPaths paths = queue.paths.parked("t");
    OutboxRecord onDisk = queue.parked("t").get(0);
    List<Arrival> read;
    try (Tail tail = new Tail(paths, OutboxIdentity.outboxOf(paths), fact -> {}, () -> nanos)) {
      ParkedArrivals arrivals =
          new ParkedArrivals(
              new Intake(tail, fact -> {}), queue.identity(), (here, there) -> false);
      arrivals.rewind(Bookmark.START);
      read = read(arrivals, 3);
      arrivals.rewind(bookmark((Arrival.Event) read.get(0)));
      assertThat(read(arrivals, 2)).isEqualTo(read.subList(1, 3));
    }

    Arrival.Event event = (Arrival.Event) read.get(0);
    OutboxIdentity outbox = queue.identity();
    assertThat(event.source())
        .isEqualTo(new Source(outbox.outbox(), outbox.generation(), 2, original.appendMillis()));
    assertThat(event.record().headers()).containsExactly(EventHeader.of("h", "1"));
    assertThat(event.record().appendTime()).isEqualTo(original.appendMillis());
    assertThat(event.record().sequence()).isEqualTo(1);
    assertThat(event.record().length()).isEqualTo(onDisk.length());
    assertThat(event.record().key()).asString().isEqualTo("k");
    assertThat(event.record().value()).isNull();
    assertThat(event.record().partition()).isEqualTo(3);
    assertThat(event.record().eventId()).isEqualTo(original.eventId());
    assertThat(event.record().timestamp()).isEqualTo(onDisk.timestamp());
    assertThat(((Arrival.Event) read.get(1)).source().sequence()).isEqualTo(3);
    assertThat(((Arrival.Event) read.get(2)).source()).isNull();
    assertThat(((Arrival.Event) read.get(2)).record().headers()).isEmpty();
  }

  private static Bookmark bookmark(Arrival.Event event) {
    return new Bookmark(
        new Place(event.cycle(), event.end(), event.record().entry() + 1L),
        event.record().sequence(),
        event.record().eventId(),
        event.settledBytes());
  }

  @Test
  void nobodyIsToldWhatBecomesOfAnEventOfAnotherOutbox() throws IOException {
    InFlight original = queue.append("t");
    try (ParkedOutboxes parked = queue.open(0)) {
      parked.add(original);
    }
    OutboxPaths paths = queue.paths.parked("t");
    OutboxIdentity later = new OutboxIdentity(queue.identity().outbox(), 2);
    try (Tail tail = new Tail(paths, OutboxIdentity.outboxOf(paths), fact -> {}, () -> nanos)) {
      ParkedArrivals arrivals =
          new ParkedArrivals(new Intake(tail, fact -> {}), later, (here, there) -> false);
      arrivals.rewind(Bookmark.START);
      Arrival.Event event = (Arrival.Event) read(arrivals, 1).get(0);
      assertThat(event.source()).isNull();
      assertThat(event.record().headers()).isEmpty();
      assertThat(event.record().appendTime()).isEqualTo(original.appendMillis());
    }
  }

  @Test
  void whatIsNoEventStaysAsItIs() {
    Queue<Arrival> given = new ArrayDeque<>();
    given.add(new Arrival.Damage(1, 2, 3, "crc", new Arrival.Lost(0, 0, 0, -1), 4));
    given.add(new Arrival.OtherFormat(1, 2, "later"));
    List<Arrival> expected = List.copyOf(given);
    ParkedArrivals arrivals =
        new ParkedArrivals(
            new Arrivals() {
              @Override
              public Arrival poll() {
                return given.poll();
              }

              @Override
              public void rewind(Bookmark to) {}
            },
            new OutboxIdentity(new UUID(0, 0), 1),
            (here, there) -> false);
    assertThat(read(arrivals, 2)).isEqualTo(expected);
    assertThat(arrivals.poll()).isNull();
  }

  @Test
  void aRecordInFlightKnowsItsSource() throws IOException {
    InFlight plain = queue.append("t");
    assertThat(plain.source()).isNull();
    long cycle = queue.paths.cycles().get(0);
    CycleEntry.Valid found = MainQueue.entries(queue.paths, cycle).get(0);
    Source source = new Source(new UUID(1, 2), 3, 4, 5);
    assertThat(InFlights.event(cycle, found, source).source()).isEqualTo(source);
  }

  @Test
  void aSourceStandsInFortyBytes() throws IOException {
    Source source = new Source(new UUID(0x0102030405060708L, 0x090A0B0C0D0E0F10L), 7, 258, -2);
    byte[] value = source.header().value();
    assertThat(value)
        .asHexString()
        .isEqualTo(
            "0102030405060708090A0B0C0D0E0F10"
                + "0700000000000000"
                + "0201000000000000"
                + "FEFFFFFFFFFFFFFF");
    assertThat(sourceOf("outbox-source", value)).isEqualTo(source);
    assertThat(sourceOf("outbox-sources", value)).isNull();
    assertThat(sourceOf("outbox-source", null)).isNull();
    assertThat(sourceOf("outbox-source", Arrays.copyOf(value, 39))).isNull();
    assertThat(sourceOf("outbox-source", Arrays.copyOf(value, 41))).isNull();
    byte[] later = value.clone();
    later[20] = 1;
    assertThat(sourceOf("outbox-source", later)).isNull();
    byte[] none = value.clone();
    Arrays.fill(none, 24, 32, (byte) 0);
    assertThat(sourceOf("outbox-source", none)).isNull();
  }

  private Source sourceOf(String name, byte[] value) throws IOException {
    queue.appendAny(OutboxEvent.builder("t").header(name, value).build());
    List<OutboxRecord> all = MainQueue.records(queue.paths);
    return Source.of(all.get(all.size() - 1));
  }
}
