package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.io.IOException;
import java.util.List;

/** The outbox from which the events of another one were parked. For that one's settling thread. */
public interface Origin {
  /**
   * Up to which of its events its own position covers them, as parked: what is told of later ones
   * would be overruled by that.
   */
  long savedSequence();

  /** Whether no position may be saved now, whatever it covers. */
  boolean holdsBack();

  /** What became of its events; durable when it returns. Comes before a position covers them. */
  void settled(List<Range> events) throws IOException;

  /**
   * A failed cycle has all that is settled, so that no position can be saved before something
   * stands behind it: if nothing does, the last event is to stand there once more.
   *
   * @param sequence of the last that is settled, in their own outbox
   * @return whether it does from now on
   */
  boolean heldUp(long sequence) throws IOException;

  /**
   * A position that covers them was saved.
   *
   * @param sequence up to which, in their own outbox
   */
  void saved(long sequence);
}
