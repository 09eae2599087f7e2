package dev.outboxrelay.client.writing;

import static dev.outboxrelay.client.disk.RealDisk.load64;

import dev.outboxrelay.client.cycle.CycleLayout;
import dev.outboxrelay.client.cycle.FileWindow;
import dev.outboxrelay.client.cycle.IndexPage;
import dev.outboxrelay.client.disk.Disk;
import dev.outboxrelay.client.disk.DiskStep;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;

/**
 * The index of a cycle that is open for changes. It only makes seeking faster: what cannot be noted
 * is left out, and readers scan.
 */
final class CycleIndex {
  private static final int SLOTS = 16; // bytes from an array's count to its first slot
  private static final int USED = 8;
  private static final int PAGE_HEAD_BYTES = 64;

  private final CycleLayout layout;
  private final Disk disk;
  private long knownPage = -1;
  private long knownArray;

  CycleIndex(CycleLayout layout, Disk disk) {
    this.layout = layout;
    this.disk = disk;
  }

  /** Whether this entry is one that the index notes. */
  boolean covers(long entry) {
    return entry % layout.indexSpacing() == 0;
  }

  /**
   * Notes an entry. A page that is missing is appended at the end of the chain, if that is free.
   *
   * @return where the chain ends now
   */
  long add(
      FileChannel channel,
      MappedByteBuffer map,
      long entry,
      long offset,
      long end,
      boolean endIsFree) {
    long number = entry / layout.entriesPerPage();
    if (number >= layout.indexCount()) {
      return end;
    }
    int slotOfPage = (int) (layout.index2index() + SLOTS + 8 * number);
    long newEnd = end;
    try {
      if (load64(map, slotOfPage) == 0) {
        if (!endIsFree) {
          return end;
        }
        newEnd = appendPage(channel, map, number, slotOfPage, end);
      }
      int array = (int) array(channel, map, number, slotOfPage);
      if (array != 0) {
        long slot = entry / layout.indexSpacing() % layout.indexCount();
        disk.store64(map, (int) (array + SLOTS + 8 * slot), offset, DiskStep.INDEX);
        raise(map, array + USED, slot + 1);
        raise(map, layout.lastIndex(), entry + layout.indexSpacing());
      }
    } catch (IOException | InternalError e) {
      // a full or failing disk: the record is published all the same
    }
    return newEnd;
  }

  private void raise(MappedByteBuffer map, int at, long value) {
    if (load64(map, at) < value) {
      disk.store64(map, at, value, DiskStep.INDEX);
    }
  }

  private long appendPage(
      FileChannel channel, MappedByteBuffer map, long number, int slotOfPage, long end)
      throws IOException {
    ByteBuffer page = IndexPage.create(end, layout.indexCount());
    if (end + page.limit() > map.limit()) {
      return end;
    }
    int header = IndexPage.header(end, layout.indexCount());
    disk.write(channel, page, end, DiskStep.INDEX_PAGE);
    disk.store32(map, (int) end, header, DiskStep.INDEX_PAGE);
    disk.store64(map, slotOfPage, end, DiskStep.INDEX);
    raise(map, layout.index2index() + USED, number + 1);
    return CycleLayout.next(end, CycleLayout.length(header));
  }

  /** Offset of a page's array, 0 if what its slot points to is no index page. */
  private long array(FileChannel channel, MappedByteBuffer map, long number, int slotOfPage)
      throws IOException {
    if (knownPage != number || knownArray == 0) {
      knownArray =
          layout.pageArray(
              FileWindow.over(channel, map.limit(), PAGE_HEAD_BYTES), load64(map, slotOfPage));
      knownPage = number;
    }
    return knownArray;
  }
}
