package dev.outboxrelay.client.cycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CycleLayoutTest {
  /**
   * By FORMAT.md: word1 and word2, lastIndex, use and slots of index2index but for slot 0, use and
   * slots of the first index page.
   */
  private static final int[][] CHANGING = {
    {0x40, 0x50}, {0xB0, 0xB8}, {0xE8, 0xF0}, {0xF8, 0x80F0}, {0x8108, 0x10110}
  };

  private static final int[][] CHANGING_IF_SMALL = {
    {0x40, 0x50}, {0xB0, 0xB8}, {0xE8, 0xF0}, {0xF8, 0x1F0}, {0x208, 0x310}
  };

  @TempDir Path parent;
  private FileChannel channel;

  @BeforeEach
  void open() throws IOException {
    channel =
        FileChannel.open(
            parent.resolve("cycle"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
  }

  @AfterEach
  void close() throws IOException {
    channel.close();
  }

  /** FAST_HOURLY, TEST4_DAILY, HUGE_DAILY and LARGE_HOURLY_XSPARSE, with 8 zeros behind. */
  @ParameterizedTest
  @CsvSource({
    "4096, 256, 88b84cf3e5d928cc001bd8e5992db5d962164ba508e5b9af7aea54beb12219ca",
    "32, 4, a1736be252aa358b97d3db47f31acc100245798d7d7b2fa9a22ee2d5ef9261b7",
    "32768, 1024, ca0884f74613548a4b64cffa2431ccc521eade4f179769d42caa2f533d14c169",
    "2048, 1048576, af5f0b1fc50b9bd519da48631a9d91a1cf6362dabf737c5e541c0930ad640676"
  })
  void a_new_file_is_what_chronicle_creates_and_parses(int count, int spacing, String sha256)
      throws IOException, NoSuchAlgorithmException {
    ByteBuffer made = CycleTemplate.newCycle(count, spacing);
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    digest.update(made.duplicate());
    assertEquals(sha256, HexFormat.of().formatHex(digest.digest()));
    write(made);
    CycleLayout layout = read();
    assertEquals(count, layout.indexCount());
    assertEquals(spacing, layout.indexSpacing());
    assertEquals(made.limit() - 8, layout.firstData());
  }

  @Test
  void the_offsets_follow_from_count_and_spacing() throws IOException {
    write(CycleTemplate.newCycle());
    assertEquals(new CycleLayout(0x40, 0x48, 4096, 256, 0xE0, 0xB0, 0x10110), read());
    write(CycleTemplate.newCycle(2048, 1 << 20));
    assertEquals(new CycleLayout(0x40, 0x48, 2048, 1 << 20, 0xE8, 0xB8, 0x8118), read());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4, 100, 0x77, 0x78, 0xC8, 0x80F0, 0x8110, 0x10110 + 7})
  void a_short_file_does_not_parse(int size) throws IOException {
    write(CycleTemplate.newCycle());
    assertNotNull(read());
    channel.truncate(size);
    assertNull(read());
  }

  @ParameterizedTest
  @CsvSource({"32, 0", "33, 4", "32, 6", "2097152, 4", "32, 2097152"})
  void only_powers_of_two_up_to_a_limit_are_counts(int count, int spacing) throws IOException {
    write(CycleTemplate.newCycle(count, spacing));
    assertNull(read());
    write(CycleTemplate.newCycle(1 << 20, 1));
    assertNotNull(read());
  }

  @Test
  void a_header_parses_with_what_changes_and_with_no_other_bit() throws IOException {
    write(CycleTemplate.newCycle(32, 4));
    assertEquals(8 * (0xF8 - 32 + 24), flipped(CHANGING_IF_SMALL, 1));
    write(CycleTemplate.newCycle());
    assertEquals(8 * (0xF8 - 32 + 24), flipped(CHANGING, 61));
  }

  /**
   * Flips every bit, but of slots only of each so many.
   *
   * @return with how many it did not parse
   */
  private int flipped(int[][] changing, int step) throws IOException {
    CycleLayout whole = read();
    int unparsable = 0;
    for (int offset = 0; offset < whole.firstData(); offset++) {
      boolean changes = false;
      for (int[] range : changing) {
        changes |= offset >= range[0] && offset < range[1];
      }
      if (changes && offset >= 0x100 && offset / 8 % step != 0) {
        continue;
      }
      ByteBuffer old = ByteBuffer.allocate(1);
      channel.read(old, offset);
      for (int bit = 0; bit < 8; bit++) {
        ByteBuffer other = ByteBuffer.allocate(1).put(0, (byte) (old.get(0) ^ 1 << bit));
        channel.write(other, offset);
        CycleLayout layout = read();
        assertEquals(changes ? whole : null, layout, "bit " + bit + " of " + offset);
        unparsable += layout == null ? 1 : 0;
      }
      channel.write(old.flip(), offset);
    }
    return unparsable;
  }

  @Test
  void a_block_of_slots_that_the_disk_does_not_give_is_none_of_the_header() throws IOException {
    write(CycleTemplate.newCycle());
    for (long block = 0; block < 0x10; block++) {
      try (FileChannel failing =
          new FailingChannel(FileChannel.open(parent.resolve("cycle")), block << 12)) {
        CycleLayout layout = CycleLayout.read(FileWindow.over(failing, channel.size(), 256 << 10));
        assertEquals(block == 0 || block == 8, layout == null, "block " + block);
      }
    }
  }

  private void write(ByteBuffer bytes) throws IOException {
    channel.truncate(0);
    channel.write(bytes, 0);
  }

  private CycleLayout read() throws IOException {
    return CycleLayout.read(FileWindow.over(channel, channel.size(), 512));
  }
}
