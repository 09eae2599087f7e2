package dev.outboxrelay.client.writing;

import dev.outboxrelay.client.OutboxUnavailable;
import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.CycleTemplate;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import dev.outboxrelay.client.disk.OwnDescriptors;
import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;

/** Makes new cycle files. */
final class NewCycle {
  private NewCycle() {}

  /**
   * Builds a cycle file beside its place, syncs it and links it there: what has that name is never
   * replaced (FORMAT I5).
   *
   * @return false if something has its name
   */
  static boolean create(OutboxPaths paths, long cycle, Disk disk) throws IOException {
    Path building = paths.cycleBeingBuilt(cycle);
    removeLeftover(building, disk);
    try (FileChannel channel = SafeFiles.create(building)) {
      disk.write(channel, CycleTemplate.newCycle(), 0, DiskStep.CREATE);
      disk.map(channel, CycleLayout.NEW_FILE_BYTES, DiskStep.CREATE);
      disk.sync(channel, true, DiskStep.CREATE);
    }
    try {
      disk.link(building, paths.cycle(cycle), DiskStep.LINK);
    } catch (FileAlreadyExistsException e) {
      disk.unlink(building, DiskStep.UNLINK);
      return false;
    }
    disk.syncDirectory(paths.queue(), DiskStep.LINK);
    disk.unlink(building, DiskStep.UNLINK);
    return true;
  }

  /**
   * Removes what writers that died while they made a cycle have left: an unfinished file, or the
   * second name of a finished one.
   */
  static void removeLeftovers(OutboxPaths paths, Disk disk) throws IOException {
    for (Path leftover : paths.leftovers()) {
      removeLeftover(leftover, disk);
    }
  }

  private static void removeLeftover(Path leftover, Disk disk) throws IOException {
    SafeFiles.Attributes found = SafeFiles.attributes(leftover);
    if (found != null && found.directory()) {
      throw new OutboxUnavailable(
          OwnDescriptors.nameOf(leftover)
              + " is a directory, and a cycle is to be built there: remove it");
    }
    disk.unlink(leftover, DiskStep.UNLINK);
  }
}
