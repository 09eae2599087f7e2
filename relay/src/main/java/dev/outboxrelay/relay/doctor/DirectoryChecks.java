package dev.outboxrelay.relay.doctor;

import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Whether the outbox's directory can be used, and how much room is left. */
final class DirectoryChecks {
  private static final Set<String> FIT = Set.of("ext4", "xfs", "tmpfs");
  private static final long NO_SPACE = 1L << 20;
  private static final long LITTLE_SPACE = 1L << 30;
  private static final int OTHERS_MAY_WRITE = 0002;
  private static final int STICKY = 01000;
  private static final int EXPECTED_MODE = 02770;
  private static final int PERMISSION_BITS = 07777;

  private final Path outbox;
  private final boolean trustParent;

  DirectoryChecks(Path outbox, boolean trustParent) {
    this.outbox = outbox;
    this.trustParent = trustParent;
  }

  List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    try {
      Path parent = outbox.getParent();
      if (parent == null || !Files.isDirectory(parent)) {
        findings.add(
            Finding.problem(
                "directory", parent + " does not exist", "create it, or set OUTBOX_DIR"));
        return findings;
      }
      findings.add(parent(parent));
      if (!Files.exists(outbox, LinkOption.NOFOLLOW_LINKS)) {
        findings.add(
            Files.isWritable(parent)
                ? Finding.ok("directory", outbox + " does not exist yet; its first user creates it")
                : Finding.problem(
                    "directory",
                    outbox + " does not exist and this user can't create it",
                    "create it with mode 2770 and the group of all who append or relay"));
        findings.add(fileSystem(parent));
        return findings;
      }
      findings.add(directory());
      findings.add(fileSystem(outbox));
      findings.add(space());
      findings.add(files());
    } catch (IOException e) {
      findings.add(Finding.problem("directory", "can't be examined: " + e, "check the rights"));
    }
    return findings;
  }

  private Finding parent(Path parent) throws IOException {
    int mode = mode(parent);
    if ((mode & OTHERS_MAY_WRITE) == 0) {
      return Finding.ok("parent", parent + " has mode " + octal(mode));
    }
    String detail = parent + " can be written by everybody (mode " + octal(mode) + ")";
    if (trustParent) {
      return Finding.ok("parent", detail + ", and OUTBOX_TRUST_PARENT=1 accepts that");
    }
    return Finding.problem(
        "parent",
        detail + ((mode & STICKY) == 0 ? "" : ", even if sticky"),
        "use another directory, or set OUTBOX_TRUST_PARENT=1 on a volume of your own");
  }

  private Finding directory() throws IOException {
    if (!Files.isDirectory(outbox, LinkOption.NOFOLLOW_LINKS)) {
      return Finding.problem(
          "directory",
          outbox + " is a symbolic link or no directory",
          "set OUTBOX_DIR to a directory");
    }
    if (!Files.isReadable(outbox) || !Files.isWritable(outbox) || !Files.isExecutable(outbox)) {
      return Finding.problem(
          "directory",
          "this user may not read, write and enter " + outbox,
          "run it as a member of the group " + Files.getAttribute(outbox, "unix:group"));
    }
    int mode = mode(outbox);
    if ((mode & OTHERS_MAY_WRITE) != 0) {
      return Finding.problem(
          "directory",
          outbox + " can be written by everybody (mode " + octal(mode) + ")",
          "chmod 2770");
    }
    if ((mode & PERMISSION_BITS) != EXPECTED_MODE) {
      return Finding.warning(
          "directory", outbox + " has mode " + octal(mode), "chmod 2770, unless you mean it");
    }
    Map<String, Object> owner = Files.readAttributes(outbox, "unix:owner,group");
    return Finding.ok(
        "directory", outbox + ", mode 2770, " + owner.get("owner") + ":" + owner.get("group"));
  }

  private static Finding fileSystem(Path directory) throws IOException {
    String type = Files.getFileStore(directory).type();
    if (FIT.contains(type)) {
      return type.equals("tmpfs")
          ? Finding.warning(
              "file-system", "tmpfs: events don't outlive a reboot", "use ext4 or xfs to keep them")
          : Finding.ok("file-system", type);
    }
    if (type.equals("overlay")) {
      return Finding.warning(
          "file-system",
          "overlay: events don't outlive the container",
          "mount a volume on ext4 or xfs there");
    }
    return Finding.problem(
        "file-system", type + " is not supported", "use a local ext4 or xfs file system");
  }

  /** What a client or the relay refuses to open. */
  private Finding files() throws IOException {
    OutboxPaths paths = new OutboxPaths(outbox);
    List<Path> all =
        new ArrayList<>(
            List.of(
                paths.lock(),
                paths.state(),
                paths.failures(),
                paths.metadata(),
                paths.relayLock(),
                paths.position(),
                paths.outcomes()));
    for (long cycle : paths.cycles()) {
      all.add(paths.cycle(cycle));
    }
    Object group = Files.getAttribute(outbox, "unix:gid");
    List<String> unfit = new ArrayList<>();
    for (Path file : all) {
      if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
        unfit(file, group).ifPresent(why -> unfit.add(file + " " + why));
      }
    }
    return unfit.isEmpty()
        ? Finding.ok("files", "all are regular files of the directory's group")
        : Finding.problem(
            "files",
            String.join("; ", unfit),
            "find out who did that, then set group and mode (0660) right or remove the links");
  }

  private static Optional<String> unfit(Path file, Object group) throws IOException {
    Map<String, Object> stat =
        Files.readAttributes(file, "unix:isRegularFile,nlink,gid,mode", LinkOption.NOFOLLOW_LINKS);
    if (!(Boolean) stat.get("isRegularFile")) {
      return Optional.of("is not a regular file");
    } else if ((Integer) stat.get("nlink") != 1) {
      return Optional.of("has " + stat.get("nlink") + " hard links");
    } else if (!stat.get("gid").equals(group)) {
      return Optional.of("belongs to group " + stat.get("gid") + ", the directory to " + group);
    } else if (((Integer) stat.get("mode") & OTHERS_MAY_WRITE) != 0) {
      return Optional.of("can be written by everybody");
    }
    return Optional.empty();
  }

  private Finding space() throws IOException {
    FileStore store = Files.getFileStore(outbox);
    long free = store.getUsableSpace();
    String detail = (free >> 20) + " MiB free of " + (store.getTotalSpace() >> 20) + " MiB";
    if (free < NO_SPACE) {
      return Finding.problem(
          "space",
          detail,
          "make room: appends fail, and a relay that starts can't save its position");
    }
    return free < LITTLE_SPACE
        ? Finding.warning("space", detail, "make room: appends fail once it is used up")
        : Finding.ok("space", detail);
  }

  private static int mode(Path path) throws IOException {
    return (Integer) Files.getAttribute(path, "unix:mode");
  }

  private static String octal(int mode) {
    return Integer.toOctalString(mode & PERMISSION_BITS);
  }
}
