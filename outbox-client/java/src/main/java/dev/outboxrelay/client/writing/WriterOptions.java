package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.RecordLimits;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Random;
import java.util.function.LongSupplier;

/**
 * Everything that an outbox is opened with, what only the relay and tests change included.
 *
 * @param paths of the outbox
 * @param durability of appends
 * @param maxBytes cap on what is appended but not settled, bytes; {@code Long.MAX_VALUE} for none
 * @param lockTimeout how long to wait for the writers' lock
 * @param trustParent whether a parent directory may be writable by everybody
 * @param limits of records
 * @param rollBytes a cycle file ends below this size
 * @param disk where changes go
 * @param clock of append times and cycles
 * @param random of event ids, identities and backoff
 * @param nanos time that passes, as {@link System#nanoTime} tells it, for pauses around a sync
 */
public record WriterOptions(
    OutboxPaths paths,
    Durability durability,
    long maxBytes,
    Duration lockTimeout,
    boolean trustParent,
    RecordLimits limits,
    long rollBytes,
    Disk disk,
    InstantSource clock,
    Random random,
    LongSupplier nanos) {

  public static final Duration USUAL_LOCK_TIMEOUT = Duration.ofSeconds(5);
  public static final long USUAL_ROLL_BYTES = 1L << 30;

  /** The defaults of an outbox. */
  public static WriterOptions of(OutboxPaths paths) {
    return new WriterOptions(
        paths,
        Durability.PROCESS,
        Long.MAX_VALUE,
        USUAL_LOCK_TIMEOUT,
        false,
        RecordLimits.EVENTS,
        USUAL_ROLL_BYTES,
        Disk.REAL,
        InstantSource.system(),
        new SecureRandom(),
        System::nanoTime);
  }

  /**
   * The relay's own outbox of dead letters: larger records, reserved header names, and always on
   * stable storage.
   */
  public static WriterOptions deadLetters(OutboxPaths outbox) {
    return of(outbox.deadLetters())
        .withLimits(RecordLimits.DEAD_LETTERS)
        .withDurability(Durability.POWER);
  }

  /** A parked topic's outbox, which is the relay's own: it takes whatever stood in the queue. */
  public static WriterOptions parked(OutboxPaths topic) {
    return of(topic).withLimits(RecordLimits.PARKED);
  }

  /**
   * Milliseconds since the epoch. Asked before anything is changed.
   *
   * @throws OutboxUnavailable if the clock stands before it: there are no such cycles and times
   */
  long now() {
    long now = clock.millis();
    if (now < 0) {
      throw new OutboxUnavailable("the clock stands before 1970: set it");
    }
    return now;
  }

  public WriterOptions withDurability(Durability changed) {
    return new WriterOptions(
        paths,
        changed,
        maxBytes,
        lockTimeout,
        trustParent,
        limits,
        rollBytes,
        disk,
        clock,
        random,
        nanos);
  }

  public WriterOptions withMaxBytes(long changed) {
    return new WriterOptions(
        paths,
        durability,
        changed,
        lockTimeout,
        trustParent,
        limits,
        rollBytes,
        disk,
        clock,
        random,
        nanos);
  }

  public WriterOptions withLockTimeout(Duration changed) {
    return new WriterOptions(
        paths,
        durability,
        maxBytes,
        changed,
        trustParent,
        limits,
        rollBytes,
        disk,
        clock,
        random,
        nanos);
  }

  public WriterOptions withTrustParent(boolean changed) {
    return new WriterOptions(
        paths,
        durability,
        maxBytes,
        lockTimeout,
        changed,
        limits,
        rollBytes,
        disk,
        clock,
        random,
        nanos);
  }

  public WriterOptions withLimits(RecordLimits changed) {
    return new WriterOptions(
        paths,
        durability,
        maxBytes,
        lockTimeout,
        trustParent,
        changed,
        rollBytes,
        disk,
        clock,
        random,
        nanos);
  }

  public WriterOptions withRollBytes(long changed) {
    return new WriterOptions(
        paths,
        durability,
        maxBytes,
        lockTimeout,
        trustParent,
        limits,
        changed,
        disk,
        clock,
        random,
        nanos);
  }

  public WriterOptions withDisk(Disk changed) {
    return new WriterOptions(
        paths,
        durability,
        maxBytes,
        lockTimeout,
        trustParent,
        limits,
        rollBytes,
        changed,
        clock,
        random,
        nanos);
  }

  public WriterOptions withClock(InstantSource changed) {
    return new WriterOptions(
        paths,
        durability,
        maxBytes,
        lockTimeout,
        trustParent,
        limits,
        rollBytes,
        disk,
        changed,
        random,
        nanos);
  }

  public WriterOptions withRandom(Random changed) {
    return new WriterOptions(
        paths,
        durability,
        maxBytes,
        lockTimeout,
        trustParent,
        limits,
        rollBytes,
        disk,
        clock,
        changed,
        nanos);
  }

  public WriterOptions withNanos(LongSupplier changed) {
    return new WriterOptions(
        paths,
        durability,
        maxBytes,
        lockTimeout,
        trustParent,
        limits,
        rollBytes,
        disk,
        clock,
        random,
        changed);
  }
}
