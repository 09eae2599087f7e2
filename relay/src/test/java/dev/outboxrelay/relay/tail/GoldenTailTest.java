package dev.outboxrelay.relay.tail;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.record.OtherFormatFound;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.inspect.GoldenOutbox;
import dev.outboxrelay.relay.tail.TailedRecord.Damaged;
import dev.outboxrelay.relay.tail.TailedRecord.Intact;
import dev.outboxrelay.relay.tail.TailedRecord.OtherFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is delivered of every golden file, from its beginning and from behind each record. */
class GoldenTailTest {
  private static final int TURNS_WITHOUT_PROGRESS = 400;

  /** From behind each record under TORTURE=1, else every fourth, another one for each file. */
  private static final int STRIDE = "1".equals(System.getenv("TORTURE")) ? 1 : 4;

  @TempDir private Path directory;

  static List<String> names() throws IOException {
    return GoldenOutbox.names();
  }

  @ParameterizedTest
  @MethodSource("names")
  void whatAReaderFindsIsDelivered(String name) throws IOException {
    check(GoldenOutbox.create(name, directory.resolve("outbox")));
  }

  @ParameterizedTest
  @MethodSource("names")
  void theNextAppendIsDeliveredToo(String name) throws IOException {
    check(GoldenOutbox.create(name, true, directory.resolve("outbox")));
  }

  private static void check(GoldenOutbox golden) throws IOException {
    UUID outbox;
    try {
      outbox = OutboxIdentity.outboxOf(golden.paths());
    } catch (OutboxUnavailable e) {
      // The relay does not come to read it.
      assertThat(golden.stopped()).isEqualTo(OtherFormatFound.labelOf(e) + " -1 -1");
      return;
    }
    if (golden.name().startsWith("metadata-") && !golden.after()) {
      // Chronicle needs it; the pipeline opens an outbox as a writer does.
      QueueWriter.open(WriterOptions.of(golden.paths()).withTrustParent(true)).close();
    }

    List<TailedRecord> all = read(golden, outbox, Place.START);
    assertThat(described(all)).isEqualTo(golden.records());
    assertThat(all.stream().anyMatch(OtherFormat.class::isInstance))
        .isEqualTo(golden.stopped() != null);
    // Nothing is set aside that is no problem, and all that is has its name and its place.
    assertThat(golden.problems()).containsAll(damage(all));

    int from = Math.max(0, all.size() - 12) + Math.floorMod(golden.name().hashCode(), STRIDE);
    for (int i = from; i < all.size(); i += STRIDE) {
      if (all.get(i) instanceof Intact intact) {
        List<String> rest = described(all.subList(i + 1, all.size()));
        long entry = intact.record().entry() + 1L;
        Place behind = new Place(intact.cycle(), intact.end(), entry);
        assertThat(described(read(golden, outbox, behind))).isEqualTo(rest);
      }
    }
  }

  private static List<TailedRecord> read(GoldenOutbox golden, UUID outbox, Place from) {
    List<TailedRecord> read = new ArrayList<>();
    AtomicLong nanos = new AtomicLong();
    try (Tail tail = new Tail(golden.paths(), outbox, FactListener.NONE, nanos::get)) {
      tail.seek(from);
      for (int idle = 0; idle < TURNS_WITHOUT_PROGRESS; ) {
        TailedRecord record = tail.poll();
        nanos.addAndGet(Duration.ofMillis(5).toNanos());
        if (record instanceof OtherFormat) {
          read.add(record);
          return read;
        }
        idle = record == null ? idle + 1 : 0;
        if (record != null) {
          read.add(record);
        }
      }
    } catch (OutboxError e) {
      throw new AssertionError("a pipeline ends with what the tail throws", e);
    }
    return read;
  }

  private static List<String> described(List<TailedRecord> all) {
    List<String> described = new ArrayList<>();
    for (TailedRecord each : all) {
      if (each instanceof Intact intact) {
        described.add(GoldenOutbox.describe(intact.cycle(), intact.offset(), intact.record()));
      }
    }
    return described;
  }

  private static List<String> damage(List<TailedRecord> all) {
    List<String> damage = new ArrayList<>();
    for (TailedRecord each : all) {
      if (each instanceof Damaged damaged) {
        damage.add(damaged.reason() + " " + damaged.cycle() + " " + damaged.offset());
      }
    }
    return damage;
  }
}
