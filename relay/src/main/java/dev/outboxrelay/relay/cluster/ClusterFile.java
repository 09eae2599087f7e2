package dev.outboxrelay.relay.cluster;

import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/** Remembers the cluster to which an outbox is delivered: FORMAT.md, relay.cluster. */
public final class ClusterFile {
  private static final int LONGEST = 256;

  private final Path file;

  /**
   * The file of an outbox.
   *
   * @param root the outbox's directory
   */
  public ClusterFile(Path root) {
    this.file = root.resolve("relay.cluster");
  }

  /** The cluster id; empty if there is none, or none that can be one. */
  public Optional<String> read() throws IOException {
    byte[] bytes;
    try (var in = Files.newInputStream(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      bytes = in.readNBytes(LONGEST + 1);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    String id = new String(bytes, StandardCharsets.US_ASCII).strip();
    boolean plausible =
        !id.isEmpty() && bytes.length <= LONGEST && id.chars().allMatch(c -> c > ' ' && c < 0x7f);
    return plausible ? Optional.of(id) : Optional.empty();
  }

  /** Replaces it, durably. */
  public void save(String id) throws IOException {
    Path draft = file.resolveSibling("relay.cluster.tmp");
    // Anew each time: it follows no link that somebody put there.
    Files.deleteIfExists(draft);
    try (FileChannel out =
        FileChannel.open(draft, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      Files.setPosixFilePermissions(draft, PosixFilePermissions.fromString("rw-rw----"));
      ByteBuffer line = StandardCharsets.US_ASCII.encode(id + "\n");
      while (line.hasRemaining()) {
        out.write(line);
      }
      out.force(true);
    }
    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
    Disk.REAL.syncDirectory(file.getParent(), DiskStep.POSITION);
  }
}
