package dev.outboxrelay.client.files;

import dev.outboxrelay.client.disk.SafeFiles;
import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Reads {@code relay.outcomes} in pieces, and with each later look only what was appended since.
 * Holds no file open. For one thread.
 */
public final class OutcomesFollower {
  private final Path file;
  private Object key; // of the file that was read; null if there was none
  private OutcomeEntries.Found last; // that was read of it; null if nothing was

  public OutcomesFollower(Path file) {
    this.file = file;
  }

  /** Who is told what stands there. */
  public interface Visitor {
    /** All that was told before does not count: the file is another one. */
    void beginsAnew();

    /** The next entry. */
    void range(Range range) throws IOException;
  }

  /** Begins anew with the next look. */
  public void forget() {
    key = null;
    last = null;
  }

  /** Reads on. */
  public void read(Visitor visitor) throws IOException {
    boolean whole = false;
    while (!whole) {
      Object before = SafeFiles.keyOf(file);
      try (FileChannel channel = SafeFiles.openToRead(file)) {
        if (before != null && before.equals(SafeFiles.keyOf(file))) {
          OutcomesFile.checkSize(file, channel.size());
          if (!before.equals(key) || !goesOn(channel)) {
            last = null;
            key = null; // if this look ends early
            visitor.beginsAnew();
          }
          readOn(channel, visitor);
          key = before;
          whole = true;
        } // else it was replaced just now
      } catch (NoSuchFileException e) {
        forget();
        visitor.beginsAnew();
        whole = true;
      }
    }
  }

  /** A number of a file is given again once that is gone; what was read would not stand there. */
  private boolean goesOn(FileChannel channel) throws IOException {
    if (last == null) {
      return true;
    }
    long at = last.end() - OutcomeEntries.ENTRY_BYTES;
    return OutcomeEntries.at(channel, at).equals(Optional.of(last.range()));
  }

  /** What is invalid behind the last valid entry may be written just now. */
  private void readOn(FileChannel channel, Visitor visitor) throws IOException {
    for (long start = last == null ? 0 : last.end();
        start < channel.size();
        start += OutcomeEntries.PIECE_BYTES) {
      ByteBuffer piece = OutcomeEntries.piece(channel, start, OutcomeEntries.PIECE_BYTES);
      for (int at = 0; at + OutcomeEntries.ENTRY_BYTES <= piece.limit(); ) {
        Range range = OutcomeEntries.decode(piece, at);
        at += OutcomeEntries.ENTRY_BYTES;
        if (range != null) {
          visitor.range(range);
          last = new OutcomeEntries.Found(range, start + at);
        }
      }
    }
  }
}
