package dev.outboxrelay.relay.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Map;

/** Forms that several commands print. */
final class Printed {
  private static final String[] UNITS = {"bytes", "KiB", "MiB", "GiB", "TiB"};

  private Printed() {}

  /** One line for each pair, values aligned. */
  static void table(PrintWriter out, Map<String, String> rows) {
    int width = rows.keySet().stream().mapToInt(String::length).max().orElse(0);
    rows.forEach(
        (name, value) -> out.println(name + " ".repeat(width - name.length() + 2) + value));
  }

  /**
   * JSON on one line, also for programs that take U+0085, U+2028 and U+2029 for ends of lines,
   * which JSON has no need to escape.
   */
  static String line(JsonNode json) {
    return json.toString()
        .replace("\u0085", "\\u0085")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029");
  }

  static String bytes(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1024 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    return unit == 0 ? bytes + " bytes" : String.format("%.1f %s", value, UNITS[unit]);
  }

  static String age(long millis) {
    Duration age = Duration.ofMillis(Math.max(0, millis));
    if (age.toHours() >= 48) {
      return age.toDays() + " days";
    } else if (age.toMinutes() >= 120) {
      return age.toHours() + " hours";
    }
    return age.toSeconds() >= 120 ? age.toMinutes() + " minutes" : age.toSeconds() + " s";
  }
}
