package dev.outboxrelay.relay.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A command run inside the test's JVM. */
record CommandLineRun(int exitCode, String out, String err) {

  static CommandLineRun of(Map<String, String> env, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    CommandLineRun run = on(out, env, arguments);
    return new CommandLineRun(run.exitCode, out.toString(StandardCharsets.UTF_8), run.err);
  }

  /** Nothing can be printed on standard output. */
  static CommandLineRun onFullDisk(Map<String, String> env, String... arguments) {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("No space left on device");
          }
        };
    return on(full, env, arguments);
  }

  /** What it prints goes elsewhere. */
  static CommandLineRun on(OutputStream out, Map<String, String> env, String... arguments) {
    StringWriter err = new StringWriter();
    int code =
        Main.run(
            Main.commandLine(env).setErr(new PrintWriter(err, true)),
            new StandardOutput(out),
            arguments);
    return new CommandLineRun(code, "", err.toString());
  }
}
