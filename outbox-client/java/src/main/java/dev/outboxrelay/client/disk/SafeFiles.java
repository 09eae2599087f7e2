package dev.outboxrelay.client.disk;

import dev.outboxrelay.client.OutboxUnavailable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * Creates and opens the files of an outbox: never through a symbolic link, always a regular file
 * with one link, with mode 0660 (directories 2770) whatever the umask, and with the group of the
 * outbox's directory.
 */
public final class SafeFiles {
  /** So often in a row somebody removes what is made, or all around it is gone. */
  private static final int MOST_TRIES = 100;

  private static final int FILE_MODE = 0660;
  private static final int OWNERS_ALONE = 0600;
  private static final int DIRECTORY_MODE = 02770;
  private static final Set<PosixFilePermission> FILE_PERMISSIONS =
      PosixFilePermissions.fromString("rw-rw----");
  private static final Set<PosixFilePermission> DIRECTORY_PERMISSIONS =
      PosixFilePermissions.fromString("rwxrwx---");
  private static final int OTHERS_MAY_WRITE = 0002;

  private static final String NOT_REGULAR =
      "is not a regular file (perhaps a symbolic link): remove it, the outbox uses only its own "
          + "files";

  private static final int GROUP_TRIES = 20;
  private static final long GROUP_PAUSE_NANOS = 1_000_000;

  /** Leaves a new directory the group that the system gives it. */
  public static final int ANY_GROUP = -1;

  private SafeFiles() {}

  /** What matters of a file; null where there is none. */
  public record Attributes(
      boolean regular,
      boolean directory,
      int links,
      int gid,
      int mode,
      long device,
      Object key,
      long size) {}

