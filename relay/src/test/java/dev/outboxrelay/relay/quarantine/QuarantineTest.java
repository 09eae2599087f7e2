package dev.outboxrelay.relay.quarantine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outboxrelay.client.files.OutboxIdentity;
import dev.outboxrelay.client.files.OutboxPaths;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuarantineTest {
  private static final long CYCLE = 492_000;
  private static final OutboxIdentity OUTBOX = new OutboxIdentity(new UUID(1, 2), 1);
  private static final String PREFIX = OUTBOX.outbox() + "-1-";

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
    return paths.quarantine().resolve(PREFIX + CYCLE + "-" + offset + ".bin");
  }

  @Test
  void aRegionIsKeptByteForByteItsZerosIncluded() throws IOException {
    assertThat(new Quarantine(paths, OUTBOX).keep(CYCLE, 1000, 290_000)).isTrue();
    assertThat(Files.readAllBytes(kept(1000))).isEqualTo(Arrays.copyOfRange(queue, 1000, 290_000));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(kept(1000))))
        .isEqualTo("rw-rw----");
  }

  @Test
  void aRegionThatEndsInZerosKeepsItsLength() throws IOException {
    new Quarantine(paths, OUTBOX).keep(CYCLE, 60_000, 250_000);
    assertThat(Files.size(kept(60_000))).isEqualTo(190_000);
  }

  @Test
  void aRegionThatIsKeptAlreadyStaysAsItIs() throws IOException {
    Quarantine quarantine = new Quarantine(paths, OUTBOX);
    quarantine.keep(CYCLE, 1000, 2000);
    assertThat(quarantine.keep(CYCLE, 1000, 2000)).isFalse();
    assertThat(Files.size(kept(1000))).isEqualTo(1000);
    assertThat(quarantine.keep(CYCLE, 1000, 3000)).isTrue();
    assertThat(Files.size(kept(1000))).isEqualTo(2000);
  }

  @Test
  void whatAnOutboxOfAnEarlierLifeLeftIsNotTakenForThis() throws IOException {
    new Quarantine(paths, OUTBOX).keep(CYCLE, 1000, 2000);
    OutboxIdentity anew = new OutboxIdentity(new UUID(3, 4), 1);
    assertThat(new Quarantine(paths, anew).keep(CYCLE, 1000, 2000)).isTrue();
    assertThat(
            new Quarantine(paths, new OutboxIdentity(OUTBOX.outbox(), 2)).keep(CYCLE, 1000, 2000))
        .isTrue();
    assertThat(paths.quarantine().toFile().list()).hasSize(3);
  }

  @Test
  void aLinkInPlaceOfTheQuarantineIsNotFollowed() throws IOException {
    Path others = Files.createDirectory(directory.resolve("others"));
    Files.createSymbolicLink(paths.quarantine(), others);
    assertThatThrownBy(() -> new Quarantine(paths, OUTBOX).keep(CYCLE, 1000, 2000))
        .isInstanceOf(IOException.class);
    assertThat(others.toFile().list()).isEmpty();
  }

  @Test
  void whatAKilledRelayLeftUnfinishedIsReplaced() throws IOException {
    Files.createDirectory(paths.quarantine());
    Files.write(paths.quarantine().resolve("." + PREFIX + CYCLE + "-1000.bin.tmp"), new byte[7]);
    assertThat(new Quarantine(paths, OUTBOX).keep(CYCLE, 1000, 2000)).isTrue();
    assertThat(paths.quarantine().toFile().list()).containsExactly(PREFIX + CYCLE + "-1000.bin");
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
