package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Decides whether a directory may hold an outbox, creates it if need be, and refuses with the
 * reason otherwise.
 */
final class OutboxDirectory {
  private static final System.Logger LOG = System.getLogger(OutboxDirectory.class.getPackageName());
  private static final Set<String> ALLOWED = Set.of("ext4", "xfs", "tmpfs");

  /** Accepted for development: a container's own layer, and macOS. */
  private static final Set<String> ALLOWED_WITH_WARNING = Set.of("overlay", "apfs");

  private final OutboxPaths paths;

  private OutboxDirectory(OutboxPaths paths) {
    this.paths = paths;
  }

  /** Checks everything that is refused at open, and creates the directories. */
  static void open(WriterOptions options) throws IOException {
    OutboxPaths paths = options.paths();
    OutboxDirectory directory = new OutboxDirectory(paths);
    directory.checkPath();
    directory.checkParent(options.trustParent());
    directory.checkFileSystem(options.durability());
    SafeFiles.Attributes root = SafeFiles.attributes(paths.root());
    boolean isNew =
        root == null || (root.directory() && SafeFiles.attributes(paths.queue()) == null);
    if (root == null) {
      SafeFiles.createDirectory(paths.root(), SafeFiles.ANY_GROUP);
    }
    try (HeldDirectories held = hold(paths)) {
      if (isNew) { // for power, whoever opens the session does it
        options.disk().syncDirectory(held.paths().queue(), DiskStep.CREATE);
        options.disk().syncDirectory(held.paths().root(), DiskStep.CREATE);
        options.disk().syncDirectory(paths.root().getParent(), DiskStep.CREATE);
      }
      checkFiles(held.paths());
    }
  }

  /** Opens the outbox's directory, and its queue, which is created if need be. */
  static HeldDirectories hold(OutboxPaths paths) throws IOException {
    Folder root = hold(paths.root(), null);
    try {
      SafeFiles.Attributes outer = root.attributes();
      Path queue = root.path().resolve(paths.queue().getFileName());
      if (SafeFiles.attributes(queue) == null) {
        SafeFiles.createDirectory(queue, outer.gid());
      }
      return new HeldDirectories(paths, root, hold(queue, outer));
    } catch (IOException e) {
      IOException named = Folder.named(e);
      root.close();
      throw named;
    } catch (RuntimeException | Error e) {
      root.close();
      throw e;
    }
  }

  /** Locks, links and syncs take the two for one file system; null for the outer one itself. */
  private static Folder hold(Path directory, SafeFiles.Attributes outer) throws IOException {
    Path name = OwnDescriptors.nameOf(directory);
    SafeFiles.Attributes found = SafeFiles.attributes(directory);
    if (found == null) {
      throw new NoSuchFileException(name.toString());
    }
    if (!found.directory()) {
      throw new OutboxUnavailable(
          name + " is no directory (perhaps a symbolic link): give the real path, or remove it");
    }
    Folder held = Folder.hold(directory);
    try {
      SafeFiles.Attributes opened = held.attributes();
      SafeFiles.checkOwnership(name, opened, outer == null ? opened.gid() : outer.gid());
      if (outer != null && opened.device() != outer.device()) {
        throw new OutboxUnavailable(
            name + " is a file system of its own: mount it at the outbox's directory, or above");
      }
      return held;
    } catch (IOException | RuntimeException | Error e) {
      held.close();
      throw e;
    }
  }

  private void checkPath() {
    Path root = paths.root();
    if (!root.isAbsolute()) {
      throw new OutboxUnavailable(
          "the outbox directory '"
              + root
              + "' is a relative path: give an absolute one (OUTBOX_DIR)");
    }
    if (root.getParent() == null) {
      throw new OutboxUnavailable(
          "'" + root + "' cannot be an outbox: give a directory of its own");
    }
  }

  private void checkParent(boolean trusted) throws IOException {
    Path parent = paths.root().getParent();
    if (!Files.isDirectory(parent)) {
      throw new OutboxUnavailable(
          parent
              + " does not exist or is no directory: create it; only the outbox's own "
              + "directory is made on first use");
    }
    int mode = (Integer) Files.getAttribute(parent, "unix:mode");
    if ((mode & 0002) != 0 && !trusted) {
      throw new OutboxUnavailable(
          parent
              + " can be written by everybody (mode "
              + Integer.toOctalString(mode & 07777)
              + "), so anybody could replace the outbox: chmod o-w it, use another directory, "
              + "or set OUTBOX_TRUST_PARENT=1 if nobody else can reach it");
    }
  }

  private void checkFileSystem(Durability durability) {
    Path existing = Files.isDirectory(paths.root()) ? paths.root() : paths.root().getParent();
    String type;
    try {
      type = Files.getFileStore(existing).type().toLowerCase(Locale.ROOT);
    } catch (IOException e) {
      return; // the system does not tell: in a chroot, without /proc
    }
    if (ALLOWED_WITH_WARNING.contains(type)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "outbox on {0}: good for development, the data goes with the container or image path={1}",
          type,
          paths.root());
    } else if (!ALLOWED.contains(type)) {
      throw new OutboxUnavailable(
          paths.root()
              + " lies on a file system of type "
              + type
              + ", where locks and mappings are not dependable: use ext4, xfs or tmpfs");
    }
    if (type.equals("tmpfs") && durability == Durability.POWER) {
      throw new OutboxUnavailable(
          paths.root()
              + " lies on tmpfs, which no power cut survives: use durability 'process', or a "
              + "directory on a disk");
    }
  }

  private static void checkFiles(OutboxPaths paths) throws IOException {
    int group = SafeFiles.attributes(paths.root()).gid();
    for (Path file :
        List.of(
            paths.lock(),
            paths.state(),
            paths.failures(),
            paths.metadata(),
            paths.position(),
            paths.outcomes())) {
      if (SafeFiles.attributes(file) != null) {
        SafeFiles.checkFile(file, group);
      }
    }
  }
}
