package dev.outboxrelay.conformance;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxStatus;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.OutboxReader;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The Java client's status of each outbox whose path stands on a line of standard input: next
 * sequence, settled sequence, waiting events, waiting bytes, number of cycles, mode; or the error's
 * name.
 */
public final class StatusMain {
  private StatusMain() {}

  /** Answers until standard input ends. */
  public static void main(String[] args) throws IOException {
    BufferedReader paths =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = paths.readLine(); line != null; line = paths.readLine()) {
      System.out.println(look(Path.of(line)));
    }
  }

  private static String look(Path outbox) {
    try {
      OutboxStatus status = new OutboxReader(new OutboxPaths(outbox)).status();
      return status.nextSequence()
          + " "
          + status.settledSequence()
          + " "
          + status.lagEvents()
          + " "
          + status.lagBytes()
          + " "
          + status.cycles().size()
          + " "
          + status.delivery();
    } catch (OutboxError e) {
      return e.getClass().getSimpleName();
    }
  }
}
