package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * The directory {@code control/}. Whoever may write the outbox may write here, so nothing that
 * stands in it is trusted: files are regular ones of the outbox's group, with one link, and small;
 * other names are left alone. No object is for more than one thread.
 */
public final class ControlFiles {
  /** A request as a command wrote it. */
  static final String REQUEST = ".request";

  /** One that was taken up, with all that it takes to go on with it. */
  static final String TAKEN = ".taken";

  static final String ANSWER = ".answer";

  private static final String BEING_WRITTEN = ".tmp";
  private static final int LONGEST = 128 << 10;
  private static final int LONGEST_TAKEN = 8 << 20;

  /** The others wait until these are done. */
  private static final int MOST_AT_ONCE = 1_000;

  /** Of requests, of the answers of a day, and of whatever else stands there. */
  private static final int MOST_NAMES = 200_000;

  private static final FileTime NO_TIME = FileTime.fromMillis(0);

  private static final Pattern ID =
      Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

  private final OutboxPaths outbox;
  private final Disk disk;

  /** Opens nothing yet. */
  public ControlFiles(OutboxPaths outbox, Disk disk) {
    this.outbox = outbox;
    this.disk = disk;
  }

  /**
   * What waits there, in the order of their times; of more than 1,000 of a kind the first ones.
   *
   * @param requests as commands wrote them
   * @param taken that were taken up
   * @param unusable the first file that bears a request's name and is none, or what else is to be
   *     told; null if there is nothing
   * @param foreign such files that bear the names of requests that were taken up
   */
  record Listing(List<UUID> requests, List<UUID> taken, String unusable, List<UUID> foreign) {
    static final Listing NOTHING = new Listing(List.of(), List.of(), null, List.of());
  }

  /** Somebody has removed a request before it was taken up. */
  static final class Withdrawn extends IOException {
    private static final long serialVersionUID = 1L;
  }

