package dev.outboxrelay.client.files;

import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.disk.SafeFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Files that can be made anew from what else is there. */
final class SmallFile {
  private SmallFile() {}

  /**
   * As {@link SafeFiles#read}, but empty also if the disk does not give it: that is damage like any
   * other, and a write in place may mend it.
   */
  static Optional<byte[]> read(Path file, int length) throws IOException {
    try {
      return SafeFiles.read(file, length);
    } catch (IOException e) {
      if (UnreadableBlock.isCauseOf(e)) {
        return Optional.empty();
      }
      throw e;
    }
  }
}
