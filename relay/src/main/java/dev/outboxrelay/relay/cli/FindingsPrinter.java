package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.outboxrelay.relay.doctor.Finding;
import dev.outboxrelay.relay.doctor.Finding.Grade;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** Prints findings, and gives the exit code for them. */
final class FindingsPrinter {

  private FindingsPrinter() {}

  static int print(List<Finding> findings, boolean json, PrintWriter out) {
    for (Finding finding : findings) {
      out.println(json ? json(finding) : text(finding));
    }
    return findings.stream().anyMatch(finding -> finding.grade() == Grade.PROBLEM)
        ? ExitCode.PROBLEMS_FOUND
        : ExitCode.OK;
  }

  private static String text(Finding finding) {
    String line = String.format("%-8s %-14s %s", grade(finding), finding.check(), finding.detail());
    return finding.advice().isEmpty()
        ? line
        : line + "\n" + " ".repeat(24) + "→ " + finding.advice();
  }

  private static String json(Finding finding) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("check", finding.check())
        .put("grade", grade(finding))
        .put("detail", finding.detail())
        .put("advice", finding.advice())
        .toString();
  }

  private static String grade(Finding finding) {
    return finding.grade().name().toLowerCase(Locale.ROOT);
  }
}
