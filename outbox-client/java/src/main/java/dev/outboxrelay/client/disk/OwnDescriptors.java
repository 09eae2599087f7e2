package dev.outboxrelay.client.disk;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The descriptors of this process, as {@code /proc/self} tells of them. The JDK keeps the number of
 * a channel's descriptor to itself, but {@code fdinfo} shows a record lock at the descriptor that
 * took it.
 */
public final class OwnDescriptors {
  private static final Path FD = Path.of("/proc/self/fd");
  private static final Path INFO = Path.of("/proc/self/fdinfo");
  private static final String LOCK = "\nlock:";
  private static final int INFO_BYTES = 1024;

  /** Far behind all that is locked otherwise, so that nobody else's lock is touched. */
  private static final long LOWEST_MARK = 1L << 48;

  /** Another descriptor of the file that is closed meanwhile takes the mark away. */
  private static final int TRIES = 10;

  /** So far from the one that was found last descriptors are tried before all are listed. */
  private static final int NEAR = 8;

  /** The one that was found last: the next is likely to be near. */
  private static volatile int latest;

  private OwnDescriptors() {}

  /** A channel's way to take a record lock. */
  @FunctionalInterface
  public interface Locks {
    FileLock tryLock(long position, long size, boolean shared) throws IOException;
  }

  /** Whether a descriptor is the wanted one. */
  @FunctionalInterface
  public interface Wanted {
    /**
     * Tells.
     *
     * @param own leads to the open file
     * @param lock what the kernel tells of the locks that it has taken
     */
    boolean is(Path own, String lock) throws IOException;
  }

  /**
   * A path that leads to the open file itself, whatever becomes of its names, while the channel is
   * open; empty without Linux's {@code /proc}.
   *
   * @param channel open for reading, and of this caller alone
   */
  static Optional<Path> pathOf(Locks channel) throws IOException {
    for (int tries = 0; tries < TRIES && Files.isDirectory(INFO); tries++) {
      long mark = ThreadLocalRandom.current().nextLong(LOWEST_MARK, Long.MAX_VALUE);
      String line = " " + mark + " " + mark + "\n";
      try (FileLock taken = channel.tryLock(mark, 1, true)) {
        Optional<Path> found =
            taken == null ? Optional.empty() : locked((own, lock) -> lock.contains(line));
        if (found.isPresent()) {
          return found.map(info -> FD.resolve(info.getFileName()));
        }
      } catch (OverlappingFileLockException e) {
        // another copy of this class has drawn the same number: another one
      }
    }
    return Optional.empty();
  }

  /** The {@code fdinfo} of a descriptor that has taken a lock; empty if there is none. */
  public static Optional<Path> locked(Wanted wanted) throws IOException {
    int last = latest;
    for (int near = 0; near <= 2 * NEAR; near++) { // 0, 1, -1, 2, -2, ...
      int number = last + (near % 2 == 0 ? -near / 2 : near / 2 + 1);
      Path each = INFO.resolve(Integer.toString(number));
      if (number >= 0 && isWanted(wanted, each)) {
        return Optional.of(each);
      }
    }
    List<Path> all = new ArrayList<>();
    try (DirectoryStream<Path> infos = Files.newDirectoryStream(INFO)) {
      infos.forEach(all::add);
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    // Numbers are given in order, from the first that is free; to read them all takes milliseconds.
    all.sort(Comparator.comparingInt(each -> Math.abs(number(each) - last)));
    for (Path each : all) {
      if (isWanted(wanted, each)) {
        return Optional.of(each);
      }
    }
    return Optional.empty();
  }

  private static int number(Path info) {
    return Integer.parseInt(info.getFileName().toString());
  }

  private static boolean isWanted(Wanted wanted, Path info) throws IOException {
    String told = read(info);
    int lock = told.indexOf(LOCK);
    try {
      boolean is = lock >= 0 && wanted.is(FD.resolve(info.getFileName()), told.substring(lock));
      latest = is ? number(info) : latest;
      return is;
    } catch (NoSuchFileException e) {
      return false; // closed meanwhile
    }
  }

  private static String read(Path info) {
    try (FileInputStream in = new FileInputStream(info.toFile())) { // no interrupt disturbs it
      return new String(in.readNBytes(INFO_BYTES), ISO_8859_1);
    } catch (IOException e) {
      return ""; // closed meanwhile
    }
  }

  /** Whether a path is one that {@link #pathOf} gave: a link by its nature. */
  static boolean isOwn(Path path) {
    return path.startsWith(FD) && path.getNameCount() == FD.getNameCount() + 1;
  }

  /**
   * The name of a file by such a path, or below it, as the kernel has it now; others as they are.
   */
  public static Path nameOf(Path path) {
    int own = FD.getNameCount() + 1;
    if (!path.startsWith(FD) || path.getNameCount() < own) {
      return path;
    }
    try {
      Path name = Files.readSymbolicLink(path.getRoot().resolve(path.subpath(0, own)));
      return path.getNameCount() == own
          ? name
          : name.resolve(path.subpath(own, path.getNameCount()));
    } catch (IOException e) {
      return path;
    }
  }
}
