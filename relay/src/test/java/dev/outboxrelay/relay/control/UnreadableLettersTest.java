package dev.outboxrelay.relay.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutcomesFile;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Fates;
import dev.outboxrelay.relay.deadletter.LetterCount;
import dev.outboxrelay.relay.fact.DeadLetterReason;
import dev.outboxrelay.relay.fact.Discard;
import dev.outboxrelay.relay.fact.Fact;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class UnreadableLettersTest extends DeskFixture {
  @Test
  void whereTooManyAreKeptTheOldestGoOnceThatIsSettled() throws IOException {
    mostLetters = OptionalLong.of(2);
    saved = 1;
    Request nothing = discard(numbers(99L));
    apply(nothing);
    assertThat(left()).containsExactly(2L, 3L, 4L);
    saved = 100;
    apply(discard(numbers(99L)));
    assertThat(left()).containsExactly(3L, 4L);
    assertThat(facts)
        .containsExactly(
            new Fact.Discarded(Discard.LIMIT, 1), new Fact.Discarded(Discard.LIMIT, 1));
    apply(discard(numbers(4L)));
    assertThat(left()).containsExactly(3L);
    assertThat(facts).last().isEqualTo(new Fact.Discarded(Discard.DEAD_LETTER, 1));
    given.add(OutboxEvent.of("a", "5"), DeadLetterReason.TOO_LARGE);
    apply(discard(numbers(99L)));
    assertThat(left()).containsExactly(3L);
  }

  /**
   * The first ones may have to stay for a while, and of any number behind them something be done.
   */
  @Test
  void whereTooManyAreKeptTheOldestThatMayGoAreFound() throws IOException {
    List<OutboxEvent> many = new ArrayList<>();
    for (int i = 0; i < 12_000; i++) {
      many.add(OutboxEvent.of("t", "no event"));
    }
    WriterOptions options = WriterOptions.deadLetters(paths).withTrustParent(true);
    try (QueueWriter writer = QueueWriter.open(options.withDurability(Durability.PROCESS))) {
      writer.appendAll(many.subList(0, 6_000));
      writer.appendAll(many.subList(6_000, 12_000));
    }
    apply(discard(numbers(99_999L)));
    try (OutcomesFile file = OutcomesFile.open(paths.deadLetters().outcomes(), Disk.REAL)) {
      file.append(List.of(new OutcomesFile.Range(5, 11_000, DeliveryOutcome.DEAD)));
    }
    saved = 0;
    mostLetters = OptionalLong.of(100);
    run(paths, UUID.randomUUID(), Disk.REAL);
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(100);
    Fates fates = Fates.read(paths.deadLetters());
    assertThat(left()).containsExactly(1L, 2L, 3L, 4L);
    assertThat(fates.of(12_004 - 96)).contains(Fate.DISCARDED);
    assertThat(fates.of(12_004 - 95)).isEmpty();
  }

  @Test
  void whereThereAreEnoughOneMoreWaits() throws IOException {
    given.most = OptionalLong.of(4);
    OutboxEvent fifth = OutboxEvent.of("a", "5");
    assertThatThrownBy(() -> given.add(fifth, DeadLetterReason.TOO_LARGE))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("OUTBOX_DEAD_LETTER_LIMIT=4");
    apply(discard(numbers(3L)));
    given.add(OutboxEvent.of("a", "6"), DeadLetterReason.TOO_LARGE);
    assertThat(Fates.read(paths.deadLetters()).of(5)).isEmpty();
    assertThatThrownBy(() -> given.add(fifth, DeadLetterReason.TOO_LARGE))
        .isInstanceOf(IOException.class);
  }

  @Test
  void lettersThatCantBeReadAreKeptAndHoldUpNoOther() throws IOException {
    later(WriterOptions.deadLetters(paths), 1, 2);
    Closeable again = unreadable(paths.deadLetters(), 0);
    JsonNode answer = apply(discard(Selection.ALL));
    assertThat(answer.path("discarded").asLong()).isEqualTo(2);
    assertThat(answer.path("unread_because").asText()).contains("regular file");
    assertThat(left()).containsExactly(1L, 2L, 3L, 4L);
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(4);
    again.close();
    answer = apply(discard(Selection.ALL));
    assertThat(answer.path("discarded").asLong()).isEqualTo(4);
    assertThat(answer.hasNonNull("unread_because")).isFalse();
    assertThat(new LetterCount(paths.deadLetters()).now()).isZero();
  }

  @Test
  void whereLettersCantBeReadNewOnesAreAdded() throws IOException {
    later(WriterOptions.deadLetters(paths), 1, 1);
    later(WriterOptions.deadLetters(paths), 2, 1);
    Closeable again = unreadable(paths.deadLetters(), 0);
    given.add(OutboxEvent.of("a", "7"), DeadLetterReason.TOO_LARGE);
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(7);
    again.close();
  }

  @Test
  void newLettersThatCantBeReadAreKeptAndHoldUpNoOther() throws IOException {
    later(WriterOptions.deadLetters(paths), 1, 2);
    Closeable again = unreadable(paths.deadLetters(), 1);
    assertThat(apply(discard(Selection.ALL)).path("discarded").asLong()).isEqualTo(4);
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(2);
    again.close();
    assertThat(apply(discard(Selection.ALL)).path("discarded").asLong()).isEqualTo(2);
  }

  @Test
  void whoDiscardsIsToldHowManyWereLost() throws IOException {
    given.most = OptionalLong.of(1);
    later(WriterOptions.deadLetters(paths), 1, 2);
    apply(discard(numbers(1L, 2L, 3L, 4L)));
    Files.delete(paths.deadLetters().cycle(paths.deadLetters().cycles().get(1)));
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(2);
    JsonNode answer = apply(discard(Selection.ALL));
    assertThat(answer.path("discarded").asLong()).isZero();
    assertThat(answer.path("lost").asLong()).isEqualTo(2);
    assertThat(new LetterCount(paths.deadLetters()).now()).isZero();
    given.add(OutboxEvent.of("a", "7"), DeadLetterReason.TOO_LARGE);
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(1);
  }

  @Test
  void whatCantBeReadAnyMoreOfWhatWasChosenFails() throws IOException {
    Request request = replay(Selection.ALL, null);
    new ControlFiles(paths, Disk.REAL).submit(request);
    Path taken = paths.control().resolve(request.id() + ControlFiles.TAKEN);
    for (int at = 0; at < 200 && Files.notExists(taken); at++) {
      try {
        run(paths, request.id(), KillingDisk.at(at, false).disk());
      } catch (KillingDisk.Killed e) {
        // as it should be
      }
    }
    Closeable again = unreadable(paths.deadLetters(), 0);
    JsonNode answer = run(paths, request.id(), Disk.REAL).orElseThrow();
    assertThat(answer.path("failed").asLong()).isEqualTo(4);
    assertThat(answer.path("failed_because").asText()).contains("regular file");
    again.close();
    assertThat(left()).containsExactly(1L, 2L, 3L, 4L);
    isOnceReplayed(paths, apply(replay(Selection.ALL, null)));
  }

  @Test
  void lettersThatCantBeReadCostNoOthersTheirPlace() throws IOException {
    later(WriterOptions.deadLetters(paths), 1, 5);
    Closeable again = unreadable(paths.deadLetters(), 0);
    mostLetters = OptionalLong.of(3);
    apply(discard(numbers(99L)));
    run(paths, UUID.randomUUID(), Disk.REAL);
    assertThat(left()).containsExactly(1L, 2L, 3L, 4L);
    Fates fates = Fates.read(paths.deadLetters());
    assertThat(fates.of(6)).contains(Fate.DISCARDED);
    assertThat(fates.of(7)).isEmpty();
    again.close();
    run(paths, UUID.randomUUID(), Disk.REAL);
    assertThat(left()).isEmpty();
    assertThat(new LetterCount(paths.deadLetters()).now()).isEqualTo(3);
  }
}
