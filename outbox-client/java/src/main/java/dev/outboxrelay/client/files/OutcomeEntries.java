package dev.outboxrelay.client.files;

import dev.outboxrelay.client.DeliveryOutcome;
import dev.outboxrelay.client.cycle.UnreadableBlock;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.zip.CRC32;

/** The entries of {@code relay.outcomes}, as they stand in it. A piece is read at a time. */
final class OutcomeEntries {
  static final int ENTRY_BYTES = 24;
  static final int IN_A_PIECE = 4096;
  static final int PIECE_BYTES = IN_A_PIECE * ENTRY_BYTES;

  private OutcomeEntries() {}

  /** The valid entries of one piece. */
  static List<Range> ranges(FileChannel channel, long start) throws IOException {
    ByteBuffer piece = piece(channel, start, PIECE_BYTES);
    List<Range> ranges = new ArrayList<>();
    for (int at = 0; at + ENTRY_BYTES <= piece.limit(); at += ENTRY_BYTES) {
      Range range = decode(piece, at);
      if (range != null) {
        ranges.add(range);
      }
    }
    return ranges;
  }

  /**
   * An entry.
   *
   * @param end behind it
   */
  record Found(Range range, long end) {}

  /** The entry there; empty if none is. */
  static Optional<Range> at(FileChannel channel, long offset) throws IOException {
    ByteBuffer entry = piece(channel, offset, ENTRY_BYTES);
    return entry.limit() < ENTRY_BYTES ? Optional.empty() : Optional.ofNullable(decode(entry, 0));
  }

  /** The last entry that is wanted; empty if none is. */
  static Optional<Found> findLast(FileChannel channel, Predicate<Range> wanted) throws IOException {
    long start = channel.size() / ENTRY_BYTES * ENTRY_BYTES;
    while (start > 0) {
      int length = (int) Math.min(start, PIECE_BYTES);
      start -= length;
      ByteBuffer piece = piece(channel, start, length);
      for (int at = piece.limit() - ENTRY_BYTES; at >= 0; at -= ENTRY_BYTES) {
        Range range = decode(piece, at);
        if (range != null && wanted.test(range)) {
          return Optional.of(new Found(range, start + at + ENTRY_BYTES));
        }
      }
    }
    return Optional.empty();
  }

  /** What the disk does not give is zeros, which are no entry. */
  static ByteBuffer piece(FileChannel channel, long start, int length) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (piece.hasRemaining() && channel.read(piece, start + piece.position()) >= 0) {
        // Until the piece is whole.
      }
      return piece.flip();
    } catch (IOException e) {
      if (!UnreadableBlock.isCauseOf(e)) {
        throw e;
      }
    }
    piece.clear();
    while (piece.hasRemaining()) {
      long at = start + piece.position();
      int block = (int) Math.min(UnreadableBlock.next(at) - at, piece.limit() - piece.position());
      ByteBuffer part = piece.slice(piece.position(), block);
      try {
        if (channel.read(part, at) < 0) {
          break;
        }
      } catch (IOException e) {
        if (!UnreadableBlock.isCauseOf(e)) {
          throw e;
        }
        part.clear().put(new byte[block]);
      }
      piece.position(piece.position() + part.position());
    }
    return piece.flip();
  }

  static ByteBuffer encode(List<Range> ranges) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(ranges.size() * ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    for (Range range : ranges) {
      bytes.putLong(at, range.first());
      bytes.putLong(at + 8, range.last());
      bytes.put(at + 16, code(range.outcome()));
      bytes.putInt(at + 20, crc(bytes, at));
      at += ENTRY_BYTES;
    }
    return bytes;
  }

  static Range decode(ByteBuffer bytes, int at) {
    DeliveryOutcome outcome = outcome(bytes.get(at + 16));
    long first = bytes.getLong(at);
    long last = bytes.getLong(at + 8);
    boolean valid =
        outcome != null && first >= 1 && last >= first && bytes.getInt(at + 20) == crc(bytes, at);
    return valid ? new Range(first, last, outcome) : null;
  }

  private static byte code(DeliveryOutcome outcome) {
    return switch (outcome) {
      case PARKED -> 1;
      case DEAD -> 2;
      case QUARANTINED -> 3;
      case DELIVERED -> 4;
      case PENDING -> throw new IllegalArgumentException("PENDING is no outcome");
    };
  }

  private static DeliveryOutcome outcome(byte code) {
    return switch (code) {
      case 1 -> DeliveryOutcome.PARKED;
      case 2 -> DeliveryOutcome.DEAD;
      case 3 -> DeliveryOutcome.QUARANTINED;
      case 4 -> DeliveryOutcome.DELIVERED;
      default -> null;
    };
  }

  private static int crc(ByteBuffer bytes, int at) {
    CRC32 crc = new CRC32();
    crc.update(bytes.slice(at, ENTRY_BYTES - 4));
    return (int) crc.getValue();
  }
}
