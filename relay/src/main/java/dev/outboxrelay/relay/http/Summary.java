package dev.outboxrelay.relay.http;

import dev.outboxrelay.relay.deliver.DeliveryState;
import dev.outboxrelay.relay.fact.Bars;
import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Part;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import dev.outboxrelay.relay.fleet.FleetStatus;
import dev.outboxrelay.relay.fleet.OutboxOnHold;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.time.Duration;
import java.util.Optional;

/**
 * Where an outbox stands, in a sentence for people. It holds no numbers that change by themselves:
 * a new sentence is news.
 *
 * @param level whether somebody has to act
 * @param text what it does or what is wrong, with a full stop
 * @param sinceMillis since when, milliseconds since the epoch
 * @param todo what to do, with a full stop; null if there is nothing to do
 */
record Summary(Level level, String text, long sinceMillis, String todo) {
  /** What is asked of whoever reads it. */
  enum Level {
    /** Nothing. */
    OK("ok"),
    /** Patience: delivery goes on by itself once Kafka is back. */
    WAITING("waiting"),
    /** It goes on only once somebody has mended something. */
    ACTION("action");

    private final String label;

    Level(String label) {
      this.label = label;
    }

    /** A stable name. */
    String label() {
      return label;
    }
  }

  static Summary of(PipelineStatus status, long nowMillis, long nowNanos) {
    Duration still = Duration.ofNanos(nowNanos - status.tickNanos());
    if (still.compareTo(FleetStatus.PATIENCE) > 0) {
      return new Summary(
          Level.ACTION,
          "The delivery loop does not turn.",
          nowMillis - still.toMillis(),
          "Look for the reason at its disk and in the relay's log, then restart the relay; while no"
              + " loop turns, /healthz answers 503.");
    }
    Optional<Trouble> unparked =
        status.troubles().stream().filter(Summary::isOfParking).findFirst();
    if (unparked.isPresent()) {
      return troubled(status, unparked.get()); // more than its topics will wait
    }
    if (status.state().trouble() == null && status.bars().count() > 0) {
      return barred(status);
    }
    return status
        .trouble()
        .map(trouble -> troubled(status, trouble))
        .orElseGet(
            () ->
                new Summary(
                    Level.OK,
                    calm(status, status.state().sender()),
                    status.stateSinceMillis(),
                    null));
  }

  private static boolean isOfParking(Trouble trouble) {
    return trouble.cause() instanceof Cause.PartFailed failed && failed.part() == Part.PARKING;
  }

  /** Of an outbox that can't be served now; it is tried again by itself. */
  static Summary of(OutboxOnHold hold) {
    if (hold.reason().equals(OutboxOnHold.HELD)) {
      return new Summary(Level.OK, "Another relay serves it.", hold.sinceMillis(), null);
    }
    return new Summary(
        Level.ACTION,
        "Can't be served now (" + hold.reason() + ").",
        hold.sinceMillis(),
        "It is tried again by itself once the cause below is mended.");
  }

  private static String calm(PipelineStatus status, DeliveryState state) {
    if (state instanceof DeliveryState.Connecting) {
      return "Connects to Kafka.";
    } else if (state instanceof DeliveryState.Draining) {
      return "Stops: nothing more is read, what is in flight may finish.";
    } else if (state instanceof DeliveryState.Stopped) {
      return "Has stopped.";
    }
    boolean parked = status.bars().count() == 0 && status.parked().topics() > 0;
    if (status.lagEvents() == 0) {
      return parked
          ? "Delivers what was parked; no other event waits."
          : "All events are settled; nothing waits.";
    }
    return parked ? "Delivers to Kafka, and what was parked." : "Delivers to Kafka.";
  }

  /** Of an outbox that moves on, but for these topics. */
  private static Summary barred(PipelineStatus status) {
    Bars bars = status.bars();
    String calm = calm(status, status.state().sender());
    String others =
        status.lagEvents() == 0 ? "No other event waits" : calm.substring(0, calm.length() - 1);
    Trouble oldest = bars.oldest().get(0);
    boolean one = bars.count() == 1 && oldest.cause() instanceof Verdict.PauseTopic;
    return new Summary(
        Level.ACTION,
        others
            + ", but "
            + (one
                ? named((Verdict.PauseTopic) oldest.cause())
                : bars.count() + " topics can't be written")
            + ".",
        bars.sinceMillis().orElse(oldest.sinceMillis()),
        one ? sentence(oldest.cause().wayOut()) : "They are listed below, each with what to do.");
  }

  private static String named(Verdict.PauseTopic pause) {
    return "topic " + pause.topic() + " can't be written (" + pause.reason().label() + ")";
  }

  private static Summary troubled(PipelineStatus status, Trouble trouble) {
    Cause cause = trouble.cause();
    String events = status.lagEvents() == 0 ? "No event waits, but " : "Events wait: ";
    if (cause instanceof Cause.PartFailed failed) {
      return new Summary(
          Level.ACTION,
          failed.part().what() + ".",
          trouble.sinceMillis(),
          sentence(failed.wayOut()));
    } else if (cause instanceof Verdict.Fenced) {
      return new Summary(
          Level.ACTION,
          "Delivery has ended: another relay took this outbox over.",
          trouble.sinceMillis(),
          "Stop one of the two.");
    } else if (cause instanceof Verdict.PauseTopic pause) {
      int more = status.bars().count() - 1;
      return new Summary(
          Level.ACTION,
          events + named(pause) + (more > 0 ? ", nor can " + more + " others" : "") + ".",
          trouble.sinceMillis(),
          sentence(pause.wayOut()));
    } else if (cause instanceof Verdict.PauseAll pause) {
      return new Summary(
          Level.ACTION,
          events + "Kafka lets the relay write nothing (" + pause.reason().label() + ").",
          trouble.sinceMillis(),
          sentence(pause.wayOut()));
    }
    String what =
        status.state().sender() instanceof DeliveryState.Stalled
            ? "Kafka does not answer."
            : "the last attempt to deliver failed.";
    return new Summary(
        Level.WAITING,
        events + what,
        trouble.sinceMillis(),
        "Delivery is tried again by itself and nothing is lost; if Kafka should be up, the command"
            + " doctor tells what is in the way.");
  }

  static String sentence(String wayOut) {
    return Character.toUpperCase(wayOut.charAt(0)) + wayOut.substring(1) + ".";
  }
}
