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
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Consumer;

/**
 * Looks for what the globs mean. Links are not followed where a wildcard stands nor behind it, nor
 * is an outbox ever one: whoever may write one directory must not lead the relay into another. For
 * one thread.
 */
public final class OutboxSearch implements OutboxFiles {
  /** Looked at in what one owner may fill, at any depth. */
  private static final int MOST_ENTRIES = 100_000;

  /** Waited for once; whoever owns many files may well need some of it. */
  static final Duration PATIENCE = Duration.ofSeconds(2);

  private final List<OutboxGlob> globs;
  private final Rounds<Path> rounds;
  private final int mostEntries;
  private final boolean copiesLetters;

  /**
   * A search that waits for no disk.
   *
   * @param rounds that look at directories
   * @param copiesLetters whether dead letters are copied to a topic
   */
  OutboxSearch(List<OutboxGlob> globs, Rounds<Path> rounds, boolean copiesLetters) {
    this(globs, rounds, copiesLetters, MOST_ENTRIES);
  }

  OutboxSearch(
      List<OutboxGlob> globs, Rounds<Path> rounds, boolean copiesLetters, int mostEntries) {
    this.globs = List.copyOf(globs);
    this.rounds = rounds;
    this.copiesLetters = copiesLetters;
    this.mostEntries = mostEntries;
  }

  /** What the globs mean now; waits for all disks. */
  public static List<Path> find(List<OutboxGlob> globs) {
    Rounds<Path> here = new Rounds<>(Runnable::run, Duration.ZERO);
    return List.copyOf(new OutboxSearch(globs, here, false).search().outboxes().keySet());
  }

  /** Tells a directory from another that took its place; two paths to one are one outbox. */
  private record Identity(Object root, Object queue) {}

  @Override
  public Found search() {
    Map<Path, Identity> matching = new ConcurrentSkipListMap<>();
    Set<Path> unreadable = new ConcurrentSkipListSet<>();
    for (OutboxGlob glob : globs) {
      search(glob.names(), matching, unreadable);
    }
    unreadable.addAll(rounds.leftBehind());
    Map<Path, Object> outboxes = new LinkedHashMap<>();
    Set<Object> seen = new HashSet<>();
    matching.forEach(
        (path, identity) -> {
          if (seen.add(identity.root())) {
            outboxes.put(path, identity);
          }
        });
    return new Found(outboxes, List.copyOf(unreadable));
  }

  /**
   * From the first wildcard on directories may be anybody's. What it stands for is visited one by
   * one, so that whose disk hangs, or is filled, hides only what is in it.
   */
  private void search(List<Name> names, Map<Path, Identity> matching, Set<Path> unreadable) {
    Path directory = Path.of("/");
    int passed = 0;
    while (passed < names.size() && names.get(passed) instanceof Name.Literal literal) {
      directory = directory.resolve(literal.name());
      passed++;
    }
    List<Name> rest = names.subList(passed, names.size());
    if (rest.isEmpty()) {
      rounds.visit(List.of(directory), new Owned(directory, matching, unreadable)::keep);
      return;
    }
    List<Path> owned = Collections.synchronizedList(new ArrayList<>());
    Owned listed = new Owned(directory, matching, unreadable);
    rounds.visit(List.of(directory), each -> listed.list(each, rest.get(0), owned::add));
    rounds.visit(
        List.copyOf(owned),
        each -> new Owned(each, matching, unreadable).follow(each, rest.subList(1, rest.size())));
  }

  /** What one owner may fill. */
  private final class Owned {
    private final Path root;
    private final Map<Path, Identity> matching;
    private final Set<Path> unreadable;
    private int looked;

    private Owned(Path root, Map<Path, Identity> matching, Set<Path> unreadable) {
      this.root = root;
      this.matching = matching;
      this.unreadable = unreadable;
    }

    private void follow(Path path, List<Name> names) {
      if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        return;
      }
      if (names.isEmpty()) {
        keep(path);
        return;
      }
      List<Name> rest = names.subList(1, names.size());
      if (names.get(0) instanceof Name.Literal literal) {
        follow(path.resolve(literal.name()), rest);
      } else {
        list(path, names.get(0), entry -> follow(entry, rest));
      }
    }

    private void list(Path directory, Name name, Consumer<Path> each) {
      Name.Wildcard wildcard = (Name.Wildcard) name;
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        for (Path entry : entries) {
          if (++looked > mostEntries) {
            unreadable.add(root); // its owner alone is to blame, and nobody else waits
            return;
          }
          if (wildcard.matches(entry.getFileName())) {
            each.accept(entry);
          }
        }
      } catch (NoSuchFileException | NotDirectoryException e) {
        // Not there, or not yet.
      } catch (IOException | DirectoryIteratorException e) {
        unreadable.add(directory);
      }
    }

    /** Only if it is an outbox: whatever else matches can be a million names. */
    private void keep(Path path) {
      try {
        Identity identity = identity(path);
        if (identity != null && identity(path.getParent()) == null) {
          matching.put(path, identity);
        }
      } catch (IOException e) {
        unreadable.add(path);
      }
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
    return OutboxAtRest.isSettled(outbox) && !(copiesLetters && !OutboxAtRest.isCopied(outbox));
  }

  @Override
  public boolean hasOldCycles(Path outbox) throws IOException {
    return new OutboxPaths(outbox).cycles().size() > 1;
  }
}
