package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.Durability;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.file.Files;
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

  /** Checks everything that is refused at open, and creates the directories and the lock file. */
  static void open(WriterOptions options) throws IOException {
    OutboxDirectory directory = new OutboxDirectory(options.paths());
    directory.checkPath();
    directory.checkParent(options.trustParent());
    directory.checkFileSystem(options.durability());
    directory.create(options.disk(), options.durability());
    directory.checkFiles();
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

  private void checkFileSystem(Durability durability) throws IOException {
    Path existing = Files.isDirectory(paths.root()) ? paths.root() : paths.root().getParent();
    String type = Files.getFileStore(existing).type().toLowerCase(Locale.ROOT);
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

  private void create(Disk disk, Durability durability) throws IOException {
    Path root = paths.root();
    boolean isNew = SafeFiles.attributes(root) == null;
    if (isNew) {
      SafeFiles.createDirectory(root, SafeFiles.ANY_GROUP);
    }
    checkDirectory(root, SafeFiles.attributes(root).gid());
    int group = SafeFiles.attributes(root).gid();
    if (SafeFiles.attributes(paths.queue()) == null) {
      SafeFiles.createDirectory(paths.queue(), group);
      isNew = true;
    }
    checkDirectory(paths.queue(), group);
    // Whoever made them may not have come to this.
    if (isNew || durability == Durability.POWER) {
      disk.syncDirectory(paths.queue(), DiskStep.CREATE);
      disk.syncDirectory(root, DiskStep.CREATE);
      disk.syncDirectory(root.getParent(), DiskStep.CREATE);
    }
  }

  private static void checkDirectory(Path directory, int group) throws IOException {
    SafeFiles.Attributes found = SafeFiles.attributes(directory);
    if (found == null || !found.directory()) {
      throw new OutboxUnavailable(
          directory
              + " is no directory (perhaps a symbolic link): give the real path, or remove it");
    }
    SafeFiles.checkOwnership(directory, found, group);
  }

  private void checkFiles() throws IOException {
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