  /** When names there changed last; null if there is no such directory. */
  FileTime changed() throws IOException {
    try {
      return Files.readAttributes(
              outbox.control(), BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
          .lastModifiedTime();
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  Listing list() throws IOException {
    try (Folder folder = hold()) {
      return folder == null ? Listing.NOTHING : listing(folder);
    }
  }

  private static Listing listing(Folder folder) throws IOException {
    int group = folder.attributes().gid();
    FirstOnes requests = new FirstOnes(MOST_AT_ONCE);
    FirstOnes taken = new FirstOnes(MOST_AT_ONCE);
    String unusable = null;
    FirstOnes foreign = new FirstOnes(MOST_AT_ONCE);
    int looked = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder.path())) {
      for (Path each : all) {
        if (++looked > MOST_NAMES) {
          unusable =
              OwnDescriptors.nameOf(folder.path())
                  + " holds more than "
                  + MOST_NAMES
                  + " names, not all are looked at: remove what is no request";
          break;
        }
        String text = each.getFileName().toString();
        int dot = text.lastIndexOf('.');
        String kind = dot < 0 ? "" : text.substring(dot);
        boolean open = kind.equals(REQUEST) || kind.equals(TAKEN);
        if (open && ID.matcher(text.substring(0, dot)).matches()) {
          UUID id = UUID.fromString(text.substring(0, dot));
          String problem = problem(each, group);
          if (problem == null) {
            (kind.equals(TAKEN) ? taken : requests).add(id, time(each));
          } else {
            unusable = unusable == null ? problem : unusable;
            if (kind.equals(TAKEN)) {
              foreign.add(id, time(each));
            }
          }
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return new Listing(requests.inOrder(), taken.inOrder(), unusable, foreign.inOrder());
  }

  /** Why a file is none of ours; null if it is one. */
  private static String problem(Path file, int group) {
    try {
      SafeFiles.Attributes found = SafeFiles.attributes(file);
      if (found == null || (found.regular() && found.links() == 1)) {
        if (found != null) {
          SafeFiles.checkOwnership(OwnDescriptors.nameOf(file), found, group);
        }
        return null;
      }
      return OwnDescriptors.nameOf(file) + " is no regular file with one link: remove it";
    } catch (IOException | OutboxUnavailable e) {
      return e instanceof IOException failed ? Folder.named(failed).toString() : e.getMessage();
    }
  }

  private static FileTime time(Path file) {
    try {
      return Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      return NO_TIME;
    }
  }

  /** Whether anything waits there to be applied. */
  public boolean hasOpen() throws IOException {
    Listing listing = list();
    return !listing.requests().isEmpty() || !listing.taken().isEmpty();
  }

  /** Null if there is none. */
  private Folder hold() throws IOException {
    SafeFiles.Attributes found = SafeFiles.attributes(outbox.control());
    if (found == null) {
      return null;
    }
    Path name = OwnDescriptors.nameOf(outbox.control());
    if (!found.directory()) {
      throw new OutboxUnavailable(
          name + " is no directory (perhaps a symbolic link): remove it, requests go there");
    }
    Folder folder = Folder.hold(outbox.control());
    try {
      int group = SafeFiles.attributes(outbox.root()).gid();
      SafeFiles.checkOwnership(name, folder.attributes(), group);
      return folder;
    } catch (IOException | RuntimeException | Error e) {
      folder.close();
      throw e;
    }
  }

  /**
   * Where a request stands until it was applied; who removes it before it is taken up, withdraws
   * it.
   */
  public Path requestFile(UUID id) {
    return outbox.control().resolve(id + REQUEST);
  }

  /** Puts a request there. */
  public void submit(Request request) throws IOException {
    int group = SafeFiles.attributes(outbox.root()).gid();
    SafeFiles.createDirectory(outbox.control(), group);
    disk.syncDirectory(outbox.root(), DiskStep.CONTROL);
    write(request.id(), REQUEST, request.json());
  }

  /** Whole and durable, or not at all. */
  void write(UUID id, String kind, JsonNode content) throws IOException {
    try (Folder folder = hold()) {
      if (folder == null) {
        throw new NoSuchFileException(outbox.control().toString());
      }
      Path being = folder.path().resolve("." + id + kind + BEING_WRITTEN);
      Files.deleteIfExists(being);
      ByteBuffer bytes =
          ByteBuffer.wrap((content.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8));
      try (FileChannel file = SafeFiles.create(being)) {
        disk.write(file, bytes, 0, DiskStep.CONTROL);
        disk.sync(file, true, DiskStep.CONTROL);
      } catch (IOException e) {
        Files.deleteIfExists(being); // of what takes space on a full disk nothing is to be left
        throw e;
      }
      disk.rename(being, folder.path().resolve(id + kind), DiskStep.CONTROL);
      disk.syncDirectory(folder.path(), DiskStep.CONTROL);
    }
  }

  /**
   * Writes down that a request is taken up, with all that it takes to go on with it.
   *
   * @throws Withdrawn if it is not there any more
   */
  void take(UUID id, JsonNode content) throws IOException {
    if (!isThere(id, REQUEST)) {
      throw new Withdrawn();
    }
    write(id, TAKEN, content);
  }

  /** A request; empty if there is none. */
  Optional<JsonNode> request(UUID id) throws IOException {
    return read(id, REQUEST, LONGEST, BoundedJson::value);
  }

  /** One that was taken up; empty if there is none. */
  Optional<Taken> taken(UUID id) throws IOException {
    return read(id, TAKEN, LONGEST_TAKEN, Taken::read);
  }

  private interface Reading<T> {
    T of(BoundedJson json) throws IOException;
  }

  /**
   * What a file says; empty if there is none.
   *
   * @throws IllegalArgumentException if it is too long, no JSON, or says too much
   */
  private <T> Optional<T> read(UUID id, String kind, int longest, Reading<T> reading)
      throws IOException {
    try (Folder folder = hold()) {
      if (folder == null) {
        return Optional.empty();
      }
      Path file = folder.path().resolve(id + kind);
      SafeFiles.checkFile(file, SafeFiles.directoryGroup(file));
      try (FileChannel channel = SafeFiles.openToRead(file);
          BoundedJson json = BoundedJson.of(Channels.newInputStream(channel))) {
        if (channel.size() > longest) {
          throw new IllegalArgumentException(
              "it has " + channel.size() + " bytes, too many for a request");
        }
        return Optional.of(reading.of(json));
      }
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (JacksonException e) {
      throw new IllegalArgumentException("it is no JSON of a request", e);
    }
  }

  /** The answer to a request; empty if there is none yet. */
  public Optional<JsonNode> answer(UUID id) throws IOException {
    return read(id, ANSWER, LONGEST, BoundedJson::value);
  }

  /** Whether a request's answer is there, and is one. */
  boolean isAnswered(UUID id) throws IOException {
    try {
      return answer(id)
          .filter(answer -> answer.path("id").asText().equals(id.toString()))
          .isPresent();
    } catch (IllegalArgumentException | OutboxUnavailable e) {
      return false; // somebody put it there; the answer takes its place
    }
  }

  /** Whether a request is there that has no answer. */
  public boolean isOpen(UUID id) throws IOException {
    return isThere(id, REQUEST) || isThere(id, TAKEN);
  }

  boolean isThere(UUID id, String kind) throws IOException {
    try (Folder folder = hold()) {
      return folder != null && SafeFiles.attributes(folder.path().resolve(id + kind)) != null;
    }
  }

  void remove(UUID id, String kind) throws IOException {
    try (Folder folder = hold()) {
      if (folder != null) {
        disk.unlink(folder.path().resolve(id + kind), DiskStep.CONTROL);
        disk.syncDirectory(folder.path(), DiskStep.CONTROL);
      }
    }
  }

  /** An answer stays while what it answers does: that would be applied once more. */
  private static void tidy(Path old, String name) {
    String stem = name.substring(0, name.lastIndexOf('.'));
    try {
      if (SafeFiles.attributes(old.resolveSibling(stem + REQUEST)) == null
          && SafeFiles.attributes(old.resolveSibling(stem + TAKEN)) == null) {
        Files.deleteIfExists(old);
      }
    } catch (IOException e) {
      // Whatever it is, it is not ours; the others are.
    }
  }

  /** Removes answers that are old, and what a command left that was killed while it wrote. */
  void tidy(long beforeMillis) throws IOException {
    try (Folder folder = hold()) {
      if (folder == null) {
        return;
      }
      int looked = 0;
      try (DirectoryStream<Path> all = Files.newDirectoryStream(folder.path())) {
        for (Path each : all) {
          String text = each.getFileName().toString();
          boolean ours =
              text.endsWith(ANSWER) || (text.startsWith(".") && text.endsWith(BEING_WRITTEN));
          if (++looked <= MOST_NAMES && ours && time(each).toMillis() < beforeMillis) {
            tidy(each, text);
          }
        }
      } catch (DirectoryIteratorException e) {
        throw e.getCause();
      }
    }
  }
}
