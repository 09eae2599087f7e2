package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.EventHeader;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.deadletter.DeadLetters;
import dev.outboxrelay.relay.deadletter.Letter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * An event that Kafka will never take, as the dead letters hold it.
 *
 * @param number of the dead letter, from 1
 * @param reason a stable name
 * @param error what Kafka said
 * @param at when it was given up; empty if that is unreadable
 * @param replayOf the dead letter as which its event was replayed before; empty if it was not
 * @param event as it was appended; empty if its bytes are damaged
 */
public record DeadLetter(
    long number,
    String reason,
    String error,
    Optional<Instant> at,
    Optional<Letter.Before> replayOf,
    Optional<OutboxRecord> event) {
  /**
   * Visits the dead letters of an outbox that there are now, oldest first.
   *
   * @param visitor returns false to end the visit
   */
  public static void each(OutboxPaths outbox, Predicate<DeadLetter> visitor) throws IOException {
    QueueWalk.untilNow(outbox.deadLetters()).all(found -> visitor.test(of(found.record())));
  }

  static DeadLetter of(OutboxRecord letter) {
    return new DeadLetter(
        letter.sequence(),
        header(letter, DeadLetters.REASON).orElse(Letter.UNKNOWN_REASON),
        header(letter, DeadLetters.ERROR).orElse(""),
        time(letter),
        Letter.of(letter).before(),
        Letter.of(letter).event());
  }

  private static Optional<String> header(OutboxRecord letter, String name) {
    return letter.headers().stream()
        .filter(header -> header.name().equals(name) && header.value() != null)
        .map(EventHeader::value)
        .map(value -> new String(value, StandardCharsets.UTF_8))
        .findFirst();
  }

  private static Optional<Instant> time(OutboxRecord letter) {
    try {
      return header(letter, DeadLetters.AT).map(Instant::parse);
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }
}
