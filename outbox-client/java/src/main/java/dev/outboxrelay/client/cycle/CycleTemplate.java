package dev.outboxrelay.client.cycle;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * The bytes that Chronicle Queue 2026.4 gives to a new cycle file of FAST_HOURLY, and to a new
 * index page.
 */
public final class CycleTemplate {
  /** First data offset of a new cycle file. */
  public static final int FIRST_DATA = 0x10110;

  static final int INDEX_COUNT = 4096;

  private static final int INDEX2INDEX_AT = 0xC8;
  private static final byte[] HEADER =
      HexFormat.of()
          .parseHex(
              "c1000040b906686561646572b60853435153746f726582aa000000cd77726974"
                  + "65506f736974696f6e8e01000000008d02000000000000000200000000000000"
                  + "00000000000000000000000000000000c8696e646578696e67b60c5343515349"
                  + "6e646578696e67824c000000ca696e646578436f756e74a50010cc696e646578"
                  + "53706163696e67a50001cb696e64657832496e6465788fa7c800000000000000"
                  + "c96c617374496e6465788e00000000a70000000000000000ca64617461466f"
                  + "726d6174a101000000");

  private CycleTemplate() {}

  /** A new cycle file up to its first data offset, and the 8 zero bytes behind it. */
  public static ByteBuffer newCycle() {
    int index2index = pageBytes("index2index", INDEX2INDEX_AT, INDEX_COUNT);
    int firstPage = (int) CycleLayout.next(INDEX2INDEX_AT, index2index);
    int firstData = (int) CycleLayout.next(firstPage, pageBytes("index", firstPage, INDEX_COUNT));
    ByteBuffer bytes = allocate(firstData + 8);
    bytes.put(0, HEADER);
    int slots = putPage(bytes, INDEX2INDEX_AT, INDEX2INDEX_AT, "index2index", INDEX_COUNT);
    bytes.putLong(slots - 8, 1);
    bytes.putLong(slots, firstPage);
    putPage(bytes, firstPage, firstPage, "index", INDEX_COUNT);
    return bytes;
  }

  /**
   * An index page that is to stand at {@code offset}, framed as it goes to disk: free header word,
   * page, 8 zero bytes.
   */
  public static ByteBuffer indexPage(long offset, int count) {
    ByteBuffer bytes = allocate(4 + pageBytes("index", offset, count) + 8);
    putPage(bytes, 0, offset, "index", count);
    return bytes.putInt(0, CycleLayout.FREE);
  }

  /** The header word of an index page that stands at {@code offset}. */
  public static int indexPageHeader(long offset, int count) {
    return CycleLayout.META | pageBytes("index", offset, count);
  }

  private static int pageBytes(String name, long offset, int count) {
    return 2 + name.length() + padding(name, offset) + 1 + 16 + 8 * count;
  }

  /** As many bytes as bring the array behind them to a multiple of 8. */
  private static int padding(String name, long offset) {
    return (int) (-(offset + 4 + 2 + name.length() + 1) & 7);
  }

  /** Returns where the slots begin. */
  private static int putPage(ByteBuffer bytes, int at, long offset, String name, int count) {
    bytes.putInt(at, CycleLayout.META | pageBytes(name, offset, count));
    bytes.position(at + 4);
    bytes.put((byte) WireFields.EVENT_NAME).put((byte) name.length());
    bytes.put(name.getBytes(StandardCharsets.US_ASCII));
    WireFields.pad(bytes, padding(name, offset));
    bytes.put((byte) WireFields.I64_ARRAY).putLong(count).putLong(0);
    int slots = bytes.position();
    bytes.position(0);
    return slots;
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
