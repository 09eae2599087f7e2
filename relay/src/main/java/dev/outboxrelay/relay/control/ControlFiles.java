package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.ByteBuffer;
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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
  private static final int LONGEST_REQUEST = 128 << 10;
  private static final int LONGEST_TAKEN = 8 << 20;
  private static final int MOST_NAMES = 1_000;

  /** Of a day: each stays that long. */
  private static final int MOST_ANSWERS = 100_000;

  /** Of answers, whose order does not matter. */
  private static final FileTime NO_TIME = FileTime.fromMillis(0);

  private static final Pattern ID =
      Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final OutboxPaths outbox;
  private final Disk disk;

  /** Opens nothing yet. */
  public ControlFiles(OutboxPaths outbox, Disk disk) {
    this.outbox = outbox;
    this.disk = disk;
  }

  /**
   * What stands there.
   *
   * @param requests that wait, in the order in which they came
   * @param taken that were taken up
   * @param answers that are to be had
   * @param unusable the first file that bears a request's name and is none; null if there is none
   */
  record Listing(List<UUID> requests, List<UUID> taken, List<UUID> answers, String unusable) {
    static final Listing NOTHING = new Listing(List.of(), List.of(), List.of(), null);

    /** All that are yet to be answered. */
    Set<UUID> all() {
      Set<UUID> all = new HashSet<>(requests);
      all.addAll(taken);
      return all;
    }
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

  private record Name(UUID id, String kind, FileTime time) {}

  Listing list() throws IOException {
    try (Folder folder = hold()) {
      return folder == null ? Listing.NOTHING : listing(names(folder), folder);
    }
  }

  private Listing listing(List<Name> names, Folder folder) throws IOException {
    int group = folder.attributes().gid();
    List<UUID> requests = new ArrayList<>();
    List<UUID> taken = new ArrayList<>();
    List<UUID> answers = new ArrayList<>();
    String unusable = null;
    for (Name name : names) {
      Path file = folder.path().resolve(name.id() + name.kind());
      String problem = name.kind().equals(ANSWER) ? null : problem(file, group);
      if (problem != null) {
        unusable = unusable == null ? problem : unusable;
      } else {
        switch (name.kind()) {
          case REQUEST -> requests.add(name.id());
          case TAKEN -> taken.add(name.id());
          default -> answers.add(name.id());
        }
      }
    }
    return new Listing(requests, taken, answers, unusable);
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

  private static List<Name> names(Folder folder) throws IOException {
    List<Name> names = new ArrayList<>();
    int looked = 0;
    int answers = 0;
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder.path())) {
      for (Path each : all) {
        String text = each.getFileName().toString();
        int dot = text.lastIndexOf('.');
        String kind = dot < 0 ? "" : text.substring(dot);
        boolean tooMany = kind.equals(ANSWER) ? ++answers > MOST_ANSWERS : ++looked > MOST_NAMES;
        if (tooMany) {
          throw new IOException(
              OwnDescriptors.nameOf(folder.path())
                  + " holds more than "
                  + (kind.equals(ANSWER) ? MOST_ANSWERS + " answers" : MOST_NAMES + " other names")
                  + ": remove what is no request");
        }
        boolean ours = kind.equals(REQUEST) || kind.equals(TAKEN) || kind.equals(ANSWER);
        if (ours && ID.matcher(text.substring(0, dot)).matches()) {
          names.add(
              new Name(
                  UUID.fromString(text.substring(0, dot)),
                  kind,
                  kind.equals(ANSWER) ? NO_TIME : time(each)));
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    names.sort(Comparator.comparing(Name::time).thenComparing(Name::id));
    return names;
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
      }
      disk.rename(being, folder.path().resolve(id + kind), DiskStep.CONTROL);
      disk.syncDirectory(folder.path(), DiskStep.CONTROL);
    }
  }

  /**
   * What a file says; empty if there is none.
   *
   * @throws IllegalArgumentException if it is too long or no JSON
   */
  Optional<JsonNode> read(UUID id, String kind) throws IOException {
    int longest = kind.equals(REQUEST) ? LONGEST_REQUEST : LONGEST_TAKEN;
    try (Folder folder = hold()) {
      if (folder == null) {
        return Optional.empty();
      }
      Path file = folder.path().resolve(id + kind);
      SafeFiles.checkFile(file, SafeFiles.directoryGroup(file));
      long size = SafeFiles.attributes(file).size();
      if (size > longest) {
        throw new IllegalArgumentException("it has " + size + " bytes, too many for a request");
      }
      byte[] bytes = SafeFiles.read(file, (int) size).orElse(new byte[0]);
      return Optional.of(MAPPER.readTree(bytes));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (JacksonException e) {
      throw new IllegalArgumentException("it is no JSON", e);
    }
  }

  /** The answer to a request; empty if there is none yet. */
  public Optional<JsonNode> answer(UUID id) throws IOException {
    return read(id, ANSWER);
  }

  /** Whether a request is there that has no answer. */
  public boolean isOpen(UUID id) throws IOException {
    Listing listing = list();
    return listing.requests().contains(id) || listing.taken().contains(id);
  }

  void remove(UUID id, String kind) throws IOException {
    try (Folder folder = hold()) {
      if (folder != null) {
        disk.unlink(folder.path().resolve(id + kind), DiskStep.CONTROL);
        disk.syncDirectory(folder.path(), DiskStep.CONTROL);
      }
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
          if (++looked <= MOST_NAMES + MOST_ANSWERS
              && ours
              && time(each).toMillis() < beforeMillis) {
            Files.deleteIfExists(each);
          }
        }
      } catch (DirectoryIteratorException e) {
        throw e.getCause();
      }
    }
  }
}
