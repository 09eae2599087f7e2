package dev.outboxrelay.relay.settle;

import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.io.IOException;
import java.util.List;

/** The outbox from which the events of another one were parked. For that one's settling thread. */
public interface Origin {
  /** What became of its events; durable when it returns. Comes before a position covers them. */
  void settled(List<Range> events) throws IOException;

  /**
   * A position that covers them was saved.
   *
   * @param sequence of the last one that it covers, in the other outbox
   */
  void saved(long sequence);
}
