package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.files.Position;
import dev.outboxrelay.client.files.PositionFile;
import java.io.IOException;

/** The position of an outbox of the relay's own, before something there is changed by it. */
public final class OwnPosition {
  private OwnPosition() {}

  /** It is damaged or of another outbox: a matter for an operator. */
  public static final class Unusable extends IOException {
    private static final long serialVersionUID = 1L;

    private Unusable(OutboxPaths paths, String what) {
      super(
          OwnDescriptors.nameOf(paths.position())
              + " "
              + what
              + "; put back the one that was there, or remove it: then all that is kept beside it "
              + "counts as if nothing had been done of it");
    }
  }

  /**
   * The saved position; null if there is proof that there is none.
   *
   * @throws Unusable if there is one that can't be used
   * @throws IOException too, if it can't be read now
   */
  public static Position find(OutboxPaths paths, OutboxIdentity identity) throws IOException {
    PositionFile.Reading reading = PositionFile.read(paths.position());
    if (reading instanceof PositionFile.Reading.None) {
      return null;
    }
    if (reading instanceof PositionFile.Reading.Unreadable) {
      throw new IOException(
          OwnDescriptors.nameOf(paths.position()) + " can't be read: check the disk");
    }
    if (!(reading instanceof PositionFile.Reading.Saved saved)) {
      throw new Unusable(paths, "is damaged, both copies of it");
    }
    Position position = saved.position();
    if (!position.outboxId().equals(identity.outbox())) {
      throw new Unusable(
          paths,
          "is of outbox " + position.outboxId() + ", what is kept of outbox " + identity.outbox());
    }
    return position;
  }
}
