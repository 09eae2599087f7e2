package dev.outboxrelay.relay.log;

import java.util.Map;

/**
 * {@code key=value} pairs; a value is quoted and escaped where it must be, so that whatever it
 * holds the pairs stay one line and can't drive a terminal.
 */
public final class Logfmt {

  private Logfmt() {}

  /** Pairs in the map's order, without a line break at the end. */
  public static String line(Map<String, ?> pairs) {
    StringBuilder line = new StringBuilder(160);
    for (Map.Entry<String, ?> pair : pairs.entrySet()) {
      if (!line.isEmpty()) {
        line.append(' ');
      }
      line.append(pair.getKey()).append('=');
      appendValue(line, String.valueOf(pair.getValue()));
    }
    return line.toString();
  }

  private static void appendValue(StringBuilder line, String value) {
    if (isBare(value)) {
      line.append(value);
      return;
    }
    line.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '"', '\\' -> line.append('\\').append(c);
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        case '\t' -> line.append("\\t");
        default -> {
          if (Character.isISOControl(c) || c == '\u2028' || c == '\u2029') {
            line.append(String.format("\\u%04x", (int) c));
          } else {
            line.append(c);
          }
        }
      }
    }
    line.append('"');
  }

  private static boolean isBare(String value) {
    return !value.isEmpty()
        && value.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\');
  }
}
