package dev.outboxrelay.relay.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.LayoutBase;
import java.util.Map;

/** {@code key=value} pairs; a value is quoted where it must be, so that an event stays one line. */
final class LogfmtLayout extends LayoutBase<ILoggingEvent> {

  LogfmtLayout() {
    super();
    start();
  }

  @Override
  public String doLayout(ILoggingEvent event) {
    StringBuilder line = new StringBuilder(160);
    for (Map.Entry<String, Object> field : LogFields.of(event).entrySet()) {
      if (!line.isEmpty()) {
        line.append(' ');
      }
      line.append(field.getKey()).append('=');
      appendValue(line, String.valueOf(field.getValue()));
    }
    return line.append('\n').toString();
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
