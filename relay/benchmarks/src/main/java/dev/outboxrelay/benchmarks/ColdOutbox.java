package dev.outboxrelay.benchmarks;

import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import java.nio.file.Path;

/** One event, as a short-lived process appends it. The argument is the outbox's directory. */
final class ColdOutbox {
  private ColdOutbox() {}

  public static void main(String[] arguments) {
    try (Outbox outbox = Outbox.open(Path.of(arguments[0]))) {
      outbox.append(OutboxEvent.of("bench", new byte[1024]));
    }
  }
}
