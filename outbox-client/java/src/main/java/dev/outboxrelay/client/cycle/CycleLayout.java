package dev.outboxrelay.client.cycle;

import dev.outboxrelay.client.record.RecordCodec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/**
 * Where the parts of a cycle file lie, found by parsing its header, never assumed. Offsets in
 * bytes.
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

  private static final int LONGEST_HEADER = 4096;

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

  /** Parses the header of a cycle file; empty if it is not one, in whatever way. */
  public static Optional<CycleLayout> parse(FileWindow file) throws IOException {
    if (!file.has(0, 8)) {
      return Optional.empty();
    }
    int header = file.getInt(0);
    int length = length(header);
    if (!isMeta(header) || length > LONGEST_HEADER || !file.has(4, length)) {
      return Optional.empty();
    }
    Map<String, WireFields.Field> fields = WireFields.parse(file.slice(4, length), 4);
    WireFields.Field position = fields.get("writePosition");
    WireFields.Field index = fields.get("index2Index");
    WireFields.Field lastIndex = fields.get("lastIndex");
    long count = value(fields, "indexCount");
    long spacing = value(fields, "indexSpacing");
    if (position == null
        || !position.isArray()
        || position.value() != 2
        || index == null
        || lastIndex == null
        || !isPowerOfTwo(count)
        || !isPowerOfTwo(spacing)) {
      return Optional.empty();
    }
    Page index2index = page(file, index.value(), "index2index", count);
    if (index2index == null) {
      return Optional.empty();
    }
    Page first = page(file, file.getLong(index2index.array + 16), "index", count);
    if (first == null || first.end > Integer.MAX_VALUE) {
      return Optional.empty();
    }
    int words = position.offset() + 16;
    if (words % 8 != 0 || index2index.array % 8 != 0 || lastIndex.offset() % 8 != 0) {
      return Optional.empty(); // they are stored with one aligned store
    }
    return Optional.of(
        new CycleLayout(
            words,
            words + 8,
            (int) count,
            (int) spacing,
            (int) index2index.array,
            lastIndex.offset(),
            (int) first.end));
  }

  /**
   * Offset of the u64 count of the index page that begins at {@code offset}; 0 if no index page of
   * this file's shape stands there.
   */
  public long pageArray(FileWindow file, long offset) throws IOException {
    Page page = page(file, offset, "index", indexCount);
    return page == null ? 0 : page.array;
  }

  /** The same; null if the header cannot be parsed, or the disk does not give it. */
  public static CycleLayout read(FileWindow file) throws IOException {
    try {
      return parse(file).orElse(null);
    } catch (UnreadableBlock e) {
      return null;
    }
  }

  /** Whether a page as our writers append them stands here. */
  static boolean isIndexPage(FileWindow file, long offset, int count) throws IOException {
    return file.getInt(offset) == CycleTemplate.indexPageHeader(offset, count)
        && page(file, offset, "index", count) != null;
  }

  private static long value(Map<String, WireFields.Field> fields, String name) {
    WireFields.Field field = fields.get(name);
    return field == null ? 0 : field.value();
  }

  private static boolean isPowerOfTwo(long value) {
    return value > 0 && value <= 1 << 20 && Long.bitCount(value) == 1;
  }

  private record Page(long array, long end) {}

  private static Page page(FileWindow file, long offset, String name, long count)
      throws IOException {
    if (offset % 4 != 0 || offset < 4 || !file.has(offset, 4)) {
      return null;
    }
    int header = file.getInt(offset);
    int length = length(header);
    if (!isMeta(header) || length < 16 + 8 * count || !file.has(offset + 4, length)) {
      return null;
    }
    int head = (int) (length - 16 - 8 * count);
    if (head > 64) {
      return null;
    }
    ByteBuffer bytes = file.slice(offset + 4, head + 8);
    byte[] key = name.getBytes(StandardCharsets.US_ASCII);
    if (head < 3 + key.length
        || (bytes.get(0) & 0xFF) != WireFields.EVENT_NAME
        || bytes.get(1) != key.length
        || (bytes.get(head - 1) & 0xFF) != WireFields.I64_ARRAY
        || bytes.getLong(head) != count) {
      return null;
    }
    for (int i = 0; i < key.length; i++) {
      if (bytes.get(2 + i) != key[i]) {
        return null;
      }
    }
    return new Page(offset + 4 + head, next(offset, length));
  }
}
