package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.io.IOException;

/** A request that is being applied, a little at a time. */
interface Task extends Closeable {
  /** What a step has led to. */
  enum Step {
    GOES_ON,
    /** Something else has to come first. */
    WAITS,
    DONE
  }

  /** One step. What fails is tried again by the next call. */
  Step step() throws IOException;

  /** It was answered; it is closed next. */
  default void answered() throws IOException {}

  /** It was closed, and is over: what did not run for its sake may again. */
  default void over() {}

  /** What was done, for the answer; once all is. */
  ObjectNode report();
}
