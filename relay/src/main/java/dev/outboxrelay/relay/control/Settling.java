package dev.outboxrelay.relay.control;

import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.deadletter.Letter;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Whether the outbox that gave an event up has saved that: until then it may ask for the dead
 * letter again, after a kill. For one thread.
 */
final class Settling {
  private final Workplace place;
  private final Map<String, Optional<Position>> lanes = new HashMap<>();
  private long saved;

  Settling(Workplace place) {
    this.place = place;
  }

  /** Looks anew. */
  void look() {
    lanes.clear();
    saved = place.saved().getAsLong();
  }

  /** Whether a letter was given up for good; also if that was in an outbox that is gone. */
  boolean covers(Letter letter) throws IOException {
    OutboxRecord kept = letter.kept().orElse(null);
    OutboxIdentity by = letter.gaveUp().orElse(null);
    if (kept == null || by == null) {
      return true;
    }
    if (by.equals(place.identity())) {
      return kept.sequence() <= saved;
    }
    if (!RecordLimits.isTopicName(kept.topic())) {
      return true;
    }
    OutboxPaths lane = place.paths().parked(kept.topic());
    if (!by.outbox().equals(OutboxIdentity.outboxOf(lane))) {
      return true;
    }
    Optional<Position> position = lanes.get(kept.topic());
    if (position == null) {
      position = PositionFile.find(lane.position());
      lanes.put(kept.topic(), position);
    }
    return position
        .filter(at -> at.outboxId().equals(by.outbox()) && kept.sequence() <= at.sequence())
        .isPresent();
  }
}
