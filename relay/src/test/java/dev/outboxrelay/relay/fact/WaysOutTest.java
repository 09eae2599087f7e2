package dev.outboxrelay.relay.fact;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.OutboxUnavailable;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WaysOutTest {
  private static String wayOut(Part part, Exception error) {
    Troubles troubles = new Troubles(InstantSource.system());
    troubles.tell(new Fact.Failed(part, error));
    return troubles.now().get(0).cause().wayOut();
  }

  @ParameterizedTest
  @EnumSource(Part.class)
  void whatPartEverLacksDescriptorsIsToldSo(Part part) {
    IOException lack = new FileSystemException("parked/t", null, "Too many open files");
    for (Exception error : new Exception[] {lack, new OutboxUnavailable("no lock", lack)}) {
      assertThat(wayOut(part, error)).contains("open files", "ulimit -n").doesNotContain("room");
    }
  }

  @ParameterizedTest
  @EnumSource(Part.class)
  void whereTheDiskIsFullRoomIsToBeMade(Part part) {
    for (String full : new String[] {"No space left on device", "Disk quota exceeded"}) {
      assertThat(wayOut(part, new IOException(full))).startsWith("make room");
    }
  }

  @Test
  void otherErrorsHaveTheWayOutOfTheirPart() {
    assertThat(wayOut(Part.CONTROL, new IOException("Input/output error")))
        .isEqualTo(Part.CONTROL.wayOut());
  }
}
