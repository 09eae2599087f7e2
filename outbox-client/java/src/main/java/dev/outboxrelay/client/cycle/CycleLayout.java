package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.record.RecordCodec;
import java.io.IOException;

/**
 * Where the parts of a cycle file lie: that follows from the index count and spacing in its header.
 * Offsets in bytes.
 *
 * @param word1 of the u64 that points to the last entry's header word
 * @param word2 of the u64 {@code offset << 32 | entry}
 * @param indexCount slots of an index page and of index2index
 * @param indexSpacing every how many entries one is indexed
 * @param index2index of the u64 count of index2index; used follows, then the slots
 * @param lastIndex of the u64 lastIndex
 * @param firstData first data offset: the end of the first index page
 */
public record CycleLayout(
    int word1,
    int word2,
    int indexCount,
    int indexSpacing,
    int index2index,
    int lastIndex,
    int firstData) {

  public static final int META = 1 << 30;
  public static final int NOT_COMPLETE = 1 << 31;
  public static final int LENGTH_MASK = META - 1;
  public static final int FREE = 0;
  public static final int EOF = META | NOT_COMPLETE;

  /** Of a new cycle file, and how much it grows at a time. */
  public static final int CHUNK_BYTES = 64 << 20;

  /** Room that is kept behind the last entry. */
  public static final int OVERLAP_BYTES = 16 << 20;

  public static final int NEW_FILE_BYTES = CHUNK_BYTES + OVERLAP_BYTES;

  /** Whether a header word stands where no entry is yet. NOT_COMPLETE counts as free. */
  public static boolean isFree(int header) {
    return header == FREE || ((header & NOT_COMPLETE) != 0 && header != EOF);
  }

  public static boolean isMeta(int header) {
    return (header & (META | NOT_COMPLETE)) == META;
  }

  public static int length(int header) {
    return header & LENGTH_MASK;
  }

  /** Offset of the header word behind an entry. */
  public static long next(long offset, int length) {
    return (offset + 4 + length + 3) & ~3L;
  }

  /** Whether a data entry may have this length. */
  public static boolean isDataLength(int length) {
    return RecordCodec.isLength(length);
  }

  /** How many entries one index page covers. */
  public long entriesPerPage() {
    return (long) indexCount * indexSpacing;
  }

  /**
   * Reads the layout of a cycle file; null if its header does not parse, or the disk does not give
   * it.
   */
  public static CycleLayout read(FileWindow file) throws IOException {
    try {
      return CycleTemplate.layoutOf(file);
    } catch (UnreadableBlock e) {
      return null;
    }
  }

  /**
   * Offset of the u64 count of the index page that begins at {@code offset}; 0 if no index page of
   * this file's shape stands there.
   */
  public long pageArray(FileWindow file, long offset) throws IOException {
    return IndexPage.array(file, offset, indexCount);
  }
}
