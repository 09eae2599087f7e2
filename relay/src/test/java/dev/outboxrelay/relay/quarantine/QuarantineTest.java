package dev.outboxrelay.relay.quarantine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuarantineTest {
  private static final long CYCLE = 492_000;

  @TempDir private Path directory;

  private OutboxPaths paths;
  private final byte[] queue = new byte[300_000];

  @BeforeEach
  void writeCycle() throws IOException {
    paths = new OutboxPaths(directory);
    new Random(1).nextBytes(queue);
    Arrays.fill(queue, 70_000, 280_000, (byte) 0);
    Files.createDirectory(paths.queue());
    Files.write(paths.cycle(CYCLE), queue);
  }

  private Path kept(long offset) {
    return paths.quarantine().resolve(CYCLE + "-" + offset + ".bin");
  }

  @Test
  void aRegionIsKeptByteForByteItsZerosIncluded() throws IOException {
    assertThat(new Quarantine(paths).keep(CYCLE, 1000, 290_000)).isTrue();
    assertThat(Files.readAllBytes(kept(1000))).isEqualTo(Arrays.copyOfRange(queue, 1000, 290_000));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(kept(1000))))
        .isEqualTo("rw-rw----");
  }

  @Test
  void aRegionThatEndsInZerosKeepsItsLength() throws IOException {
    new Quarantine(paths).keep(CYCLE, 60_000, 250_000);
    assertThat(Files.size(kept(60_000))).isEqualTo(190_000);
  }

  @Test
  void aRegionThatIsKeptAlreadyStaysAsItIs() throws IOException {
    Quarantine quarantine = new Quarantine(paths);
    quarantine.keep(CYCLE, 1000, 2000);
    assertThat(quarantine.keep(CYCLE, 1000, 3000)).isFalse();
    assertThat(Files.size(kept(1000))).isEqualTo(1000);
  }

  @Test
  void whatAKilledRelayLeftUnfinishedIsReplaced() throws IOException {
    Files.createDirectory(paths.quarantine());
    Files.write(paths.quarantine().resolve("." + CYCLE + "-1000.bin.tmp"), new byte[7]);
    assertThat(new Quarantine(paths).keep(CYCLE, 1000, 2000)).isTrue();
    assertThat(paths.quarantine().toFile().list()).containsExactly(CYCLE + "-1000.bin");
  }

  @Test
  void aSectorThatCannotBeReadIsZerosAndAllElseIsKept() throws IOException {
    int bad = 5 * 4096;
    Path copy = directory.resolve("copy");
    try (FileChannel from = new BadSector(FileChannel.open(paths.cycle(CYCLE)), bad);
        FileChannel to =
            FileChannel.open(copy, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      Quarantine.copy(from, 1000, 60_001, to);
    }
    byte[] expected = Arrays.copyOfRange(queue, 1000, 60_001);
    Arrays.fill(expected, bad - 1000, bad - 1000 + 4096, (byte) 0);
    assertThat(Files.readAllBytes(copy)).isEqualTo(expected);
  }
}
