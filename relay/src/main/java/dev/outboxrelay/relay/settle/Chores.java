package dev.outboxrelay.relay.settle;

import dev.outboxrelay.relay.fact.Fact;
import java.io.Closeable;

/** What the settling thread does besides, a little at a time. */
public interface Chores extends Closeable {
  /** One turn; returns how much was done. What fails is tried again. */
  int work(long now);

  /** How long until there may be something to do; not positive if there is now. */
  long nanosToNext(long now);

  /** Who is told whether it succeeds. */
  interface Report {
    void failed(Exception error);

    /** Nothing fails now. */
    void done();

    void tell(Fact fact);
  }
}