  public static Attributes attributes(Path path) throws IOException {
    try {
      Map<String, Object> map =
          Files.readAttributes(
              path, "unix:isRegularFile,isDirectory,nlink,gid,mode,dev,fileKey,size", links(path));
      return new Attributes(
          (Boolean) map.get("isRegularFile"),
          (Boolean) map.get("isDirectory"),
          (Integer) map.get("nlink"),
          (Integer) map.get("gid"),
          (Integer) map.get("mode"),
          (Long) map.get("dev"),
          map.get("fileKey"),
          (Long) map.get("size"));
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** Which file is there: its device and inode; null if there is none. */
  public static Object keyOf(Path path) throws IOException {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class, links(path)).fileKey();
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** Through none, but that which leads to an open file itself. */
  private static LinkOption[] links(Path path) {
    return OwnDescriptors.isOwn(path)
        ? new LinkOption[0]
        : new LinkOption[] {LinkOption.NOFOLLOW_LINKS};
  }

  /** Opens an existing file of the outbox for reading and writing; refuses what is not ours. */
  public static FileChannel open(Path file) throws IOException {
    checkFile(file, directoryGroup(file));
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    try {
      mendMode(file, channel::tryLock);
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * A file whose writer was killed between making it and this could never be opened by the group's
   * other users. Only its owner can do that.
   */
  public static void mendMode(Path file, OwnDescriptors.Locks channel) throws IOException {
    Attributes found = attributes(file);
    if (found != null && (found.mode() & FILE_MODE) == OWNERS_ALONE) {
      try {
        own(file, channel);
      } catch (FileSystemException e) {
        // somebody else's
      }
    }
  }

  /** Opens a file of the outbox, created empty if it does not exist. */
  public static FileChannel openOrCreate(Path file) throws IOException {
    for (int left = MOST_TRIES; ; left--) {
      try {
        return open(file);
      } catch (NoSuchFileException e) {
        try {
          return create(file);
        } catch (FileAlreadyExistsException raced) {
          // somebody else was first: open theirs
        } catch (NoSuchFileException removed) {
          // A directory that is held stays one when it is removed.
          if (left == 0 || !Files.isDirectory(file.getParent())) {
            throw removed;
          }
          // somebody removed it at once: create another
        }
      }
    }
  }

  /** Creates a file that must not exist. */
  public static FileChannel create(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file,
            EnumSet.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
            permissions());
    try {
      own(file, channel::tryLock);
      return channel;
    } catch (IOException | RuntimeException e) {
      unmake(file, e);
      channel.close();
      throw e;
    }
  }

  /** Leaves nothing behind that would be refused, should another user come next. */
  public static void unmake(Path made, Exception cause) {
    try {
      Files.deleteIfExists(made); // a directory only if nobody has put anything there
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  /** Creates a directory below the outbox's, unless it exists. */
  public static void createDirectory(Path directory, int group) throws IOException {
    try {
      Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(DIRECTORY_PERMISSIONS));
    } catch (FileAlreadyExistsException e) {
      return;
    }
    try (Folder made = Folder.hold(directory)) {
      own(made.path(), DIRECTORY_MODE, group);
    } catch (IOException | RuntimeException e) {
      unmake(directory, e);
      throw e;
    }
  }

  /** The group of the directory that a file lies in. */
  public static int directoryGroup(Path file) throws IOException {
    Path directory = file.getParent();
    return (Integer) Files.getAttribute(directory, "unix:gid", links(directory));
  }

  /** Mode of a new file, to be {@link #own}ed at once. */
  public static FileAttribute<Set<PosixFilePermission>> permissions() {
    return PosixFilePermissions.asFileAttribute(FILE_PERMISSIONS);
  }

  /**
   * Gives a file that was just created its mode and group.
   *
   * @param channel that created it: somebody may have put another file in its place meanwhile
   */
  public static void own(Path file, OwnDescriptors.Locks channel) throws IOException {
    own(OwnDescriptors.pathOf(channel).orElse(file), FILE_MODE, directoryGroup(file));
  }

  private static void own(Path path, int mode, int group) throws IOException {
    Attributes now = attributes(path);
    if (group != ANY_GROUP && now != null && now.gid() != group) {
      Files.setAttribute(path, "unix:gid", group, links(path));
    }
    // Inherited, as a rule; a sandbox that forbids to set the setgid bit forbids it in vain, too.
    if (now == null || (now.mode() & 07777) != mode) {
      Files.setAttribute(path, "unix:mode", mode);
    }
  }

  /**
   * Refuses a file of the outbox that is not a regular file of the right group, or that others may
   * write.
   */
  public static void checkFile(Path file, int group) throws IOException {
    Attributes found = attributes(file);
    for (int tries = 0; found != null && found.gid() != group && tries < GROUP_TRIES; tries++) {
      LockSupport.parkNanos(GROUP_PAUSE_NANOS); // its creator may be about to set the group
      found = attributes(file);
    }
    if (found == null) {
      throw new NoSuchFileException(file.toString());
    }
    if (!found.regular()) {
      throw new OutboxUnavailable(OwnDescriptors.nameOf(file) + " " + NOT_REGULAR);
    }
    if (found.links() != 1) {
      throw new OutboxUnavailable(
          OwnDescriptors.nameOf(file)
              + " has "
              + found.links()
              + " hard links: a file of an outbox must have exactly one; remove the others");
    }
    checkOwnership(file, found, group);
  }

  /**
   * Refuses what to open would wait or have effects: a pipe, a device.
   *
   * @throws NoSuchFileException if there is nothing
   */
  private static void checkRegular(Path file) throws IOException {
    Attributes found = attributes(file);
    if (found == null) {
      throw new NoSuchFileException(file.toString());
    }
    if (!found.regular()) {
      throw new FileSystemException(file.toString(), null, NOT_REGULAR);
    }
  }

  public static void checkOwnership(Path path, Attributes found, int group) {
    if (found.gid() != group) {
      throw new OutboxUnavailable(
          OwnDescriptors.nameOf(path)
              + " belongs to group "
              + found.gid()
              + ", the outbox's directory to group "
              + group
              + ": chgrp it, or remove it if it is not yours");
    }
    if ((found.mode() & OTHERS_MAY_WRITE) != 0) {
      throw new OutboxUnavailable(
          OwnDescriptors.nameOf(path)
              + " can be written by everybody (mode "
              + Integer.toOctalString(found.mode() & 07777)
              + "): chmod o-w it");
    }
  }

  /**
   * Opens a regular file for reading; follows no link. Whatever somebody puts in its place in
   * between, nothing waits: of a pipe, only an opening for both ways never does, and no read at an
   * offset. So it is opened for both; for reading alone where that is not allowed.
   *
   * @throws NoSuchFileException if there is nothing
   */
  public static FileChannel openToRead(Path file) throws IOException {
    checkRegular(file);
    try {
      return FileChannel.open(
          file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      throw e;
    } catch (FileSystemException e) {
      checkRegular(file);
      return FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
    }
  }

  /**
   * The first {@code length} bytes of a small file, padded with zeros, or empty if it does not
   * exist. Follows no link and is not disturbed by interrupts.
   */
  public static Optional<byte[]> read(Path file, int length) throws IOException {
    boolean interrupted = false;
    try {
      while (true) {
        try (FileChannel channel = openToRead(file)) {
          ByteBuffer bytes = ByteBuffer.allocate(length);
          while (bytes.hasRemaining() && channel.read(bytes, bytes.position()) >= 0) {
            // Until all is there.
          }
          return Optional.of(bytes.array());
        } catch (NoSuchFileException e) {
          return Optional.empty();
        } catch (ClosedByInterruptException e) {
          interrupted |= Thread.interrupted();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
