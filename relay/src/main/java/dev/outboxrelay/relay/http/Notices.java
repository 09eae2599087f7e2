package dev.outboxrelay.relay.http;

import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What somebody should know of an outbox beside its state, with the way out. */
final class Notices {
  private static final int LITTLE_SPACE_PERCENT = 5;

  private static final Duration LONG_AGO = Duration.ofSeconds(30);

  private Notices() {}

  /** One of them, in whole sentences. */
  record Notice(String text, String todo) {}

  /**
   * All that there are.
   *
   * @param nowNanos of the monotonic clock
   */
  static List<Notice> of(PipelineStatus status, long nowNanos) {
    List<Notice> notices = new ArrayList<>();
    Duration looked = Duration.ofNanos(nowNanos - status.look().atNanos());
    if (looked.compareTo(LONG_AGO) > 0) {
      notices.add(
          new Notice(
              "What writers appended was last seen "
                  + looked.toSeconds()
                  + " s ago: the outbox's files could not be looked at since.",
              "See whether its disk answers."));
    }
    // The summary tells the first.
    notices.addAll(of(status.troubles().stream().skip(1).toList()));
    if (status.clusterChanges() > 0) {
      notices.add(
          new Notice(
              "Another cluster was found at Kafka's address: "
                  + status.cluster().orElse("")
                  + "; what had been delivered before is in the former one.",
              "If that is not meant, bring the former one back; OUTBOX_CLUSTER_ID pins it."));
    }
    if (status.quarantined() > 0) {
      notices.add(
          new Notice(
              "Corrupt bytes set aside in quarantine: "
                  + status.quarantined()
                  + " since the start.",
              "The command verify tells what is damaged."));
    }
    if (status.missing() > 0) {
      notices.add(
          new Notice(
              "No record carries " + status.missing() + " sequences: these events are lost.",
              "The command verify tells which."));
    }
    if (status.deadLetters() > 0) {
      notices.add(
          new Notice(
              "Events moved to the dead letters: " + status.deadLetters() + " since the start.",
              "Kafka will never take them as they are; the command dead-letters shows why."));
    }
    long total = status.look().totalBytes();
    long free = status.look().freeBytes();
    if (total > 0 && free < total / 100 * LITTLE_SPACE_PERCENT) {
      notices.add(
          new Notice(
              "Less than " + LITTLE_SPACE_PERCENT + " % of the outbox's file system is free.",
              "Make room: on a full disk clients are refused with OutboxFull."));
    }
    return notices;
  }

  /** Parts of the relay's work that fail. */
  static List<Notice> of(List<Trouble> troubles) {
    return troubles.stream()
        .filter(trouble -> trouble.cause() instanceof Cause.PartFailed)
        .map(trouble -> (Cause.PartFailed) trouble.cause())
        .map(
            failed ->
                new Notice(
                    failed.part().what() + ": " + failed.error() + ".",
                    Summary.sentence(failed.wayOut())))
        .toList();
  }
}
