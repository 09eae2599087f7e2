package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.config.OutboxGlob;
import dev.outboxrelay.relay.config.OutboxGlob.Name;
import dev.outboxrelay.relay.pipeline.OutboxAtRest;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Looks for what the globs mean. Links are not followed where a wildcard stands nor behind it, nor
 * is an outbox ever one: whoever may write one directory must not lead the relay into another. For
 * one thread.
 */
public final class OutboxSearch implements OutboxFiles {
  /** Looked at in what one owner may fill, at any depth: all wait for the search. */
  private static final int MOST_ENTRIES = 100_000;

  private final List<OutboxGlob> globs;
  private final int mostEntries;

  OutboxSearch(List<OutboxGlob> globs) {
    this(globs, MOST_ENTRIES);
  }

  OutboxSearch(List<OutboxGlob> globs, int mostEntries) {
    this.globs = List.copyOf(globs);
    this.mostEntries = mostEntries;
  }

  /** A directory that a wildcard stands for: from there on all may be anybody's. */
  private static final class Owned {
    private final Path directory;
    private int looked;

    Owned(Path directory) {
      this.directory = directory;
    }
  }

  /** What the globs mean now. */
  public static List<Path> find(List<OutboxGlob> globs) {
    return List.copyOf(new OutboxSearch(globs).search().outboxes().keySet());
  }

  /** Tells a directory from another that took its place; two paths to one are one outbox. */
  private record Identity(Object root, Object queue) {}

  @Override
  public Found search() {
    Map<Path, Identity> matching = new TreeMap<>();
    List<Path> unreadable = new ArrayList<>();
    for (OutboxGlob glob : globs) {
      expand(Path.of("/"), glob.names(), null, matching, unreadable);
    }
    Map<Path, Object> outboxes = new LinkedHashMap<>();
    Set<Object> seen = new HashSet<>();
    matching.forEach(
        (path, identity) -> {
          if (seen.add(identity.root())) {
            outboxes.put(path, identity);
          }
        });
    return new Found(outboxes, unreadable);
  }

  /**
   * Follows names.
   *
   * @param owned in which they are; null as long as no wildcard was passed
   */
  private void expand(
      Path directory,
      List<Name> names,
      Owned owned,
      Map<Path, Identity> matching,
      List<Path> unreadable) {
    List<Name> rest = names.subList(1, names.size());
    if (names.get(0) instanceof Name.Wildcard wildcard) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        Owned filled = owned == null ? new Owned(directory) : owned;
        for (Path entry : entries) {
          if (++filled.looked > mostEntries) {
            unreadable.add(filled.directory); // its owner alone is to blame, and nobody else waits
            return;
          }
          if (wildcard.matches(entry.getFileName()) && isDirectory(entry)) {
            Owned next = owned == null ? new Owned(entry) : owned;
            goOn(entry, rest, next, matching, unreadable);
          }
        }
      } catch (NoSuchFileException | NotDirectoryException e) {
        // Not there, or not yet.
      } catch (IOException | DirectoryIteratorException e) {
        unreadable.add(directory);
      }
    } else if (names.get(0) instanceof Name.Literal literal) {
      Path next = directory.resolve(literal.name());
      if (owned == null || isDirectory(next)) {
        goOn(next, rest, owned, matching, unreadable);
      }
    }
  }

  private static boolean isDirectory(Path path) {
    return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
  }

  private void goOn(
      Path path,
      List<Name> rest,
      Owned owned,
      Map<Path, Identity> matching,
      List<Path> unreadable) {
    if (rest.isEmpty()) {
      keep(path, matching, unreadable);
    } else {
      expand(path, rest, owned, matching, unreadable);
    }
  }

  /** Only if it is an outbox: whatever else matches can be a million names. */
  private static void keep(Path path, Map<Path, Identity> matching, List<Path> unreadable) {
    try {
      Identity identity = identity(path);
      if (identity != null && identity(path.getParent()) == null) {
        matching.put(path, identity);
      }
    } catch (IOException e) {
      unreadable.add(path);
    }
  }

  /**
   * An outbox has a queue, and one of the two files that its writers make. Null if it is none: a
   * directory of any other kind is never made one.
   */
  private static Identity identity(Path path) throws IOException {
    OutboxPaths paths = new OutboxPaths(path);
    BasicFileAttributes root = attributes(path);
    BasicFileAttributes queue = root == null ? null : attributes(paths.queue());
    if (queue == null || !root.isDirectory() || !queue.isDirectory()) {
      return null;
    }
    return isFile(paths.state()) || isFile(paths.lock())
        ? new Identity(root.fileKey(), queue.fileKey())
        : null;
  }

  private static boolean isFile(Path path) throws IOException {
    BasicFileAttributes found = attributes(path);
    return found != null && found.isRegularFile();
  }

  private static BasicFileAttributes attributes(Path path) throws IOException {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      return null;
    } catch (FileSystemException e) {
      if (e instanceof AccessDeniedException) {
        throw e;
      }
      // A file stands where a directory should: ENOTDIR has no exception of its own.
      if (path.getParent() != null && !Files.isDirectory(path.getParent())) {
        return null;
      }
      throw e;
    }
  }

  @Override
  public boolean isSettled(Path outbox) throws IOException {
    return OutboxAtRest.isSettled(outbox);
  }

  @Override
  public boolean hasOldCycles(Path outbox) throws IOException {
    return new OutboxPaths(outbox).cycles().size() > 1;
  }
}
