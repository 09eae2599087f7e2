package dev.outboxrelay.client.cycle;

import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.OptionalLong;

/**
 * Names of cycle files: {@code yyyyMMdd-HH'F'.cq4}, UTC, for the hour that is the cycle's number.
 */
public final class CycleName {
  /** The hour 9999-12-31T23. */
  public static final long LAST_CYCLE = 70_389_527;

  private static final int LENGTH = "20261124-05F.cq4".length();

  private CycleName() {}

  /** The file name of a cycle: hours since the epoch, 0 to {@link #LAST_CYCLE}. */
  public static String of(long cycle) {
    if (cycle < 0 || cycle > LAST_CYCLE) {
      throw new IllegalArgumentException("no cycle has the number " + cycle);
    }
    LocalDateTime time = LocalDateTime.ofEpochSecond(cycle * 3600, 0, ZoneOffset.UTC);
    return String.format(
        java.util.Locale.ROOT,
        "%04d%02d%02d-%02dF.cq4",
        time.getYear(),
        time.getMonthValue(),
        time.getDayOfMonth(),
        time.getHour());
  }

  /** The cycle of a file, by its name. */
  public static long numberOf(Path cycleFile) {
    String name = cycleFile.getFileName().toString();
    return parse(name)
        .orElseThrow(() -> new IllegalArgumentException(cycleFile + " is not named as a cycle is"));
  }

  /** The cycle of a file name, or empty if it is not exactly the name of a cycle. */
  public static OptionalLong parse(String name) {
    if (name.length() != LENGTH || name.charAt(8) != '-' || !name.endsWith("F.cq4")) {
      return OptionalLong.empty();
    }
    for (int i = 0; i < 11; i++) {
      if (i != 8 && (name.charAt(i) < '0' || name.charAt(i) > '9')) {
        return OptionalLong.empty();
      }
    }
    try {
      LocalDateTime time =
          LocalDateTime.of(
              Integer.parseInt(name, 0, 4, 10),
              Integer.parseInt(name, 4, 6, 10),
              Integer.parseInt(name, 6, 8, 10),
              Integer.parseInt(name, 9, 11, 10),
              0);
      long cycle = Math.floorDiv(time.toEpochSecond(ZoneOffset.UTC), 3600L);
      return cycle < 0 ? OptionalLong.empty() : OptionalLong.of(cycle);
    } catch (DateTimeException e) {
      return OptionalLong.empty();
    }
  }
}
