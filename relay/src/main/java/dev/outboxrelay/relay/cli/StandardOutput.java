package dev.outboxrelay.relay.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What a command prints: in UTF-8, as a locale's own charset makes question marks of what it lacks.
 * A {@link PrintWriter} swallows errors; here the first one is kept.
 */
final class StandardOutput {
  private final PrintWriter writer;
  private IOException failure;

  StandardOutput(OutputStream out) {
    writer =
        new PrintWriter(
            new OutputStreamWriter(
                new BufferedOutputStream(new Remembering(out)), StandardCharsets.UTF_8),
            true);
  }

  PrintWriter writer() {
    return writer;
  }

  /** Why something could not be printed; empty if all was. */
  Optional<String> failure() {
    writer.flush();
    return Optional.ofNullable(failure).map(IOException::getMessage);
  }

  private final class Remembering extends OutputStream {
    private final OutputStream out;

    Remembering(OutputStream out) {
      this.out = out;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (failure != null) {
        throw failure;
      }
      try {
        out.write(bytes, offset, length);
      } catch (IOException e) {
        failure = e;
        throw e;
      }
    }
  }
}
