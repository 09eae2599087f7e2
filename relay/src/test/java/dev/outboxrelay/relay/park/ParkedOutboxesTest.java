package dev.outboxrelay.relay.park;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.EventTooLarge;
import dev.outboxrelay.client.InvalidEvent;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.deliver.InFlight;
import dev.outboxrelay.relay.fact.Held;
import dev.outboxrelay.relay.settle.ParkedTopic;
import dev.outboxrelay.relay.tail.Source;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ParkedOutboxesTest {
  private static final UUID ID = new UUID(3, 4);

  @TempDir private Path directory;
  private MainQueue queue;

  @BeforeEach
  void begin() {
    queue = new MainQueue(directory.resolve("outbox"));
  }

  /** Parks it alone, and reads it back. */
  private OutboxRecord park(InFlight record) throws IOException {
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.add(record)).isTrue();
    }
    List<OutboxRecord> all = queue.parked(record.topic());
    return all.get(all.size() - 1);
  }

  private static void bringAll(ParkedOutboxes parked) throws IOException {
    while (parked.hasStaged()) {
      parked.bring();
    }
  }

  @Test
  void aParkedRecordIsItsOriginalWithOneHeaderMore() throws IOException {
    queue.append("t");
    InFlight original =
        queue
            .append(
                OutboxEvent.builder("t")
                    .key("k")
                    .value("v")
                    .header("a", "1")
                    .header("a", (byte[]) null)
                    .eventId(ID)
                    .timestamp(5)
                    .partition(7)
                    .build())
            .get(0);

    OutboxRecord copy = park(original);

    assertThat(copy.key()).asString().isEqualTo("k");
    assertThat(copy.value()).asString().isEqualTo("v");
    assertThat(copy.eventId()).isEqualTo(ID);
    assertThat(copy.timestamp()).isEqualTo(5);
    assertThat(copy.partition()).isEqualTo(7);
    OutboxIdentity outbox = queue.identity();
    Source source =
        new Source(outbox.outbox(), outbox.generation(), 2, queue.options().clock().millis());
    assertThat(copy.headers())
        .containsExactly(EventHeader.of("a", "1"), new EventHeader("a", null), source.header());
    assertThat(Source.of(copy)).isEqualTo(source);
  }

  @Test
  void whatIsMissingInTheOriginalIsMissingInTheCopy() throws IOException {
    OutboxRecord copy = park(queue.append(OutboxEvent.builder("t").build()).get(0));
    assertThat(copy.key()).isNull();
    assertThat(copy.value()).isNull();
    assertThat(copy.partition()).isNull();
    assertThat(copy.headers()).hasSize(1);
  }

  @Test
  void oneOfABatchIsParkedAsARecordOfItsOwn() throws IOException {
    List<OutboxEvent> batch =
        List.of(OutboxEvent.of("t", "1"), OutboxEvent.of("u", "2"), OutboxEvent.of("t", "3"));
    List<InFlight> originals = queue.appendAll(batch);
    park(originals.get(0));
    OutboxRecord copy = park(originals.get(2));
    assertThat(queue.sequences("t")).containsExactly(1L, 3L);
    assertThat(copy.batch()).isFalse();
    assertThat(copy.continued()).isFalse();
  }

  @Test
  void theLargestEventOfOursFits() throws IOException {
    String topic = "t".repeat(249);
    OutboxEvent.Builder event = OutboxEvent.builder(topic);
    int rest = (1 << 20) - 72 - 40 - topic.length() - 128 * (2 + 255 + 4);
    event.value(new byte[rest & ~3]);
    for (int i = 0; i < 128; i++) {
      event.header(String.format(Locale.ROOT, "%0255d", i), new byte[0]);
    }
    OutboxRecord copy = park(queue.append(event.build()).get(0));
    assertThat(copy.headers()).hasSize(129);
    assertThat(copy.value()).hasSize(rest & ~3);
  }

  @Test
  void whatOthersWroteIsParkedToo() throws IOException {
    EventHeader theirs = EventHeader.of(Source.HEADER, "x".repeat(40));
    OutboxEvent event =
        OutboxEvent.builder("__consumer_offsets")
            .headers(Collections.nCopies(500, EventHeader.of("", "v")))
            .headers(List.of(theirs))
            .build();
    OutboxRecord copy = park(queue.appendAny(event));
    assertThat(copy.headers()).hasSize(502).startsWith(EventHeader.of("", "v")).contains(theirs);
    assertThat(Source.of(copy).sequence()).isEqualTo(1);
  }

  @Test
  void whatHasNoRoomForTheHeaderIsRefused() throws IOException {
    byte[] value = new byte[RecordLimits.LONGEST_ENTRY - 72 - 40 - 4];
    InFlight longest = queue.appendAny(OutboxEvent.of("t", value));
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThatThrownBy(() -> parked.add(longest)).isInstanceOf(EventTooLarge.class);
      assertThat(parked.topic("t").isEmpty()).isTrue();
      assertThat(parked.add(queue.append("t"))).isTrue();
    }
  }

  @Test
  void anEventIsParkedOnceWhoeverAsks() throws IOException {
    List<InFlight> events = queue.append("t", "u", "t");
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.add(events.get(0))).isTrue();
      assertThat(parked.add(events.get(2))).isTrue();
      // a rewind asks again
      assertThat(parked.add(events.get(0))).isFalse();
      assertThat(parked.add(events.get(2))).isFalse();
    }
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.add(events.get(0))).isFalse();
      assertThat(parked.add(events.get(1))).isTrue();
      assertThat(parked.add(events.get(2))).isFalse();
      assertThat(parked.add(events.get(2))).isFalse();
      assertThat(parked.add(queue.append("t"))).isTrue();
    }
    assertThat(queue.sequences("t")).containsExactly(1L, 3L, 4L);
    assertThat(queue.sequences("u")).containsExactly(2L);
  }

  @Test
  void eventsOfAnOutboxThatWasHereBeforeAreOthers() throws IOException {
    park(queue.append("t"));
    try (DirectoryStream<Path> files = Files.newDirectoryStream(queue.paths.queue())) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    Files.delete(queue.paths.state());
    park(queue.append("t"));
    assertThat(queue.sequences("t")).containsExactly(1L, 1L);
  }

  @Test
  void eventsOfAnotherGenerationAreOthers() throws IOException {
    InFlight event = queue.append("t");
    park(event);
    OutboxIdentity next = new OutboxIdentity(queue.identity().outbox(), 2);
    try (ParkedOutboxes parked =
        ParkedOutboxes.open(queue.paths, next, 0, queue.options(), new OpenSlots(32))) {
      assertThat(parked.add(event)).isTrue();
    }
  }

  @Test
  void anotherEventThatARestoredVolumeGaveTheSameSequenceIsParkedToo() throws IOException {
    List<InFlight> twins = queue.appendTwins("t");
    assertThat(twins).extracting(InFlight::sequence).containsExactly(2L, 2L);
    try (ParkedOutboxes parked = queue.open(1)) {
      assertThat(parked.add(twins.get(0))).isTrue();
      assertThat(parked.add(twins.get(1))).isTrue();
      assertThat(parked.add(twins.get(0))).isFalse();
    }
    assertThat(queue.parked("t"))
        .extracting(OutboxRecord::eventId)
        .containsExactly(twins.get(0).eventId(), twins.get(1).eventId());
    try (ParkedOutboxes parked = queue.open(1)) {
      assertThat(parked.add(twins.get(0))).isFalse();
      assertThat(parked.add(twins.get(1))).isFalse();
    }
    Files.delete(queue.paths.parked("t").cycle(queue.paths.parked("t").cycles().get(0)));
    park(twins.get(0));
    try (ParkedOutboxes parked = queue.open(1)) {
      assertThat(parked.add(twins.get(1))).isTrue();
    }
  }

  @Test
  void whatWasInACycleThatIsDeletedByNowCountsAsParked() throws IOException {
    List<InFlight> events = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      events.add(queue.append("t"));
      park(events.get(i));
      queue.nextHour();
    }
    List<Long> cycles = queue.paths.parked("t").cycles();
    assertThat(cycles).hasSize(3);
    Files.delete(queue.paths.parked("t").cycle(cycles.get(0)));
    try (ParkedOutboxes parked = queue.open(0)) {
      for (InFlight event : events) {
        assertThat(parked.add(event)).isFalse();
      }
    }
  }

  @Test
  void anEmptyOrUnreadableNewestCycleHidesNoneOfThoseBefore() throws IOException {
    InFlight first = queue.append("t");
    park(first);
    long cycle = queue.paths.parked("t").cycles().get(0);
    Files.copy(queue.paths.parked("t").cycle(cycle), queue.paths.parked("t").cycle(cycle + 1));
    Path newest = Files.writeString(queue.paths.parked("t").cycle(cycle + 2), "no cycle");
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.add(first)).isFalse();
    }
    Files.delete(newest);
  }

  /** Bytes that came to disk later than those behind them, as a power cut may leave them. */
  @Test
  void whatAPowerCutTookFromTheMiddleIsParkedAgainAndAllBehindItInOrder() throws IOException {
    List<InFlight> events = queue.append("t", "t", "t", "t");
    try (ParkedOutboxes parked = queue.open(0)) {
      for (InFlight event : events) {
        parked.add(event);
      }
    }
    queue.zero(queue.paths.parked("t"), 2);
    try (ParkedOutboxes parked = queue.open(0)) {
      List<Boolean> isNew = new ArrayList<>();
      for (InFlight event : events) {
        isNew.add(parked.add(event));
      }
      assertThat(isNew).containsExactly(false, false, true, true);
    }
    assertThat(queue.sequences("t")).containsExactly(1L, 2L, 4L, 3L, 4L);
    // and what is there by now is not parked a third time
    try (ParkedOutboxes parked = queue.open(0)) {
      for (InFlight event : events) {
        assertThat(parked.add(event)).isFalse();
      }
    }
  }

  @Test
  void ofTenThousandTopicsAFewAreOpen() throws IOException {
    List<InFlight> events = new ArrayList<>();
    for (int i = 0; i < 3 * OpenOutboxes.MOST; i++) {
      events.add(queue.append("t" + i % (2 * OpenOutboxes.MOST)));
    }
    int before = descriptors();
    try (ParkedOutboxes parked = queue.open(0)) {
      for (InFlight event : events) {
        queue.pass(Duration.ofSeconds(1)); // a few are opened in each
        assertThat(parked.add(event)).isTrue();
      }
      assertThat(parked.hasStaged()).isFalse();
      int open = descriptors();
      assertThat(open - before).isBetween(OpenOutboxes.MOST, 10 * OpenOutboxes.MOST);
      parked.sync();
      assertThat(descriptors() - open).isLessThanOrEqualTo(OpenOutboxes.MOST + 2);
    }
    assertThat(descriptors()).isLessThanOrEqualTo(before + 2);
    assertThat(queue.sequences("t0")).containsExactly(1L, 1L + 2 * OpenOutboxes.MOST);
  }

  private static int descriptors() throws IOException {
    try (var all = Files.list(Path.of("/proc/self/fd"))) {
      return (int) all.count();
    }
  }

  @ParameterizedTest(name = "{index}")
  @ValueSource(strings = {"..", ".", "a/b", "../../outside", "a\0b", "a b"})
  void whatIsNoTopicsNameIsRefusedBeforeAPathIsMadeOfIt(String topic) throws IOException {
    InFlight hostile = queue.appendHostile(topic);
    assertThat(hostile.topic()).isEqualTo(topic);
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThatThrownBy(() -> parked.add(hostile)).isInstanceOf(InvalidEvent.class);
      assertThat(parked.topics()).isEmpty();
    }
    assertThat(queue.paths.parked()).doesNotExist();
    assertThat(directory.toFile().list()).containsExactly("outbox");
  }

  @Test
  void throughALinkInThePlaceOfTheDirectoryNothingIsParked() throws IOException {
    InFlight event = queue.append("t");
    Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
    ParkedOutboxes opened = queue.open(0);
    Files.createSymbolicLink(queue.paths.parked(), elsewhere);
    assertThat(opened.add(event)).isTrue();
    assertThat(opened.isStaged("t")).isTrue();
    assertThatThrownBy(() -> bringAll(opened)).hasMessageContaining("symbolic link");
    opened.close();
    assertThatThrownBy(() -> queue.open(0)).hasMessageContaining("symbolic link");
    assertThat(elsewhere).isEmptyDirectory();
  }

  @Test
  void aLinkInThePlaceOfATopicIsRefusedAndHoldsUpNoOther() throws IOException {
    List<InFlight> events = queue.append("t", "u");
    park(events.get(0));
    Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
    Files.createSymbolicLink(queue.paths.parked("u").root(), elsewhere);
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.topic("u").isEmpty()).isFalse();
      assertThat(parked.add(events.get(1))).isTrue();
      assertThat(parked.isStaged("u")).isTrue();
      assertThat(parked.add(queue.append("t"))).isTrue();
      parked.sync();
      assertThatThrownBy(() -> bringAll(parked)).hasMessageContaining("symbolic link");
    }
    assertThat(elsewhere).isEmptyDirectory();
  }

  @Test
  void whatIsParkedLandsInTheDirectoryThatWasOpenedOrNowhere() throws IOException {
    List<InFlight> events = queue.append("t", "u");
    park(events.get(0));
    Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
    try (ParkedOutboxes parked = queue.open(0)) {
      Files.move(queue.paths.parked(), directory.resolve("aside"));
      Files.createSymbolicLink(queue.paths.parked(), elsewhere);
      assertThat(parked.add(events.get(1))).isTrue();
      assertThatThrownBy(() -> bringAll(parked)).hasMessageContaining("replaced");
    }
    assertThat(elsewhere).isEmptyDirectory();
  }

  @Test
  void whatACreationThatWasCutShortLeftIsMended() throws IOException {
    InFlight event = queue.append("t");
    Files.createDirectories(queue.paths.parked("t").root());
    Files.createDirectories(queue.paths.parked().resolve("no topic"));
    Files.createDirectories(queue.paths.parked("damaged").queue());
    Files.write(queue.paths.parked("damaged").state(), new byte[100]);
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.topics()).containsOnlyKeys("t", "damaged");
      assertThat(parked.topic("t").isEmpty()).isTrue();
      assertThat(parked.topic("damaged").isEmpty()).isTrue();
      assertThat(parked.add(event)).isTrue();
    }
  }

  @Test
  void aStateThatIsLostHidesNothingThatWaits() throws IOException {
    park(queue.append("t"));
    Files.write(queue.paths.parked("t").state(), new byte[4096]);
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.topics().get("t").appendedSequence()).isEqualTo(1);
      assertThat(parked.topic("t").isEmpty()).isFalse();
    }
  }

  @Test
  void aStateThatLagsBehindItsCycleHidesNothingThatWaits() throws IOException {
    List<InFlight> events = queue.append("t", "t");
    park(events.get(0));
    byte[] before = Files.readAllBytes(queue.paths.parked("t").state());
    park(events.get(1));
    Files.write(queue.paths.parked("t").state(), before);
    queue.savePosition("t", 1);
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.topic("t").isEmpty()).isFalse();
    }
  }

  @Test
  void howMuchIsHeldFollowsAppendsAndTheTopicsOwnPositions() throws IOException {
    List<InFlight> events = queue.append("t", "t", "u");
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.topic("t").isEmpty()).isTrue();
      for (InFlight event : events) {
        parked.add(event);
      }
      assertThat(parked.topic("t").isEmpty()).isFalse();
      parked.sync();
      long inT = queue.bytes("t");
      assertThat(parked.topics())
          .containsEntry("t", new ParkedTopic(2, 0, inT))
          .containsEntry("u", new ParkedTopic(1, 0, queue.bytes("u")));
      assertThat(parked.held().bytes()).isEqualTo(inT + queue.bytes("u"));

      queue.savePosition("t", 1);
      parked.settled("t");
      parked.settled("unknown");
      assertThat(parked.topics().get("t").heldEvents()).isEqualTo(1);
      assertThat(parked.topics().get("t").heldBytes()).isBetween(1L, inT - 1);
      assertThat(parked.topic("t").isEmpty()).isFalse();

      queue.savePosition("t", 2);
      parked.settled("t");
      assertThat(parked.topic("t").isEmpty()).isTrue();
      assertThat(parked.held().bytes()).isEqualTo(queue.bytes("u"));
    }
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.topic("t").isEmpty()).isTrue();
      assertThat(parked.topic("u").isEmpty()).isFalse();
      assertThat(parked.held().bytes()).isEqualTo(queue.bytes("u"));
    }
  }

  @Test
  void theOldestEventIsTheHeadOfALaneWhoeverLooks() throws IOException {
    long first = queue.options().clock().millis();
    List<InFlight> events = new ArrayList<>(queue.append("t", "u"));
    queue.nextHour();
    events.add(queue.append("t"));
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.held()).isEqualTo(Held.NOTHING);
      queue.nextHour();
      for (InFlight event : events) {
        parked.add(event);
      }
      parked.sync();
      assertThat(parked.held().oldestMillis()).hasValue(first);
      assertThat(ParkedFiles.read(queue.paths)).isEqualTo(parked.held());

      queue.savePosition("u", 1);
      queue.savePosition("t", 1);
      parked.settled("u");
      parked.settled("t");
      assertThat(parked.held().oldestMillis()).hasValue(first + 3_600_000);
      assertThat(parked.held().topics()).isEqualTo(1);
      assertThat(parked.held().largest())
          .containsExactly(new Held.Topic("t", 1, parked.held().bytes()));
      assertThat(ParkedFiles.read(queue.paths)).isEqualTo(parked.held());
    }
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.held().oldestMillis()).hasValue(first + 3_600_000);
      queue.savePosition("t", 2);
      parked.settled("t");
      assertThat(parked.held()).isEqualTo(Held.NOTHING);
      assertThat(ParkedFiles.read(queue.paths)).isEqualTo(Held.NOTHING);
    }
  }

  @Test
  void fromOutsideWhatCannotBeReadCountsAsAnEventAndALinkIsNotFollowed() throws IOException {
    assertThat(ParkedFiles.read(queue.paths)).isEqualTo(Held.NOTHING);
    Files.createDirectories(queue.paths.parked().resolve("broken"));
    Files.createSymbolicLink(queue.paths.parked().resolve("link"), queue.paths.root());
    Files.createDirectories(queue.paths.parked().resolve("no topic"));
    assertThat(ParkedFiles.read(queue.paths).largest())
        .containsExactly(new Held.Topic("broken", 1, 0), new Held.Topic("link", 1, 0));
  }

  private void replay(ParkedOutboxes parked, InFlight of, long letter) throws IOException {
    OutboxRecord original =
        MainQueue.records(queue.paths).stream()
            .filter(record -> record.sequence() == of.sequence())
            .findFirst()
            .orElseThrow();
    OutboxIdentity outbox = queue.identity();
    parked.replay(
        of.topic(),
        original,
        new Source(outbox.outbox(), outbox.generation(), of.sequence(), original.appendTime())
            .replayedBy(new Source.Letter(ID, letter)));
    parked.syncOf(of.topic());
  }

  @Test
  void whatIsSentOnceMoreChangesNothingOfWhatCountsAsParked() throws IOException {
    List<InFlight> events = queue.append("t", "t", "t");
    try (ParkedOutboxes parked = queue.open(0)) {
      assertThat(parked.add(events.get(1))).isTrue();
      assertThat(parked.add(events.get(2))).isTrue();
      replay(parked, events.get(0), 1);
      assertThat(parked.lastParked("t")).isEqualTo(3);
      assertThat(parked.topic("t").heldEvents()).isEqualTo(3);
    }
    try (ParkedOutboxes parked = queue.open(1)) {
      assertThat(parked.add(events.get(1))).isFalse();
      assertThat(parked.lastParked("t")).isEqualTo(3);
      assertThat(parked.add(events.get(2))).isFalse();
      assertThat(parked.replays("t", letter -> letter.deadLetters().equals(ID)))
          .extracting(source -> source.letter().number())
          .containsExactly(1L);
      assertThat(parked.replays("t", letter -> false)).isEmpty();
      assertThat(parked.add(queue.append("t"))).isTrue();
    }
    assertThat(queue.sequences("t")).containsExactly(2L, 3L, 1L, 4L);
  }

  @Test
  void whereNothingElseWaitsARestartKeepsNothingBackForIt() throws IOException {
    List<InFlight> events = queue.append("t", "t", "u", "u");
    try (ParkedOutboxes parked = queue.open(0)) {
      replay(parked, events.get(0), 1);
      replay(parked, events.get(1), 2);
      replay(parked, events.get(2), 3);
      parked.add(events.get(3));
      parked.sync();
      assertThat(parked.topic("t").keepsOrder()).isFalse();
      assertThat(parked.topic("u").keepsOrder()).isTrue();
    }
    try (ParkedOutboxes parked = queue.open(4)) {
      assertThat(parked.pollReplayed()).isEqualTo("t");
      assertThat(parked.pollReplayed()).isNull();
      assertThat(parked.topic("t").keepsOrder()).isFalse();
      assertThat(parked.topic("t").heldEvents()).isEqualTo(2);
      assertThat(parked.topic("u").orderedSequence()).isEqualTo(2);
      replay(parked, events.get(0), 4);
      assertThat(parked.topic("t").keepsOrder()).isFalse();
      assertThat(parked.topic("u").keepsOrder()).isTrue();
    }
  }

  @Test
  void whatIsSentOnceMoreIsSafeWithTheNamesThatLeadToIt() throws IOException {
    InFlight event = queue.append("t");
    try (ParkedOutboxes parked = queue.open(1)) {
      queue.syncs.clear();
      replay(parked, event, 1);
      assertThat(queue.syncs).contains("queue/", "t/", "parked/", "outbox/", "PAYLOAD");
      queue.syncs.clear();
      replay(parked, event, 2);
      assertThat(queue.syncs).contains("PAYLOAD").doesNotContain("parked/");
    }
  }

  @Test
  void aCycleThatBeginsWithWhatIsSentOnceMoreStillTellsWhatWasParkedBeforeIt() throws IOException {
    List<InFlight> events = queue.append("t", "t", "t", "t");
    try (ParkedOutboxes parked = queue.open(0)) {
      parked.add(events.get(1));
      parked.sync();
      queue.nextHour();
      replay(parked, events.get(0), 1);
      parked.add(events.get(2));
      parked.add(events.get(3));
    }
    Files.delete(queue.paths.parked("t").cycle(queue.paths.parked("t").cycles().get(0)));
    try (ParkedOutboxes parked = queue.open(1)) {
      assertThat(parked.add(events.get(1))).isFalse(); // it was in the cycle that is gone
      assertThat(parked.add(events.get(2))).isFalse();
      assertThat(parked.add(events.get(3))).isFalse();
    }
  }
}
