package dev.outboxrelay.relay.park;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OpenSlotsTest {
  private static int count(OpenSlots slots) {
    int taken = 0;
    while (slots.take()) {
      taken++;
    }
    return taken;
  }

  @Test
  void descriptorsAndMemoryBoundHowManyThereAre() {
    assertThat(count(OpenSlots.of(1024, 8L << 30))).isEqualTo(32);
    assertThat(count(OpenSlots.of(1 << 20, 64 << 20))).isEqualTo(170);
  }
}
