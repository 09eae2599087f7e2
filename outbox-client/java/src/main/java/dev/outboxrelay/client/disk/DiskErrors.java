package dev.outboxrelay.client.disk;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxFull;
import dev.outboxrelay.client.OutboxUnavailable;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/** Tells a full disk from other errors; Java passes on no error numbers, only texts. */
public final class DiskErrors {
  /** ENOSPC, EDQUOT and EFBIG. */
  private static final List<String> FULL =
      List.of("No space left on device", "Disk quota exceeded", "File too large");

  private static final long LITTLE_BYTES = 1 << 20;

  private DiskErrors() {}

  public static OutboxError of(IOException error, Path outbox) {
    String text = String.valueOf(error.getMessage());
    if (tellsFullDisk(text)) {
      return full(text, outbox, error);
    }
    if (error instanceof NoSuchFileException) {
      return new OutboxUnavailable(
          text + " is gone: if the outbox was deleted or its file system unmounted, bring it back",
          error);
    }
    if (error instanceof AccessDeniedException) {
      return new OutboxUnavailable(
          text
              + " is not accessible for this user: it must belong to the group of "
              + OwnDescriptors.nameOf(outbox),
          error);
    }
    if (isAlmostFull(outbox)) { // the text may be in any language
      return full(text, outbox, error);
    }
    return new OutboxUnavailable(
        "an operation on "
            + OwnDescriptors.nameOf(outbox)
            + " failed: "
            + text
            + "; nothing was appended, check disk and logs",
        error);
  }

  /** Whether the text of an error says that there is no room. */
  public static boolean tellsFullDisk(String text) {
    return FULL.stream().anyMatch(text::contains);
  }

  /**
   * Of an access to a mapped file; the JVM may tell of it late.
   *
   * @param ids of events that may be published, or none
   */
  public static OutboxError of(InternalError fault, Path outbox, List<UUID> ids) {
    return isAlmostFull(outbox)
        ? new OutboxFull(
            maybeAppended(
                ids, OwnDescriptors.nameOf(outbox) + " has no room: free space or raise the limit"),
            fault,
            ids)
        : new OutboxUnavailable(
            maybeAppended(
                ids,
                "a file of " + OwnDescriptors.nameOf(outbox) + " was cut, or its disk is failing"),
            fault,
            ids);
  }

  /**
   * Says that events may be appended, and what to do.
   *
   * @param ids of them; of none nothing is said
   * @param why that is not certain
   */
  public static String maybeAppended(List<UUID> ids, String why) {
    if (ids.isEmpty()) {
      return why;
    }
    UUID first = ids.get(0);
    return ids.size() == 1
        ? "the event " + first + " may be appended, but " + why + "; retry with the same event id"
        : "the "
            + ids.size()
            + " events from "
            + first
            + " on may be appended, but "
            + why
            + "; retry with the same event ids (maybeAppendedIds)";
  }

  private static OutboxFull full(String text, Path outbox, IOException error) {
    return new OutboxFull(
        OwnDescriptors.nameOf(outbox)
            + " has no room: "
            + text
            + "; nothing was appended, free space or raise the limit",
        error);
  }

  private static boolean isAlmostFull(Path outbox) {
    try {
      return Files.getFileStore(outbox).getUsableSpace() < LITTLE_BYTES;
    } catch (IOException e) {
      return false;
    }
  }
}
