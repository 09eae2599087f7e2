package dev.outboxrelay.relay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.cycle.CycleEntry;
import dev.outboxrelay.client.cycle.CycleScanner;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.record.CycleId;
import dev.outboxrelay.relay.inspect.GoldenOutbox;
import dev.outboxrelay.relay.inspect.Records;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineRefused;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What disks, crashes and operators do to a queue costs no event that is still readable. */
class DamageIT extends BrokerTest {

  @Test
  void aRecordWithAFlippedByteIsQuarantinedAndTheRestFlows() throws Exception {
    broker().createTopic("flipped", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("flipped", 1, 4);
      Receipt damaged = outbox.append("flipped", "5");
      outbox.append("flipped", 6, 5);
      long cycle = outbox.newestCycle();
      List<Long> offsets = outbox.offsets(cycle);
      outbox.flipByte(cycle, offsets.get(5) - 4);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(10);
        assertThat(relay.told().quarantined()).containsExactly("crc");
        assertThat(outbox.waitDelivered(damaged, Duration.ofSeconds(60)))
            .isEqualTo(DeliveryOutcome.QUARANTINED);
        outbox.append("flipped", 11, 5);
        relay.awaitSaved(15);
      }
      String place = damaged.outbox() + "-1-" + cycle + "-" + offsets.get(4);
      assertThat(quarantine()).containsExactly(place + ".bin");
      assertThat(Files.size(outbox.paths().quarantine().resolve(quarantine().get(0))))
          .isEqualTo(offsets.get(5) - offsets.get(4));
    }
    List<String> expected = numbers(1, 15);
    expected.remove("5");
    assertThat(values("flipped")).isEqualTo(expected);
  }

  @Test
  void ofABatchThatIsNotWholeNothingIsDeliveredAndEachOfItsEventsToldSo() throws Exception {
    broker().createTopic("torn", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("torn", 1, 3);
      List<Receipt> batch = outbox.appendBatch("torn", 4, 5);
      outbox.append("torn", 9, 2);
      long cycle = outbox.newestCycle();
      outbox.flipByte(cycle, outbox.offsets(cycle).get(6) - 4);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(10);
        assertThat(relay.told().quarantined())
            .containsExactly("incomplete-batch", "crc", "incomplete-batch");
        assertThat(relay.told().missing()).isEmpty();
        for (Receipt receipt : batch) {
          assertThat(outbox.waitDelivered(receipt, Duration.ofSeconds(60)))
              .isEqualTo(DeliveryOutcome.QUARANTINED);
        }
        outbox.appendBatch("torn", 11, 3);
        relay.awaitSaved(13);
      }
    }
    List<String> expected = numbers(1, 13);
    expected.removeAll(numbers(4, 8));
    assertThat(values("torn")).isEqualTo(expected);
  }

  @Test
  void anEventThatIsForgedInsideOfAValueIsNeverDelivered() throws Exception {
    broker().createTopic("payload", 1, Map.of());
    broker().createTopic("payments", 1, Map.of());
    List<Receipt> whole = new ArrayList<>();
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("payload", 1, 4);
      CycleId cycle = new CycleId(OutboxIdentity.outboxOf(outbox.paths()), outbox.newestCycle());
      long place = outbox.offsets(cycle.number()).get(3);
      OutboxEvent event = OutboxEvent.builder("payments").key("k").value("pay mallory").build();
      ByteBuffer unbound = Records.entry(event, 1L << 40, 1 << 30, cycle, 0);
      Records.signUnbound(unbound.slice(4, unbound.limit() - 4));
      // The record behind the third one, as far as anybody may know before it is appended.
      ByteBuffer elsewhere = Records.entry(event, 6, 5, cycle, place);
      for (ByteBuffer forged : List.of(unbound, elsewhere)) {
        outbox.append(OutboxEvent.builder("payload").key("key!").value(aligned(forged)).build());
        whole.add(outbox.append("payload", "behind"));
      }
      List<Long> offsets = outbox.offsets(cycle.number());
      for (int damaged : List.of(4, 6)) {
        int length = (int) (offsets.get(damaged + 1) - offsets.get(damaged) - 4);
        outbox.overwriteHeader(cycle.number(), offsets.get(damaged), length | 1 << 28);
      }
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(8);
        assertThat(relay.told().quarantined()).containsExactly("hostile-length", "hostile-length");
        assertThat(relay.told().missing()).containsExactly("5-5", "7-7");
        for (Receipt receipt : whole) {
          assertThat(outbox.waitDelivered(receipt, Duration.ofSeconds(60)))
              .isEqualTo(DeliveryOutcome.DELIVERED);
        }
        Receipt later = outbox.append("payload", "later");
        relay.awaitSaved(later.sequence());
      }
    }
    assertThat(values("payments")).isEmpty();
    assertThat(values("payload")).containsExactly("1", "2", "3", "4", "behind", "behind", "later");
  }

  /** Behind 72 bytes, the topic and a key of four, the value begins at a multiple of 4 + 3. */
  private static byte[] aligned(ByteBuffer forged) {
    int padding = -"payload".length() & 3;
    byte[] value = new byte[padding + forged.limit() + 4];
    forged.get(0, value, padding, forged.limit());
    return value;
  }

  @Test
  void damageAtTheVeryEndThatIsSettledDoesNotKeepARelayFromStarting() throws Exception {
    broker().createTopic("last", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("last", 1, 3);
      long cycle = outbox.newestCycle();
      outbox.flipByte(cycle, outbox.offsets(cycle).get(3) - 4);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(3);
        assertThat(relay.told().quarantined()).containsExactly("crc");
      }
    }
    try (RelayUnderTest relay = relay();
        OutboxUnderTest outbox = outbox()) {
      outbox.append("last", 4, 2);
      relay.awaitSaved(5);
    }
    assertThat(values("last")).containsExactly("1", "2", "4", "5");
  }

  @Test
  void beforeWhatALaterVersionWroteTheRelayStopsAndLeavesIt() throws Exception {
    broker().createTopic("orders", 1, Map.of());
    GoldenOutbox golden = GoldenOutbox.create("later-version-in-the-middle", outboxDirectory());
    Path file = golden.paths().cycle(golden.paths().cycles().get(0));
    byte[] before = Files.readAllBytes(file);
    try (RelayUnderTest relay = relay()) {
      assertThat(relay.end()).isInstanceOf(PipelineEnd.OtherFormat.class);
      assertThat(((PipelineEnd.OtherFormat) relay.end()).error())
          .contains("a record of a later version: upgrade");
      assertThat(relay.told().quarantined()).isEmpty();
      assertThat(relay.told().missing()).isEmpty();
    }
    assertThat(PositionFile.find(golden.paths().position()).orElseThrow().sequence())
        .isEqualTo(golden.sequences().get(golden.sequences().size() - 1));
    assertThat(Files.exists(golden.paths().quarantine())).isFalse();
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
    assertThat(values("orders")).hasSize(golden.sequences().size());
  }

  @Test
  void behindAHostileLengthTheNextValidRecordIsFound() throws Exception {
    broker().createTopic("hostile", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("hostile", 1, 10);
      long cycle = outbox.newestCycle();
      List<Long> offsets = outbox.offsets(cycle);
      outbox.overwriteHeader(cycle, offsets.get(4), 0x2FFFFFFF);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(10);
        assertThat(relay.told().quarantined()).containsExactly("hostile-length");
        assertThat(relay.told().standstills()).hasSize(1);
        assertThat(relay.told().missing()).containsExactly("5-5");
        outbox.append("hostile", 11, 10);
        relay.awaitSaved(20);
        outbox.nextCycle();
        outbox.append("hostile", 21, 10);
        relay.awaitSaved(30);
        assertThat(relay.told().quarantined()).hasSize(1);
      }
    }
    List<String> expected = numbers(1, 30);
    expected.remove("5");
    assertThat(values("hostile")).isEqualTo(expected);
  }

  @Test
  void aWrongLengthThatSwallowsItsSuccessorsIsSeenThrough() throws Exception {
    broker().createTopic("swallowed", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("swallowed", 1, 50);
      long cycle = outbox.newestCycle();
      List<Long> offsets = outbox.offsets(cycle);
      int tooLong = (int) (offsets.get(30) - offsets.get(10) - 4);
      outbox.overwriteHeader(cycle, offsets.get(10), tooLong);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(50);
        assertThat(relay.told().quarantined()).containsExactly("not-a-record");
        assertThat(relay.told().missing()).containsExactly("11-11");
      }
    }
    List<String> expected = numbers(1, 50);
    expected.remove("11");
    assertThat(values("swallowed")).isEqualTo(expected);
  }

  @Test
  void aCycleWhoseFirstPageIsZeroedIsSalvagedInItsPlaceInTheOrder() throws Exception {
    broker().createTopic("zeroed", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("zeroed", 1, 10);
      outbox.nextCycle();
      outbox.append("zeroed", 11, 10);
      long damaged = outbox.newestCycle();
      outbox.nextCycle();
      outbox.append("zeroed", 21, 10);
      outbox.overwrite(damaged, 0, new byte[4096]);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(30);
        assertThat(relay.told().missing()).isEmpty();
        outbox.append("zeroed", 31, 10);
        relay.awaitSaved(40);
      }
    }
    assertThat(values("zeroed")).isEqualTo(numbers(1, 40));
  }

  @Test
  void theNewestCycleWithAZeroedFirstPageIsSalvagedWhileWritersGoOnInTheNextOne() throws Exception {
    broker().createTopic("zeroed-newest", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("zeroed-newest", 1, 10);
      outbox.overwrite(outbox.newestCycle(), 0, new byte[4096]);
    }
    try (RelayUnderTest relay = relay();
        OutboxUnderTest outbox = outbox()) {
      relay.awaitSettled(10);
      outbox.append("zeroed-newest", 11, 10);
      relay.awaitSaved(20);
    }
    assertThat(values("zeroed-newest")).isEqualTo(numbers(1, 20));
  }

  @Test
  void aHoleInTheChainIsPassedAndToldAsMissing() throws Exception {
    broker().createTopic("hole", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("hole", 1, 20);
      long cycle = outbox.newestCycle();
      List<Long> offsets = outbox.offsets(cycle);
      outbox.overwrite(cycle, offsets.get(5), new byte[(int) (offsets.get(8) - offsets.get(5))]);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(20);
        assertThat(relay.told().missing()).containsExactly("6-8");
      }
    }
    List<String> expected = numbers(1, 20);
    expected.removeAll(numbers(6, 8));
    assertThat(values("hole")).isEqualTo(expected);
  }

  @Test
  void aMissingEndMarkIsPassedAndMended() throws Exception {
    broker().createTopic("endless", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("endless", 1, 10);
      long first = outbox.newestCycle();
      outbox.nextCycle();
      outbox.append("endless", 11, 10);
      outbox.nextCycle();
      outbox.append("endless", 21, 10);
      List<Long> offsets = outbox.offsets(first);
      outbox.overwriteHeader(first, offsets.get(10), 0);
      try (RelayUnderTest relay = relay("OUTBOX_RETAIN", "48h")) {
        relay.awaitSaved(30);
        assertThat(relay.told().missingEnds()).containsExactly(first);
        await()
            .atMost(RelayUnderTest.PATIENCE)
            .untilAsserted(
                () ->
                    assertThat(entryAt(outbox, first, offsets.get(10)))
                        .isInstanceOf(CycleEntry.Eof.class));
      }
    }
    assertThat(values("endless")).isEqualTo(numbers(1, 30));
  }

  @Test
  void settledCyclesAreDeletedAndTheNewestNever() throws Exception {
    broker().createTopic("deleting", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      for (int i = 0; i < 4; i++) {
        outbox.append("deleting", 10 * i + 1, 10);
        outbox.nextCycle();
      }
      long newest = outbox.newestCycle();
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(40);
        await()
            .atMost(RelayUnderTest.PATIENCE)
            .untilAsserted(() -> assertThat(outbox.paths().cycles()).containsExactly(newest));
        outbox.append("deleting", 41, 10);
        relay.awaitSaved(50);
      }
      try (RelayUnderTest relay = relay()) {
        outbox.append("deleting", 51, 10);
        relay.awaitSaved(60);
      }
    }
    assertThat(values("deleting")).isEqualTo(numbers(1, 60));
  }

  @Test
  void cyclesAreKeptAsLongAsTheyAreToBeRetained() throws Exception {
    broker().createTopic("retained", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("retained", 1, 10);
      outbox.nextCycle();
      outbox.append("retained", 11, 10);
      try (RelayUnderTest relay = relay("OUTBOX_RETAIN", "48h")) {
        relay.awaitSaved(20);
      }
      assertThat(outbox.paths().cycles()).hasSize(2);
    }
  }

  @Test
  void aPositionBeyondTheDataIsForTheOperator() throws Exception {
    broker().createTopic("restored", 1, Map.of());
    Path copy = outboxDirectory().resolveSibling("copy");
    long cycle;
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("restored", 1, 10);
      cycle = outbox.newestCycle();
      Files.copy(outbox.paths().cycle(cycle), copy);
      outbox.append("restored", 11, 10);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(20);
      }
      Files.write(outbox.paths().cycle(cycle), Files.readAllBytes(copy));
    }
    assertThatThrownBy(this::relay)
        .isInstanceOf(PipelineRefused.NeedsOperator.class)
        .hasMessageContaining("beyond what the queue holds")
        .hasMessageContaining("relay.position");
  }

  @Test
  void aPositionOfAnotherOutboxIsForTheOperator() throws Exception {
    broker().createTopic("foreign", 1, Map.of());
    try (OutboxUnderTest outbox = outbox()) {
      outbox.append("foreign", 1, 10);
      try (RelayUnderTest relay = relay()) {
        relay.awaitSaved(10);
      }
      try (OutboxUnderTest other = new OutboxUnderTest(outboxDirectory().resolveSibling("b"))) {
        other.append("foreign", 1, 10);
        Files.copy(outbox.paths().position(), other.paths().position());
        assertThatThrownBy(() -> new RelayUnderTest(other.paths().root(), broker().bootstrap()))
            .isInstanceOf(PipelineRefused.NeedsOperator.class)
            .hasMessageContaining("is of outbox");
      }
    }
  }

  private static CycleEntry entryAt(OutboxUnderTest outbox, long cycle, long offset)
      throws IOException {
    try (CycleScanner scanner =
        CycleScanner.open(outbox.paths().cycle(cycle), OutboxIdentity.outboxOf(outbox.paths()))) {
      return scanner.at(offset);
    }
  }

  private List<String> quarantine() throws IOException {
    try (Stream<Path> files = Files.list(outboxDirectory().resolve("quarantine"))) {
      return new ArrayList<>(
          files.map(file -> file.getFileName().toString()).sorted().collect(Collectors.toList()));
    }
  }
}
