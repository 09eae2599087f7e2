package dev.outboxrelay.relay.settle;

import java.io.Closeable;
import java.io.IOException;

/** Ends a settler whose turns a test takes. */
public record SettlerUnderTest(Settler settler) implements Closeable {
  @Override
  public void close() throws IOException {
    settler.close();
  }
}
