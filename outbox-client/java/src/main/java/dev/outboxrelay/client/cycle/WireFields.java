package dev.outboxrelay.client.cycle;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** The few codes of Chronicle's binary wire that headers of cycle files and tables are made of. */
public final class WireFields {
  public static final int EVENT_NAME = 0xB9;
  static final int I64_ARRAY = 0x8D;
  public static final int INT64 = 0xA7;
  static final int PADDING = 0x8F;
  static final int PADDING_32 = 0x8E;
  private static final int TYPE_PREFIX = 0xB6;
  private static final int NESTED = 0x82;
  private static final int FIELD_NAME = 0xC0;
  private static final int SHORT_TEXT = 0xE0;

  private WireFields() {}

  /**
   * A named value: its offset in the file (of the array's count, if it is one) and its value or
   * count.
   */
  public record Field(int offset, long value, boolean isArray) {}

  public static Map<String, Field> parse(ByteBuffer bytes, int offset) {
    Map<String, Field> fields = new HashMap<>();
    String name = "";
    while (bytes.hasRemaining()) {
      int code = bytes.get() & 0xFF;
      int at = offset + bytes.position();
      try {
        switch (code) {
          case EVENT_NAME -> name = text(bytes, bytes.get());
          case TYPE_PREFIX -> text(bytes, bytes.get());
          case NESTED -> bytes.getInt();
          case PADDING_32 -> skip(bytes, bytes.getInt());
          case PADDING -> {}
          case I64_ARRAY -> {
            long count = bytes.getLong();
            fields.put(name, new Field(at, count, true));
            skip(bytes, 8 + 8 * count);
          }
          case 0xA1 -> fields.put(name, new Field(at, bytes.get() & 0xFF, false));
          case 0xA4 -> fields.put(name, new Field(at, bytes.get(), false));
          case 0xA2 -> fields.put(name, new Field(at, bytes.getShort() & 0xFFFF, false));
          case 0xA5 -> fields.put(name, new Field(at, bytes.getShort(), false));
          case 0xA3, 0xA6 -> fields.put(name, new Field(at, bytes.getInt(), false));
          case INT64 -> fields.put(name, new Field(at, bytes.getLong(), false));
          default -> {
            if (code >= FIELD_NAME && code < SHORT_TEXT) {
              name = text(bytes, code - FIELD_NAME);
            } else if (code >= SHORT_TEXT) {
              skip(bytes, code - SHORT_TEXT);
            } else {
              return Map.of();
            }
          }
        }
      } catch (RuntimeException e) {
        return Map.of();
      }
    }
    return fields;
  }

  private static String text(ByteBuffer bytes, int length) {
    byte[] text = new byte[length];
    bytes.get(text);
    return new String(text, StandardCharsets.ISO_8859_1);
  }

  private static void skip(ByteBuffer bytes, long length) {
    if (length < 0 || length > bytes.remaining()) {
      throw new IllegalArgumentException("a length leaves the header");
    }
    bytes.position(bytes.position() + (int) length);
  }

  /** Writes {@code count} bytes, 0 to 12, that a parser passes over. */
  public static void pad(ByteBuffer bytes, int count) {
    if (count < 5) {
      for (int i = 0; i < count; i++) {
        bytes.put((byte) PADDING);
      }
    } else {
      bytes.put((byte) PADDING_32).putInt(count - 5);
      bytes.position(bytes.position() + count - 5);
    }
  }
}
