package dev.outboxrelay.relay.secret;

import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Words of secret settings, and their removal from messages. A parser that stumbles over a password
 * quotes a piece of it, so each piece is a word of its own. Words stay known when a setting
 * changes: the old password may be in a message yet to come. Thread-safe.
 */
public final class SecretWords {
  /**
   * The one of this process: what a library throws or logs has no way back to the settings that it
   * was made with.
   */
  public static final SecretWords OF_THIS_PROCESS = new SecretWords();

  /** What a secret reads as. */
  public static final String MASK = "***";

  /** A shorter word is only removed where it stands alone; a letter alone tells nothing. */
  private static final int LONG = 4;

  private static final int SHORTEST = 2;
  private static final int MOST = 5_000;

  private static final Pattern LOGIN_MODULE = Pattern.compile("[\\w.$]+LoginModule");
  private static final Pattern BETWEEN_PIECES = Pattern.compile("[\\s\"'=;,&?]+");
  private static final Pattern BETWEEN_WORDS = Pattern.compile("[^\\p{L}\\p{N}]+");

  /** What stands around secrets in their settings; without it no message could be read. */
  private static final Pattern HARMLESS =
      Pattern.compile(
          "required|requisite|sufficient|optional|true|false|https?|org|com|apache|kafka"
              + "|user|pass|username|password|secret|key|value|token|credentials|scope|type|id"
              + "|client|client_(id|secret|credentials)|client(Id|Secret)|grant|grant_type"
              + "|tokenauth|principal|serviceName|keyTab|useKeyTab|storeKey|useTicketCache"
              + "|doNotPrompt|refreshKrb5Config|renewTGT|debug"
              + "|BEGIN|END|PRIVATE|PUBLIC|KEY|RSA|EC|ENCRYPTED|CERTIFICATE"
              + "|file|config|the|is|in|of|to|for|no|not");

  private volatile List<String> words = List.of();

  /** Removes this value and the pieces of it from now on. */
  public synchronized void remember(String value) {
    Set<String> all =
        new TreeSet<>(Comparator.comparing(String::length).reversed().thenComparing(word -> word));
    all.addAll(words);
    add(all, value.trim());
    String rest = LOGIN_MODULE.matcher(value).replaceAll(" ");
    for (String piece : BETWEEN_PIECES.split(rest, -1)) {
      add(all, piece);
    }
    for (String word : BETWEEN_WORDS.split(rest, -1)) {
      add(all, word);
    }
    words = List.copyOf(all);
  }

  private static void add(Set<String> all, String word) {
    if (word.length() >= SHORTEST && all.size() < MOST && !HARMLESS.matcher(word).matches()) {
      all.add(word);
    }
  }

  /** The text, with {@link #MASK} in place of each word. */
  public String scrub(String text) {
    if (text == null) {
      return null;
    }
    String clean = text;
    for (String word : words) {
      if (clean.contains(word)) {
        clean = word.length() >= LONG ? clean.replace(word, MASK) : withoutLone(word, clean);
      }
    }
    return clean;
  }

  private static String withoutLone(String word, String text) {
    return Pattern.compile("(?<![\\p{L}\\p{N}])" + Pattern.quote(word) + "(?![\\p{L}\\p{N}])")
        .matcher(text)
        .replaceAll(Matcher.quoteReplacement(MASK));
  }
}
