package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.relay.config.OutboxGlob;
import dev.outboxrelay.relay.config.OutboxGlob.Name;
import dev.outboxrelay.relay.pipeline.OutboxAtRest;
import dev.outboxrelay.relay.rounds.Rounds;
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
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;

/**
 * Looks for what the globs mean. Links are not followed where a wildcard stands nor behind it, nor
 * is an outbox ever one: whoever may write one directory must not lead the relay into another. For
 * one thread.
 */
public final class OutboxSearch implements OutboxFiles {
  /** Looked at in one directory: whoever owns it may fill it, and all wait for the search. */
  private static final int MOST_ENTRIES = 100_000;

  private final List<OutboxGlob> globs;
  private final Rounds<Path> rounds;

  /**
   * A search that waits for no disk.
   *
   * @param rounds that look at directories
   */
  OutboxSearch(List<OutboxGlob> globs, Rounds<Path> rounds) {
    this.globs = List.copyOf(globs);
    this.rounds = rounds;
  }

  /** What the globs mean now; waits for all disks. */
  public static List<Path> find(List<OutboxGlob> globs) {
    Rounds<Path> here = new Rounds<>(Runnable::run, Duration.ZERO);
    return List.copyOf(new OutboxSearch(globs, here).search().outboxes().keySet());
  }

  /** Tells a directory from another that took its place; two paths to one are one outbox. */
  private record Identity(Object root, Object queue) {}

  @Override
  public Found search() {
    Set<Path> unreadable = new ConcurrentSkipListSet<>();
    SortedSet<Path> matching = new TreeSet<>();
    for (OutboxGlob glob : globs) {
      matching.addAll(expand(glob.names(), unreadable));
    }
    Map<Path, Identity> identities = new ConcurrentHashMap<>();
    rounds.visit(
        matching,
        path -> {
          try {
            Identity identity = identity(path);
            if (identity != null && identity(path.getParent()) == null) {
              identities.put(path, identity);
            }
          } catch (IOException e) {
            unreadable.add(path);
          }
        });
    unreadable.addAll(rounds.leftBehind());
    Map<Path, Object> outboxes = new LinkedHashMap<>();
    Set<Object> seen = new HashSet<>();
    for (Path path : matching) {
      Identity identity = identities.get(path);
      if (identity != null && seen.add(identity.root())) {
        outboxes.put(path, identity);
      }
    }
    return new Found(outboxes, List.copyOf(unreadable));
  }

  /**
   * Follows names, level by level, so that a directory whose disk hangs hides only what is in it.
   */
  private SortedSet<Path> expand(List<Name> names, Set<Path> unreadable) {
    SortedSet<Path> level = new TreeSet<>(Set.of(Path.of("/")));
    // Behind a wildcard directories may be anybody's.
    boolean others = false;
    for (Name name : names) {
      if (name instanceof Name.Literal literal) {
        SortedSet<Path> next = new TreeSet<>();
        level.forEach(directory -> next.add(directory.resolve(literal.name())));
        level = others ? directories(next) : next;
      } else if (name instanceof Name.Wildcard wildcard) {
        others = true;
        level = directories(matching(level, wildcard, unreadable));
      }
    }
    return level;
  }

  private SortedSet<Path> matching(
      Set<Path> directories, Name.Wildcard wildcard, Set<Path> unreadable) {
    SortedSet<Path> matching = new ConcurrentSkipListSet<>();
    rounds.visit(directories, each -> list(each, wildcard, matching, unreadable));
    return matching;
  }

  private static void list(
      Path directory, Name.Wildcard wildcard, Set<Path> matching, Set<Path> unreadable) {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      int looked = 0;
      for (Path entry : entries) {
        if (++looked > MOST_ENTRIES) {
          unreadable.add(directory); // its owner alone is to blame, and nobody else waits
          return;
        }
        if (wildcard.matches(entry.getFileName())) {
          matching.add(entry);
        }
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      // Not there, or not yet.
    } catch (IOException | DirectoryIteratorException e) {
      unreadable.add(directory);
    }
  }

  private SortedSet<Path> directories(Set<Path> paths) {
    SortedSet<Path> directories = new ConcurrentSkipListSet<>();
    rounds.visit(
        paths,
        path -> {
          if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            directories.add(path);
          }
        });
    return directories;
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
