package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** An outbox's directory and its queue, opened and checked by {@link OutboxDirectory}. */
public final class HeldDirectories implements Closeable {
  private final OutboxPaths named;
  private final Folder root;
  private final Folder queue;

  HeldDirectories(OutboxPaths named, Folder root, Folder queue) {
    this.named = named;
    this.root = root;
    this.queue = queue;
  }

  /**
   * Opens those of an outbox that exists, its queue being made if need be; refuses what a writer
   * would refuse.
   */
  public static HeldDirectories hold(OutboxPaths paths) throws IOException {
    return OutboxDirectory.hold(paths);
  }

  /** Opens them for reading; empty if one of the two does not exist. */
  public static Optional<HeldDirectories> find(OutboxPaths paths) throws IOException {
    Folder root;
    try {
      root = Folder.hold(paths.root());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    try {
      Path queue = root.path().resolve(paths.queue().getFileName());
      return Optional.of(new HeldDirectories(paths, root, Folder.hold(queue)));
    } catch (NoSuchFileException e) {
      root.close();
      return Optional.empty();
    } catch (IOException | RuntimeException | Error e) {
      root.close();
      throw e;
    }
  }

  /** By which everything is opened, made, linked, listed and removed. */
  public OutboxPaths paths() {
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

  /** To be thrown before anything is changed, where these are not those of an outbox served. */
  OutboxUnavailable others() {
    return new OutboxUnavailable(
        named.root() + " leads to another outbox than the one that is served: nothing was changed");
  }

  /** Whether others are the same directories. */
  boolean areThoseOf(HeldDirectories other) throws IOException {
    return isSame(root.attributes(), other.root.attributes())
        && isSame(queue.attributes(), other.queue.attributes());
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
