package dev.outboxrelay.conformance;

import dev.outboxrelay.client.disk.DiskStep;
import java.util.Locale;

/**
 * Goes off at one call of a step: {@code [OPERATION.]LABEL:N[+]:ACTION}, as README.md explains. The
 * Python program understands the same.
 */
final class Fault {

  /** What no client expects. */
  static final class InjectedError extends Error {
    private static final long serialVersionUID = 1L;

    InjectedError(String message) {
      super(message);
    }
  }

  private final String operation;
  private final String label;
  private final int count;
  private final boolean stays;
  private final String action;
  private int calls;

  private Fault(String operation, String label, int count, boolean stays, String action) {
    this.operation = operation;
    this.label = label;
    this.count = count;
    this.stays = stays;
    this.action = action;
  }

  static Fault parse(String text) {
    String[] parts = text.split(":", -1);
    int dot = parts[0].indexOf('.');
    boolean stays = parts[1].endsWith("+");
    int count = Integer.parseInt(stays ? parts[1].substring(0, parts[1].length() - 1) : parts[1]);
    return new Fault(
        dot < 0 ? "" : parts[0].substring(0, dot),
        parts[0].substring(dot + 1),
        count,
        stays,
        parts[2]);
  }

  String action() {
    return action;
  }

  /** Counts a call; whether it is one that is to go wrong. */
  synchronized boolean isDue(String called, DiskStep step) {
    String name = step.name().toLowerCase(Locale.ROOT).replace('_', '-');
    boolean meant =
        (label.equals("*") || label.equals(name))
            && (operation.isEmpty() || operation.equals(called));
    if (!meant) {
      return false;
    }
    calls++;
    return calls == count || (stays && calls > count);
  }
}
