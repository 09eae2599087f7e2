package dev.outboxrelay.conformance;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.WriterOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The command line of a writer, {@code --name=value} each; README.md lists them. */
final class WriterArguments {

  private static final int OFFSET_BYTES = 32;

  private final Map<String, String> given = new HashMap<>();

  WriterArguments(String[] arguments) {
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      given.put(argument.substring(2, equals), argument.substring(equals + 1));
    }
  }

  String writer() {
    return given.get("writer");
  }

  int integer(String name, int usual) {
    return Integer.parseInt(given.getOrDefault(name, Integer.toString(usual)));
  }

  boolean has(String name) {
    return given.containsKey(name);
  }

  String dir() {
    return given.get("dir");
  }

  WriterOptions options(String directory) {
    String durability = given.getOrDefault("durability", "process").toUpperCase(Locale.ROOT);
    double lockTimeout = Double.parseDouble(given.getOrDefault("lock-timeout", "5"));
    WriterOptions options =
        WriterOptions.of(new OutboxPaths(Path.of(directory)))
            .withDurability(Durability.valueOf(durability))
            .withLockTimeout(Duration.ofMillis((long) (lockTimeout * 1000)))
            .withRollBytes(integer("roll-bytes", Math.toIntExact(WriterOptions.USUAL_ROLL_BYTES)))
            .withDisk(disk());
    return has("clock-offset-file")
        ? options.withClock(offsetClock(given.get("clock-offset-file")))
        : options;
  }

  private Disk disk() {
    if (has("record")) {
      return new RecordingDisk();
    }
    return has("fault") ? new FaultyDisk(Fault.parse(given.get("fault"))) : Disk.REAL;
  }

  /** The wall clock and the milliseconds in a file, read anew each time. */
  private static InstantSource offsetClock(String file) {
    try {
      RandomAccessFile offset = new RandomAccessFile(file, "r");
      return () -> {
        byte[] text = new byte[OFFSET_BYTES];
        synchronized (offset) {
          try {
            offset.seek(0);
            offset.readFully(text);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
        long ahead = Long.parseLong(new String(text, StandardCharsets.US_ASCII).strip());
        return Instant.ofEpochMilli(System.currentTimeMillis() + ahead);
      };
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
