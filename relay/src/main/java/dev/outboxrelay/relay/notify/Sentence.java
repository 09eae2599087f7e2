package dev.outboxrelay.relay.notify;

import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fleet.FleetStatus;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.util.Locale;

/** How it goes, in one line: what {@code systemctl status} shows. */
final class Sentence {
  private static final int LONGEST = 300;

  private Sentence() {}

  static String of(FleetStatus fleet) {
    String sentence =
        fleet.open().size() == 1 && fleet.onHold().isEmpty()
            ? one(fleet.open().get(0))
            : all(fleet);
    for (Trouble trouble : fleet.troubles()) {
      sentence += of(trouble);
    }
    // One line, whatever an error says: a second one would be another message.
    String line = sentence.replaceAll("\\s+", " ");
    return line.length() <= LONGEST ? line : line.substring(0, LONGEST - 1) + "…";
  }

  private static String one(PipelineStatus status) {
    return "%s, %d events waiting%s in %s%s%s"
        .formatted(
            capital(status.state().label()),
            status.lagEvents(),
            parked(status.parked().events()),
            status.outbox(),
            topics(status.bars().count()),
            status.trouble().map(Sentence::of).orElse(""));
  }

  private static String of(Trouble trouble) {
    Cause cause = trouble.cause();
    return cause instanceof Cause.PartFailed
        ? "; " + cause.label() + " fails: " + cause.error()
        : ": " + cause.error();
  }

  private static String parked(long events) {
    return events == 0 ? "" : " and %d parked".formatted(events);
  }

  /** An error names one topic; that there are more comes before it, as the line may be cut. */
  private static String topics(int barred) {
    return barred < 2 ? "" : "; %d topics can't be written".formatted(barred);
  }

  private static String all(FleetStatus fleet) {
    long troubled = fleet.open().stream().filter(s -> s.trouble().isPresent()).count();
    int barred = fleet.open().stream().mapToInt(status -> status.bars().count()).sum();
    return "%d outboxes, %d events waiting%s%s%s%s"
        .formatted(
            fleet.open().size(),
            fleet.open().stream().mapToLong(PipelineStatus::lagEvents).sum(),
            parked(fleet.open().stream().mapToLong(status -> status.parked().events()).sum()),
            troubled == 0 ? "" : "; %d in trouble".formatted(troubled),
            topics(barred),
            fleet.onHold().isEmpty() ? "" : "; %d on hold".formatted(fleet.onHold().size()));
  }

  private static String capital(String label) {
    return label.substring(0, 1).toUpperCase(Locale.ROOT) + label.substring(1);
  }
}
