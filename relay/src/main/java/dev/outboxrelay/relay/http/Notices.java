package dev.outboxrelay.relay.http;

import dev.outboxrelay.relay.fact.Cause;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.io.File;
import java.util.ArrayList;
import java.util.List;

/** What somebody should know of an outbox beside its state, with the way out. */
final class Notices {
  private static final int LITTLE_SPACE_PERCENT = 5;

  private Notices() {}

  /** One of them, in whole sentences. */
  record Notice(String text, String todo) {}

  static List<Notice> of(PipelineStatus status) {
    List<Notice> notices = new ArrayList<>();
    status.troubles().stream()
        .skip(1) // the summary tells the first
        .filter(trouble -> trouble.cause() instanceof Cause.PartFailed)
        .map(trouble -> (Cause.PartFailed) trouble.cause())
        .forEach(
            failed ->
                notices.add(
                    new Notice(
                        failed.part().what() + ": " + failed.error() + ".",
                        Character.toUpperCase(failed.wayOut().charAt(0))
                            + failed.wayOut().substring(1)
                            + ".")));
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
    File directory = status.outbox().toFile();
    long total = directory.getTotalSpace();
    long free = directory.getUsableSpace();
    if (total > 0 && free < total / 100 * LITTLE_SPACE_PERCENT) {
      notices.add(
          new Notice(
              "Less than " + LITTLE_SPACE_PERCENT + " % of the outbox's file system is free.",
              "Make room: on a full disk clients are refused with OutboxFull."));
    }
    return notices;
  }
}
