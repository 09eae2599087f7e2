package dev.outboxrelay.relay.config;

import java.nio.file.FileSystems;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * An absolute path with wildcards, matched name by name: {@code *}, {@code ?}, {@code [a-z]} and
 * {@code {a,b}} stand for parts of one name and never for a slash. As in a shell, a wildcard at the
 * beginning of a name does not match a dot.
 *
 * @param text as the user wrote it
 * @param names one per directory level
 */
public record OutboxGlob(String text, List<Name> names) {
  private static final Pattern WILDCARD = Pattern.compile("[*?\\[{\\\\]");

  public OutboxGlob {
    names = List.copyOf(names);
  }

  /** One level. */
  public sealed interface Name {
    /** Exactly this name. */
    record Literal(String name) implements Name {}

    /** Any name that matches. */
    record Wildcard(String glob, PathMatcher matcher) implements Name {
      /** Whether a file of this name is meant. */
      public boolean matches(Path fileName) {
        return (glob.startsWith(".") || !fileName.toString().startsWith("."))
            && matcher.matches(fileName);
      }
    }
  }

  /**
   * Reads one.
   *
   * @throws IllegalArgumentException if it is none; the message says what to give instead
   */
  public static OutboxGlob parse(String text) {
    if (!text.startsWith("/")) {
      throw new IllegalArgumentException("give absolute paths, separated by \":\"");
    }
    List<Name> names = new ArrayList<>();
    for (String part : text.split("/", -1)) {
      if (part.equals(".") || part.equals("..") || part.contains("**")) {
        throw new IllegalArgumentException("\"" + part + "\" can't be a part of it");
      }
      if (!part.isEmpty()) {
        names.add(name(part));
      }
    }
    if (names.isEmpty()) {
      throw new IllegalArgumentException("the root directory can't be an outbox");
    }
    return new OutboxGlob(text, names);
  }

  private static Name name(String part) {
    try {
      return WILDCARD.matcher(part).find()
          ? new Name.Wildcard(part, FileSystems.getDefault().getPathMatcher("glob:" + part))
          : new Name.Literal(Path.of(part).toString());
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException("\"" + part + "\": " + e.getDescription(), e);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("\"" + part + "\": " + e.getReason(), e);
    }
  }
}
