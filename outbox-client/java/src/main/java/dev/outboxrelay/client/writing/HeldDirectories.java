package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.Closeable;
import java.io.IOException;

/** An outbox's directory and its queue, opened and checked by {@link OutboxDirectory}. */
final class HeldDirectories implements Closeable {
  private final OutboxPaths named;
  private final Folder root;
  private final Folder queue;

  HeldDirectories(OutboxPaths named, Folder root, Folder queue) {
    this.named = named;
    this.root = root;
    this.queue = queue;
  }

  /** By which everything is opened, made, linked, listed and removed. */
  OutboxPaths paths() {
    return new OutboxPaths(root.path(), queue.path());
  }

  /** The paths that the outbox was opened by: for messages, and to see whether they still lead. */
  OutboxPaths named() {
    return named;
  }

  /** To be thrown before anything is changed, where the outbox's path leads to others. */
  OutboxUnavailable replaced() {
    return new OutboxUnavailable(
        named.root() + " was replaced during this append: nothing was appended, append again");
  }

  /** Whether the outbox's path still leads to these. */
  boolean areInPlace() throws IOException {
    return isSame(root.attributes(), SafeFiles.attributes(named.root()))
        && isSame(queue.attributes(), SafeFiles.attributes(named.queue()));
  }

  private static boolean isSame(SafeFiles.Attributes held, SafeFiles.Attributes found) {
    return held != null && found != null && held.key().equals(found.key());
  }

  @Override
  public void close() throws IOException {
    try {
      queue.close();
    } finally {
      root.close();
    }
  }
}
