package dev.outboxrelay.client.lock;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.SafeFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;

/**
 * The writers' lock: byte 0 of {@code outbox.lock}, exclusive among all processes and threads,
 * always taken with a deadline. Safe for many threads; not reentrant.
 *
 * <p>Java has POSIX record locks, which the kernel drops as soon as <i>any</i> descriptor of the
 * file is closed in the process. So all instances of a JVM share one channel per file, found by
 * device and inode, and it is closed with the last of them. Nothing else in the process may open
 * and close the lock file.
 */
public final class WritersLock implements Closeable {
  private static final Map<Object, SharedChannel> CHANNELS = new HashMap<>();

  private final Path file;
  private final Disk disk;
  private final RandomGenerator random;
  private SharedChannel shared; // guarded by this
  private SharedChannel held; // guarded by the threads' lock of the channel itself

  /** Opens nothing yet. */
  public WritersLock(Path file, Disk disk, RandomGenerator random) {
    this.file = file;
    this.disk = disk;
    this.random = random;
  }

  /** One channel of a lock file, shared by all who use that file in this JVM. */
  private static final class SharedChannel {
    final Object key;
    final FileChannel channel;
    final List<FileChannel> alsoOpened = new ArrayList<>();
    final ReentrantLock threads = new ReentrantLock();
    int users = 1; // guarded by CHANNELS
    FileLock fileLock; // guarded by threads

    SharedChannel(Object key, FileChannel channel) {
      this.key = key;
      this.channel = channel;
    }
  }

  /**
   * Takes the lock; {@link #release} must follow in a finally block of the same thread.
   *
   * @param timeout how long to try; then {@link dev.outboxrelay.client.OutboxBusy}
   */
  public void acquire(Duration timeout) throws IOException {
    try (LockDeadline deadline = new LockDeadline(timeout, random)) {
      acquire(deadline);
    }
  }

  public void acquire(LockDeadline deadline) throws IOException {
    while (true) {
      SharedChannel channel = channel();
      lockThreads(channel, deadline);
      boolean done = false;
      try {
        channel.fileLock = disk.tryLock(channel.channel, 0, 1, DiskStep.LOCK);
        if (channel.fileLock == null) {
          channel.fileLock =
              deadline.poll(file, () -> disk.tryLock(channel.channel, 0, 1, DiskStep.LOCK));
        }
        if (channel.key.equals(keyOf(file))) {
          held = channel;
          done = true;
          return;
        }
        // The file was replaced or deleted: start over with what the path leads to now.
      } catch (ClosedChannelException e) {
        // by an interrupt: start over with a new one
      } finally {
        if (!done) {
          unlock(channel);
          forget(channel);
        }
      }
    }
  }

  /** Releases the lock. */
  public void release() throws IOException {
    SharedChannel channel = held;
    if (channel == null || !channel.threads.isHeldByCurrentThread()) {
      throw new IllegalStateException("this thread does not hold " + file);
    }
    held = null;
    unlock(channel);
  }

  /**
   * Waits for a thread of this process that holds the lock, then gives up this instance's use of
   * the channel.
   */
  @Override
  public void close() throws IOException {
    SharedChannel channel;
    synchronized (this) {
      channel = shared;
    }
    if (channel != null) {
      channel.threads.lock();
      try {
        forget(channel);
      } finally {
        channel.threads.unlock();
      }
    }
  }

  private void lockThreads(SharedChannel channel, LockDeadline deadline) {
    if (channel.threads.isHeldByCurrentThread()) {
      throw new IllegalStateException("this thread holds " + file + " already");
    }
    if (channel.threads.tryLock()) {
      return;
    }
    while (true) {
      try {
        if (channel.threads.tryLock(deadline.remainingNanos(), TimeUnit.NANOSECONDS)) {
          return;
        }
        throw deadline.busy(file, "another thread of this process");
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        deadline.keepInterrupt();
      }
    }
  }

  private static void unlock(SharedChannel channel) throws IOException {
    FileLock lock = channel.fileLock;
    channel.fileLock = null;
    try {
      if (lock != null && channel.channel.isOpen()) {
        lock.release();
      }
    } finally {
      channel.threads.unlock();
    }
  }

  private synchronized SharedChannel channel() throws IOException {
    if (shared == null) {
      shared = share(file);
    }
    return shared;
  }

  private void forget(SharedChannel channel) throws IOException {
    synchronized (this) {
      if (shared != channel) {
        return;
      }
      shared = null;
    }
    synchronized (CHANNELS) {
      if (--channel.users == 0 || !channel.channel.isOpen()) {
        CHANNELS.remove(channel.key, channel);
      }
      if (channel.users == 0) {
        channel.channel.close();
        for (FileChannel also : channel.alsoOpened) {
          also.close();
        }
      }
    }
  }

  private static SharedChannel share(Path file) throws IOException {
    synchronized (CHANNELS) {
      while (true) {
        Object before = keyOf(file);
        SharedChannel known = CHANNELS.get(before);
        if (known != null && known.channel.isOpen()) {
          known.users++;
          return known;
        }
        FileChannel channel = SafeFiles.openOrCreate(file);
        Object key = keyOf(file);
        SharedChannel raced = CHANNELS.get(key);
        if (raced != null && raced.channel.isOpen()) {
          // Closing ours now would drop their lock.
          raced.alsoOpened.add(channel);
          raced.users++;
          return raced;
        }
        if (key != null && (before == null || before.equals(key))) {
          SharedChannel created = new SharedChannel(key, channel);
          CHANNELS.put(key, created);
          return created;
        }
        channel.close();
      }
    }
  }

  /** Device and inode of what the path leads to; null if nothing is there. */
  private static Object keyOf(Path file) throws IOException {
    try {
      return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
          .fileKey();
    } catch (NoSuchFileException e) {
      return null;
    }
  }
}
