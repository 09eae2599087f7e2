package dev.outboxrelay.client.cycle;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The few codes of Chronicle's binary wire that headers of cycle files and tables are made of.
 * Buffers are little-endian and begin where the file, or else a multiple of 8, does: what must be
 * aligned goes by their positions.
 */
public final class WireFields {
  private static final int EVENT_NAME = 0xB9;
  private static final int I64_ARRAY = 0x8D;
  private static final int INT64 = 0xA7;
  private static final int PADDING = 0x8F;
  private static final int PADDING_32 = 0x8E;
  private static final int TYPE_PREFIX = 0xB6;
  private static final int NESTED = 0x82;
  private static final int FIELD_NAME = 0xC0;
  private static final int UINT8 = 0xA1;
  private static final int INT16 = 0xA5;
  private static final int UINT16 = 0xA2;
  private static final int INT32 = 0xA6;

  private WireFields() {}

  /** A key at the top of an entry. */
  public static void event(ByteBuffer bytes, String name) {
    bytes.put((byte) EVENT_NAME).put((byte) name.length());
    bytes.put(name.getBytes(StandardCharsets.US_ASCII));
  }

  /** A field's name within an object. */
  static void field(ByteBuffer bytes, String name) {
    bytes.put((byte) (FIELD_NAME + name.length()));
    bytes.put(name.getBytes(StandardCharsets.US_ASCII));
  }

  /** Type and beginning of an object; what follows is its content, up to {@link #end}. */
  static int begin(ByteBuffer bytes, String type) {
    bytes.put((byte) TYPE_PREFIX).put((byte) type.length());
    bytes.put(type.getBytes(StandardCharsets.US_ASCII));
    bytes.put((byte) NESTED).putInt(0);
    return bytes.position();
  }

  /** Ends the object whose content began at {@code begin}. */
  static void end(ByteBuffer bytes, int begin) {
    bytes.putInt(begin - Integer.BYTES, bytes.position() - begin);
  }

  /** An integer of 0 or more in the shortest form. */
  static void integer(ByteBuffer bytes, int value) {
    if (value < 1 << 8) {
      bytes.put((byte) UINT8).put((byte) value);
    } else if (value < 1 << 16) {
      bytes.put((byte) (value < 1 << 15 ? INT16 : UINT16)).putShort((short) value);
    } else {
      bytes.put((byte) INT32).putInt(value);
    }
  }

  /** Reads an integer in one of these forms; -1 if there is none. */
  static int integer(ByteBuffer bytes) {
    return switch (bytes.get() & 0xFF) {
      case UINT8 -> bytes.get() & 0xFF;
      case INT16, UINT16 -> bytes.getShort() & 0xFFFF;
      case INT32 -> bytes.getInt();
      default -> -1;
    };
  }

  /** An i64 on a multiple of 8. */
  public static void alignedLong(ByteBuffer bytes, long value) {
    align(bytes);
    bytes.put((byte) INT64).putLong(value);
  }

  /** What stands before the use of an array of u64: its count is on a multiple of 8. */
  static void alignedArray(ByteBuffer bytes, long count) {
    align(bytes);
    bytes.put((byte) I64_ARRAY).putLong(count);
  }

  /** Pads so that what follows a code is on a multiple of 8. */
  private static void align(ByteBuffer bytes) {
    int missing = -(bytes.position() + 1) & 7;
    if (missing < 5) {
      for (int i = 0; i < missing; i++) {
        bytes.put((byte) PADDING);
      }
    } else {
      bytes.put((byte) PADDING_32).putInt(missing - 5);
      bytes.position(bytes.position() + missing - 5);
    }
  }
}
