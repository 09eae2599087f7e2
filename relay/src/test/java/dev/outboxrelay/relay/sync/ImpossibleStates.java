package dev.outboxrelay.relay.sync;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** What an outbox's owner can write into {@code outbox.state}, with checks that hold. */
public final class ImpossibleStates {
  private static final long CHECK = 0x4B4345484358424FL;
  private static final int NEWEST_AT = 80;

  private ImpossibleStates() {}

  /** Names a newest cycle that can have no file. */
  public static void cycle(Path state, long cycle) throws IOException {
    ByteBuffer newest = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
    newest.putLong(cycle).putLong(0).putLong(0).putLong(cycle ^ CHECK).flip();
    try (FileChannel file = FileChannel.open(state, StandardOpenOption.WRITE)) {
      file.write(newest, NEWEST_AT);
    }
  }
}
