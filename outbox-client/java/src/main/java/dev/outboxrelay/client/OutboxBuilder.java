package dev.outboxrelay.client;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.writing.WriterOptions;
import java.math.BigInteger;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Settings of an outbox. What is not set here comes from the environment: {@code OUTBOX_DIR} (no
 * default), {@code OUTBOX_DURABILITY} ({@code process}), {@code OUTBOX_MAX_BYTES} (no cap), {@code
 * OUTBOX_TRUST_PARENT} ({@code 1} to allow a parent directory that everybody may write). Not for
 * use by several threads.
 */
public final class OutboxBuilder {
  /** What the Python client takes for white space. */
  private static final String SPACE = "[\\s\\x1C-\\x1F\\x85\\p{Z}]+";

  private final Map<String, String> environment;
  private Path path;
  private Durability durability;
  private Long maxBytes;
  private Boolean trustParent;
  private Duration lockTimeout = WriterOptions.USUAL_LOCK_TIMEOUT;

  OutboxBuilder(Map<String, String> environment) {
    this.environment = environment;
  }

  /** The outbox's directory, absolute; created on first use if its parent exists. */
  public OutboxBuilder path(Path directory) {
    path = Objects.requireNonNull(directory, "directory");
    return this;
  }

  /** What an append that has returned survives. */
  public OutboxBuilder durability(Durability chosen) {
    durability = Objects.requireNonNull(chosen, "durability");
    return this;
  }

  /**
   * Cap on what is appended and not yet settled, bytes; appends beyond it are {@link OutboxFull}.
   */
  public OutboxBuilder maxBytes(long cap) {
    if (cap <= 0) {
      throw new IllegalArgumentException("the cap is " + cap + " bytes: it must be positive");
    }
    maxBytes = cap;
    return this;
  }

  /**
   * How long an append waits for the writers' lock before it is {@link OutboxBusy}; 5 seconds by
   * default.
   */
  public OutboxBuilder lockTimeout(Duration timeout) {
    if (timeout.isNegative()) {
      throw new IllegalArgumentException("the lock timeout is negative: " + timeout);
    }
    lockTimeout = timeout;
    return this;
  }

  /**
   * Whether the parent directory may be writable by everybody: for volumes that nobody else can
   * reach.
   */
  public OutboxBuilder trustParent(boolean trusted) {
    trustParent = trusted;
    return this;
  }

  /** Opens the outbox. */
  public Outbox open() {
    return new Outbox(options());
  }

  WriterOptions options() {
    // ".." goes before links are followed, as in the Python client and the relay.
    return WriterOptions.of(new OutboxPaths(directory().normalize()))
        .withDurability(
            durability != null
                ? durability
                : variable("OUTBOX_DURABILITY").map(Durability::parse).orElse(Durability.PROCESS))
        .withMaxBytes(maxBytes != null ? maxBytes : capFromEnvironment())
        .withTrustParent(
            trustParent != null ? trustParent : "1".equals(environment.get("OUTBOX_TRUST_PARENT")))
        .withLockTimeout(lockTimeout);
  }

  private Path directory() {
    if (path != null) {
      return path;
    }
    String name =
        variable("OUTBOX_DIR")
            .orElseThrow(
                () ->
                    new OutboxUnavailable(
                        "OUTBOX_DIR is not set: name the outbox's directory there, or pass "
                            + "a path"));
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new OutboxUnavailable("OUTBOX_DIR is '" + name + "', which is no path", e);
    }
  }

  private long capFromEnvironment() {
    Optional<String> value = variable("OUTBOX_MAX_BYTES");
    if (value.isEmpty()) {
      return Long.MAX_VALUE;
    }
    if (value.get().matches("0*[1-9][0-9]*")) {
      return new BigInteger(value.get()).min(BigInteger.valueOf(Long.MAX_VALUE)).longValue();
    }
    throw new OutboxUnavailable(
        "OUTBOX_MAX_BYTES is '" + value.get() + "': it must be a positive number of bytes");
  }

  private Optional<String> variable(String name) {
    return Optional.ofNullable(environment.get(name))
        .map(value -> value.replaceAll("\\A" + SPACE + "|" + SPACE + "\\z", ""))
        .filter(value -> !value.isEmpty());
  }
}
