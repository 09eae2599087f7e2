package dev.outboxrelay.relay.cli;

/** Ends a command with a message for the user and an exit code, without a stack trace. */
final class CommandFailed extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int exitCode;

  CommandFailed(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  int exitCode() {
    return exitCode;
  }
}
