package dev.outboxrelay.relay.inspect;

import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;

/** Looks an entry's offset up in a cycle's index, as Chronicle's {@code moveToIndex} would. */
final class IndexCheck implements Closeable {
  private static final int SLOTS_BEHIND_COUNT = 16;

  private final FileWindow file;
  private final CycleLayout layout;
  private long page = -1;
  private long array;

  IndexCheck(Path cycleFile, CycleLayout layout) throws IOException {
    this.file = FileWindow.open(cycleFile);
    this.layout = layout;
  }

  boolean isIndexed(long entry) {
    return entry % layout.indexSpacing() == 0;
  }

  /**
   * The offset that the index gives; empty if page or slot are missing, or too new to be seen:
   * readers then scan, so that is no fault.
   */
  OptionalLong offsetOf(long entry) throws IOException {
    try {
      return lookUp(entry);
    } catch (UnreadableBlock e) {
      return OptionalLong.empty();
    }
  }

  private OptionalLong lookUp(long entry) throws IOException {
    long number = entry / layout.entriesPerPage();
    if (number >= layout.indexCount()) {
      return OptionalLong.empty();
    }
    if (number != page || array == 0) {
      long pageOffset = slot(layout.index2index(), number);
      page = number;
      array = pageOffset == 0 ? 0 : layout.pageArray(file, pageOffset);
    }
    long offset = array == 0 ? 0 : slot(array, entry / layout.indexSpacing() % layout.indexCount());
    return offset == 0 ? OptionalLong.empty() : OptionalLong.of(offset);
  }

  private long slot(long array, long number) throws IOException {
    long at = array + SLOTS_BEHIND_COUNT + number * Long.BYTES;
    return file.has(at, Long.BYTES) ? file.getLong(at) : 0;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
