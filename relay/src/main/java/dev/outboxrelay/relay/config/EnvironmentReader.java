package dev.outboxrelay.relay.config;

import dev.outboxrelay.client.record.RecordLimits;
import dev.outboxrelay.relay.config.LogSettings.Format;
import dev.outboxrelay.relay.config.LogSettings.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Reads {@code OUTBOX_*} values, collecting errors; a bad value reads as its default. */
final class EnvironmentReader {
  private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|[smhd])");
  private static final Pattern TOPIC = Pattern.compile("[a-zA-Z0-9._-]{1,249}");

  /** What the clients read too is known here, so that one environment can serve both. */
  private static final Set<String> KNOWN =
      Set.of(
          "OUTBOX_DIR",
          "OUTBOX_DIRS",
          "OUTBOX_IDLE_AFTER",
          "OUTBOX_DURABILITY",
          "OUTBOX_DELIVERY",
          "OUTBOX_MAX_BYTES",
          "OUTBOX_RETAIN",
          "OUTBOX_SYNC_INTERVAL",
          "OUTBOX_HTTP_ADDRESS",
          "OUTBOX_HEALTH_ADDRESS",
          "OUTBOX_METRICS_FILE",
          "OUTBOX_TOPIC",
          "OUTBOX_TRUST_PARENT",
          "OUTBOX_RECORD_TIMESTAMP",
          "OUTBOX_PARTITIONER",
          "OUTBOX_WINDOW_RECORDS",
          "OUTBOX_WINDOW_BYTES",
          "OUTBOX_CLUSTER_ID",
          "OUTBOX_REFUSALS_IN_A_ROW",
          "OUTBOX_PARK_AFTER",
          "OUTBOX_DEAD_LETTER_LIMIT",
          "OUTBOX_DEAD_LETTER_POLICY",
          "OUTBOX_DEAD_LETTER_TOPIC",
          "OUTBOX_CHECKPOINT_INTERVAL_MS",
          "OUTBOX_STOP_DEADLINE_MS",
          "OUTBOX_DRAIN_ON_STOP",
          "OUTBOX_BACKOFF_MIN_MS",
          "OUTBOX_BACKOFF_MAX_MS",
          "OUTBOX_LOG_LEVEL",
          "OUTBOX_LOG_LEVEL_FILE",
          "OUTBOX_LOG_FORMAT");

  private final Map<String, String> env;
  private final List<String> errors;

  EnvironmentReader(Map<String, String> env, List<String> errors) {
    this.env = env;
    this.errors = errors;
  }

  /** A typo would silently give the default, so names that nobody reads are told. */
  Optional<String> unknownNames() {
    String unknown =
        env.keySet().stream()
            .filter(name -> name.startsWith("OUTBOX_") && !KNOWN.contains(name))
            .sorted()
            .collect(Collectors.joining(", "));
    return unknown.isEmpty()
        ? Optional.empty()
        : Optional.of("ignored, as the relay knows no such setting: " + unknown);
  }

  OutboxSelection outboxes() {
    Optional<String> one = value("OUTBOX_DIR");
    Optional<String> many = value("OUTBOX_DIRS");
    if (one.isPresent() && many.isPresent()) {
      errors.add("OUTBOX_DIR and OUTBOX_DIRS are both set; keep one of them");
    } else if (many.isPresent()) {
      return globs(many.get());
    } else if (one.isEmpty()) {
      errors.add(
          "OUTBOX_DIR is not set; set it to the absolute path of the outbox, or OUTBOX_DIRS to"
              + " where several are");
    }
    return new OutboxSelection.One(
        one.map(dir -> absolute("OUTBOX_DIR", dir)).orElse(Path.of("/")));
  }

  private OutboxSelection globs(String value) {
    List<OutboxGlob> globs = new ArrayList<>();
    for (String text : value.split(":", -1)) {
      try {
        if (!text.isBlank()) {
          globs.add(OutboxGlob.parse(text.trim()));
        }
      } catch (IllegalArgumentException e) {
        error("OUTBOX_DIRS", value, e.getMessage());
      }
    }
    return new OutboxSelection.Matching(globs);
  }

  private Path absolute(String name, String value) {
    try {
      Path path = Path.of(value);
      if (path.isAbsolute()) {
        return path.normalize();
      }
      error(name, value, "give an absolute path");
    } catch (InvalidPathException e) {
      error(name, value, "give a path: " + e.getReason());
    }
    return Path.of("/");
  }

  DeliveryMode delivery() {
    String value = value("OUTBOX_DELIVERY").orElse("at-least-once");
    if (value.equals("exactly-once")) {
      error("OUTBOX_DELIVERY", value, "not available in this version; use at-least-once");
    } else if (!value.equals("at-least-once")) {
      error("OUTBOX_DELIVERY", value, "use at-least-once");
    }
    return DeliveryMode.AT_LEAST_ONCE;
  }

  OptionalLong maxBytes() {
    return value("OUTBOX_MAX_BYTES").isEmpty()
        ? OptionalLong.empty()
        : OptionalLong.of(number("OUTBOX_MAX_BYTES", 1, 1, Long.MAX_VALUE));
  }

  DeadLetterSettings deadLetters() {
    String name = "OUTBOX_DEAD_LETTER_LIMIT";
    OptionalLong limit =
        value(name).isEmpty()
            ? OptionalLong.empty()
            : OptionalLong.of(number(name, 1, 1, 1_000_000_000));
    return new DeadLetterSettings(
        limit,
        choice(
            "OUTBOX_DEAD_LETTER_POLICY",
            DeadLetterSettings.Policy.class,
            DeadLetterSettings.Policy.WAIT),
        topic("OUTBOX_DEAD_LETTER_TOPIC"));
  }

  /** A number with a unit, or 0. */
  /** The same, or {@code off}: empty. */
  Optional<Duration> durationOrOff(String name, Duration fallback, String example) {
    boolean off = value(name).filter("off"::equals).isPresent();
    return off ? Optional.empty() : Optional.of(duration(name, fallback, example));
  }

  Duration duration(String name, Duration fallback, String example) {
    Optional<String> value = value(name);
    if (value.isEmpty()) {
      return fallback;
    }
    if (value.get().equals("0")) {
      return Duration.ZERO;
    }
    Matcher matcher = DURATION.matcher(value.get());
    if (!matcher.matches()) {
      error(
          name,
          value.get(),
          "give a number and a unit (ms, s, m, h, d), like " + example + ", or 0");
      return fallback;
    }
    long amount = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ms" -> Duration.ofMillis(amount);
      case "s" -> Duration.ofSeconds(amount);
      case "m" -> Duration.ofMinutes(amount);
      case "h" -> Duration.ofHours(amount);
      default -> Duration.ofDays(amount);
    };
  }

  /** Where to listen; empty = off. */
  Optional<HttpAddress> address(String name, String fallback) {
    String value = value(name).orElse(fallback);
    if (value.equals("off")) {
      return Optional.empty();
    }
    try {
      return Optional.of(HttpAddress.parse(value));
    } catch (IllegalArgumentException e) {
      error(name, value, e.getMessage() + "; give one like 127.0.0.1:9748, or off");
      return Optional.empty();
    }
  }

  Optional<Path> metricsFile() {
    Optional<String> value = value("OUTBOX_METRICS_FILE");
    // The paths that node_exporter reads; without a check a typo would give silence.
    Optional<String> usable = value.filter(path -> path.matches("/.*[^/]\\.prom"));
    if (value.isPresent() && usable.isEmpty()) {
      error("OUTBOX_METRICS_FILE", value.get(), "give an absolute path that ends in .prom");
    }
    return usable.map(Path::of);
  }

  WindowSettings window() {
    return new WindowSettings(
        (int) number("OUTBOX_WINDOW_RECORDS", 16_384, 1, 10_000_000),
        number("OUTBOX_WINDOW_BYTES", 16L << 20, WindowSettings.SMALLEST_MAX_BYTES, 1L << 30));
  }

  BackoffSettings backoff() {
    Duration min = millis("OUTBOX_BACKOFF_MIN_MS", 100, 1, 600_000);
    Duration max = millis("OUTBOX_BACKOFF_MAX_MS", 10_000, 1, 3_600_000);
    if (max.compareTo(min) < 0) {
      errors.add(
          "OUTBOX_BACKOFF_MAX_MS is below OUTBOX_BACKOFF_MIN_MS ("
              + max.toMillis()
              + " < "
              + min.toMillis()
              + "); raise the one or lower the other");
      return new BackoffSettings(min, min);
    }
    return new BackoffSettings(min, max);
  }

  Optional<String> clusterId() {
    return value("OUTBOX_CLUSTER_ID");
  }

  /** A topic's name, that of the environment filled in. */
  Optional<String> topic(String setting) {
    Optional<String> value = value(setting);
    Optional<String> topic =
        value.map(text -> text.replace("{environment}", value("ENVIRONMENT").orElse("dev")));
    topic
        .filter(
            name ->
                !TOPIC.matcher(name).matches()
                    || name.equals(".")
                    || name.equals("..")
                    || RecordLimits.INTERNAL_TOPICS.contains(name))
        .ifPresent(
            name ->
                error(
                    setting,
                    value.get(),
                    "gives \""
                        + name
                        + "\"; a topic is 1 … 249 of a-z A-Z 0-9 . _ -, and not Kafka's own"));
    return topic;
  }

  LogSettings log() {
    Level level = choice("OUTBOX_LOG_LEVEL", Level.class, Level.INFO);
    Optional<Path> file =
        value("OUTBOX_LOG_LEVEL_FILE").map(path -> absolute("OUTBOX_LOG_LEVEL_FILE", path));
    return new LogSettings(
        file.map(path -> levelIn(path, level)).orElse(level),
        file,
        choice("OUTBOX_LOG_FORMAT", Format.class, Format.LOGFMT));
  }

  /** A level for a while: without the file, or with nothing in it, the usual one holds. */
  private Level levelIn(Path file, Level usual) {
    String name = "OUTBOX_LOG_LEVEL_FILE=" + file + ", which says OUTBOX_LOG_LEVEL";
    try {
      Optional<String> text = Optional.of(Files.readString(file).trim());
      return choice(name, text.filter(level -> !level.isEmpty()), Level.class, usual);
    } catch (NoSuchFileException e) {
      return usual;
    } catch (IOException e) {
      error("OUTBOX_LOG_LEVEL_FILE", file.toString(), "can't be read: " + e);
      return usual;
    }
  }

  Duration millis(String name, long fallback, long least, long most) {
    return Duration.ofMillis(number(name, fallback, least, most));
  }

  boolean flag(String name) {
    String value = value(name).orElse("0");
    if (!value.equals("0") && !value.equals("1")) {
      error(name, value, "use 1 or 0");
    }
    return value.equals("1");
  }

  <E extends Enum<E>> E choice(String name, Class<E> type, E fallback) {
    return choice(name, value(name), type, fallback);
  }

  private <E extends Enum<E>> E choice(
      String name, Optional<String> value, Class<E> type, E fallback) {
    for (E constant : type.getEnumConstants()) {
      if (value.isPresent() && value.get().replace('-', '_').equalsIgnoreCase(constant.name())) {
        return constant;
      }
    }
    value.ifPresent(
        text ->
            error(
                name,
                text,
                "use "
                    + Arrays.stream(type.getEnumConstants())
                        .map(constant -> constant.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                        .collect(Collectors.joining(" or "))));
    return fallback;
  }

  long number(String name, long fallback, long least, long most) {
    Optional<String> value = value(name);
    if (value.isEmpty()) {
      return fallback;
    }
    try {
      long number = Long.parseLong(value.get());
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // The message below says it.
    }
    error(
        name,
        value.get(),
        "give a whole number "
            + (most == Long.MAX_VALUE
                ? "from " + least + " on"
                : "within " + least + " … " + most));
    return fallback;
  }

  /** An empty value counts as unset: that is how Compose and systemd pass what is not given. */
  private Optional<String> value(String name) {
    return Optional.ofNullable(env.get(name)).map(String::trim).filter(text -> !text.isEmpty());
  }

  private void error(String name, String value, String wayOut) {
    errors.add(name + "=" + value + ": " + wayOut);
  }
}
