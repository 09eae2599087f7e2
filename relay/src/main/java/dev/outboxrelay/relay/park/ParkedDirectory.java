package dev.outboxrelay.relay.park;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.Folder;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.RecordLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The directory {@code parked/}, held from when it is there, so that nobody leads its outboxes
 * elsewhere. {@link #outbox} may be asked from any thread, all else is for one.
 */
final class ParkedDirectory implements Closeable {
  private final OutboxPaths main;
  private final Disk disk;
  private volatile Folder held; // null while there is none
  private boolean named; // its own name is on stable storage

  private ParkedDirectory(OutboxPaths main, Disk disk) {
    this.main = main;
    this.disk = disk;
  }

  /**
   * Opens the one of an outbox, if there is one.
   *
   * @throws OutboxUnavailable if it is none that an outbox may lie in
   */
  static ParkedDirectory open(OutboxPaths main, Disk disk) throws IOException {
    ParkedDirectory opened = new ParkedDirectory(main, disk);
    if (SafeFiles.attributes(main.parked()) != null) {
      opened.held = hold(main);
    }
    return opened;
  }

  private static Folder hold(OutboxPaths main) throws IOException {
    Path name = OwnDescriptors.nameOf(main.parked());
    SafeFiles.Attributes found = SafeFiles.attributes(main.parked());
    if (found == null || !found.directory()) {
      throw new OutboxUnavailable(
          name + " is no directory (perhaps a symbolic link): remove it, parked topics go there");
    }
    Folder folder = Folder.hold(main.parked());
    try {
      SafeFiles.checkOwnership(name, folder.attributes(), groupOf(main));
      return folder;
    } catch (IOException | RuntimeException | Error e) {
      folder.close();
      throw e;
    }
  }

  private static int groupOf(OutboxPaths main) throws IOException {
    return SafeFiles.attributes(main.root()).gid();
  }

  /** Where the outbox of a topic is, or would be. */
  OutboxPaths outbox(String topic) {
    Folder folder = held;
    if (folder == null) {
      return main.parked(topic);
    }
    RecordLimits.checkTopicName(topic);
    return new OutboxPaths(folder.path().resolve(topic));
  }

  /** The topics that something here is named for; other names are not ours. */
  List<String> topics() throws IOException {
    List<String> topics = new ArrayList<>();
    if (held == null) {
      return topics;
    }
    try (DirectoryStream<Path> names = Files.newDirectoryStream(held.path())) {
      for (Path name : names) {
        String topic = name.getFileName().toString();
        if (RecordLimits.isTopicName(topic)) {
          topics.add(topic);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return topics;
  }

  /** Sees to it that an outbox can be made here. */
  void make() throws IOException {
    if (held == null) {
      SafeFiles.createDirectory(main.parked(), groupOf(main));
      held = hold(main);
      return;
    }
    if (!held.attributes().key().equals(SafeFiles.keyOf(main.parked()))) {
      throw new OutboxUnavailable(
          OwnDescriptors.nameOf(main.parked())
              + " was removed or replaced while the relay had it open: bring it back, or restart "
              + "the relay");
    }
  }

  /** Brings the names of its outboxes to stable storage, and its own. */
  void sync() throws IOException {
    disk.syncDirectory(held.path(), DiskStep.LINK);
    if (!named) {
      disk.syncDirectory(main.root(), DiskStep.LINK);
      named = true;
    }
  }

  @Override
  public void close() throws IOException {
    if (held != null) {
      held.close();
    }
  }
}
