package dev.outboxrelay.relay.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LockHolderTest {
  private static final List<String> LOCKS =
      List.of(
          "1: POSIX  ADVISORY  WRITE 4242 fe:00:1234 0 0",
          "1: -> POSIX  ADVISORY  WRITE 4243 fe:00:1235 0 0",
          "2: FLOCK  ADVISORY  WRITE 99 00:1a:77 0 EOF");

  @TempDir private Path dir;

  @Test
  void theHolderIsFoundByDeviceAndInode() {
    assertThat(LockHolder.find(LockHolder.kernelName(0xfe00, 1234), LOCKS))
        .isEqualTo(OptionalLong.of(4242));
    assertThat(LockHolder.find(LockHolder.kernelName(0xfe00, 1236), LOCKS)).isEmpty();
  }

  @Test
  void whoOnlyWaitsDoesNotHold() {
    assertThat(LockHolder.find(LockHolder.kernelName(0xfe00, 1235), LOCKS)).isEmpty();
  }

  @Test
  void aLockThatThisProcessHoldsIsSeenWithoutTouchingIt() throws IOException {
    Assumptions.assumeTrue(Files.isReadable(Path.of("/proc/locks")), "no /proc/locks on this host");
    Path file = dir.resolve("relay.lock");
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      assertThat(LockHolder.of(file)).isEmpty();

      channel.lock(0, 1, false);
      assertThat(LockHolder.of(file)).hasValue(ProcessHandle.current().pid());
    }
    assertThat(LockHolder.of(file)).isEmpty();
  }
}
