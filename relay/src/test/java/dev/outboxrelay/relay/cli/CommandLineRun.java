package dev.outboxrelay.relay.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;

/** A command run inside the test's JVM. */
record CommandLineRun(int exitCode, String out, String err) {

  static CommandLineRun of(Map<String, String> env, String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Main.commandLine(env)
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(arguments);
    return new CommandLineRun(code, out.toString(), err.toString());
  }
}
