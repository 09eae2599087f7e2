package dev.outboxrelay.relay.simulation;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What of the files below a directory is on stable storage: the contents of a file as of its last
 * sync, the names in a directory as of its own. A power cut leaves at least that; of each other
 * name, and of each page that differs, it leaves the one or the other. A file with two names, as a
 * cycle is that was not taken into use yet, becomes two.
 */
final class SyncedFiles implements Closeable {
  private static final int PAGE = 4096;

  /** Cycles are sparse, and these histories short. */
  private static final int MOST_BYTES = 256 << 10;

  /** These are synced past the disk that tests can follow, or mean nothing to a later process. */
  private static final Set<String> KEPT =
      Set.of(
          "relay.cluster",
          "relay.troubles",
          "relay.lock",
          "outbox.lock",
          "quarantine",
          "append.failures");

  private final Path root;
  private final Map<Object, Content> files = new HashMap<>();
  private final Map<Path, Map<String, Object>> names = new HashMap<>();

  /** What is open is what it was: no other file gets what tells it from others. */
  private final Map<Object, FileChannel> open = new HashMap<>();

  private static final class Content {
    private final byte[] bytes;
    private final long size;

    private Content(byte[] bytes, long size) {
      this.bytes = bytes;
      this.size = size;
    }

    static final Content NOTHING = new Content(new byte[0], 0);

    static Content of(Path file) throws IOException {
      try (InputStream in = Files.newInputStream(file)) {
        byte[] bytes = in.readNBytes(MOST_BYTES);
        int length = bytes.length;
        while (length > 0 && bytes[length - 1] == 0) {
          length--;
        }
        return new Content(Arrays.copyOf(bytes, length), Files.size(file));
      }
    }

    /** Each page of the one or of the other. */
    Content mixed(Content other, Random coins) {
      int length = Math.max(bytes.length, other.bytes.length);
      byte[] mixed = new byte[length];
      for (int from = 0; from < length; from += PAGE) {
        byte[] source = coins.nextBoolean() ? bytes : other.bytes;
        int to = Math.min(source.length, from + PAGE);
        if (to > from) {
          System.arraycopy(source, from, mixed, from, to - from);
        }
      }
      // A file that has become longer may be so already, and have nothing in it.
      return new Content(mixed, Math.max(size, other.size));
    }
  }

  /** What there is is all synced. */
  SyncedFiles(Path root) throws IOException {
    this.root = root.toRealPath();
    noteAll();
  }

  private void noteAll() throws IOException {
    close();
    files.clear();
    names.clear();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path each : all.toList()) {
        if (Files.isDirectory(each)) {
          directory(each);
        } else if (Files.isRegularFile(each, LinkOption.NOFOLLOW_LINKS)) {
          file(each);
        }
      }
    }
  }

  /** A file was synced. */
  void file(Path file) throws IOException {
    files.put(held(file), Content.of(file));
  }

  /** A directory was synced. */
  void directory(Path directory) throws IOException {
    if (!directory.startsWith(root)) {
      return;
    }
    Map<String, Object> list = list(directory);
    for (String name : list.keySet()) {
      if (!KEPT.contains(name)) { // to close a file lets go of its locks
        held(directory.resolve(name));
      }
    }
    names.put(directory, list);
  }

  private Object held(Path file) throws IOException {
    Object key = key(file);
    if (!open.containsKey(key)) {
      open.put(key, FileChannel.open(file, StandardOpenOption.READ));
    }
    return key;
  }

  private static Map<String, Object> list(Path directory) throws IOException {
    Map<String, Object> list = new TreeMap<>();
    try (Stream<Path> all = Files.list(directory)) {
      for (Path each : all.toList()) {
        list.put(each.getFileName().toString(), key(each));
      }
    }
    return list;
  }

  private static Object key(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
  }

  /** A file or directory as it was before the cut. */
  private record Node(boolean directory, Content content, int mode, FileTime changed) {}

  private final Map<Object, Node> nodes = new HashMap<>();

  /** Leaves what a power cut does; without coins the least that it may. */
  void losePower(Random coins) throws IOException {
    Map<Path, Map<String, Object>> now = new HashMap<>();
    nodes.clear();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path each : all.toList()) {
        boolean directory = Files.isDirectory(each);
        if (directory) {
          now.put(each, list(each));
        }
        int mode = (int) Files.getAttribute(each, "unix:mode") & 07777;
        Content content = directory ? null : Content.of(each);
        nodes.put(key(each), new Node(directory, content, mode, Files.getLastModifiedTime(each)));
      }
    }
    Map<Path, Object> kept = new TreeMap<>();
    choose(root, now, coins, kept);
    clear();
    for (Map.Entry<Path, Object> each : kept.entrySet()) {
      write(each.getKey(), each.getValue(), coins);
    }
    noteAll();
  }

  private void choose(
      Path directory, Map<Path, Map<String, Object>> now, Random coins, Map<Path, Object> kept) {
    Map<String, Object> present = now.getOrDefault(directory, Map.of());
    Map<String, Object> synced = names.getOrDefault(directory, Map.of());
    Set<String> all = new TreeSet<>(present.keySet());
    all.addAll(synced.keySet());
    for (String name : all) {
      Object later = present.get(name);
      Object earlier = synced.get(name);
      boolean takesLater = KEPT.contains(name) || (coins != null && coins.nextBoolean());
      Object chosen = takesLater ? later : earlier;
      if (chosen != null) {
        Path path = directory.resolve(name);
        kept.put(path, chosen);
        if (nodes.containsKey(chosen) && nodes.get(chosen).directory()) {
          choose(path, now, coins, kept);
        }
      }
    }
  }

  private void clear() throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      for (Path each : all.sorted((one, other) -> other.compareTo(one)).toList()) {
        if (!each.equals(root)) {
          Files.delete(each);
        }
      }
    }
  }

  private void write(Path path, Object key, Random coins) throws IOException {
    Node node = nodes.get(key);
    if (node != null && node.directory()) {
      Files.createDirectory(path);
      Files.setAttribute(path, "unix:mode", node.mode());
      return;
    }
    boolean asItIs = isKept(path);
    Content earlier = files.getOrDefault(key, Content.NOTHING);
    Content later = node == null ? earlier : node.content();
    Content left = asItIs ? later : coins == null ? earlier : earlier.mixed(later, coins);
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.write(left.bytes);
      file.setLength(left.size);
    }
    Files.setAttribute(path, "unix:mode", node == null ? 0660 : node.mode());
    if (node != null) {
      Files.setLastModifiedTime(path, node.changed());
    }
  }

  @Override
  public void close() throws IOException {
    for (FileChannel each : open.values()) {
      each.close();
    }
    open.clear();
  }

  private boolean isKept(Path path) {
    Set<String> parts = new HashSet<>();
    root.relativize(path).forEach(part -> parts.add(part.toString()));
    parts.retainAll(KEPT);
    return !parts.isEmpty();
  }
}
