package dev.outboxrelay.relay.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LaneSlotsTest {
  private static final int MOST = 3;

  private long nanos;
  private final LaneSlots slots = new LaneSlots(MOST, () -> nanos);

  @Test
  void thereAreNotMoreThanThatHoweverManyOutboxesAsk() {
    List<LaneSlots.Share> outboxes = new ArrayList<>();
    int taken = 0;
    for (int i = 0; i < 20; i++) {
      LaneSlots.Share share = slots.share();
      outboxes.add(share);
      taken += share.take() ? 1 : 0;
    }
    assertThat(taken).isEqualTo(MOST);
    outboxes.get(0).give();
    taken = 0;
    for (LaneSlots.Share share : outboxes) {
      taken += share.take() ? 1 : 0;
    }
    assertThat(taken).isEqualTo(1);
  }

  @Test
  void whoWaitsLongestIsNextAndWhoHadATurnWaitsBehindTheOthers() {
    LaneSlots.Share many = slots.share();
    for (int i = 0; i < MOST; i++) {
      assertThat(many.take()).isTrue();
    }
    LaneSlots.Share first = slots.share();
    LaneSlots.Share second = slots.share();
    assertThat(first.take()).isFalse();
    assertThat(second.take()).isFalse();
    many.give();
    assertThat(many.take()).isFalse();
    assertThat(second.take()).isFalse();
    assertThat(first.take()).isTrue();
    assertThat(first.take()).isFalse();
    many.give();
    assertThat(first.take()).isFalse();
    assertThat(second.take()).isTrue();
    many.give();
    assertThat(first.take()).isFalse();
    assertThat(many.take()).isTrue();
  }

  @Test
  void nobodyWaitsBehindOneThatDoesNotAskAnyMore() {
    LaneSlots.Share many = slots.share();
    for (int i = 0; i < MOST; i++) {
      many.take();
    }
    LaneSlots.Share gone = slots.share();
    LaneSlots.Share next = slots.share();
    gone.take();
    next.take();
    many.give();
    assertThat(next.take()).isFalse();
    nanos += LaneSlots.FORGET_NANOS;
    assertThat(next.take()).isTrue();
    many.give();
    assertThat(gone.take()).isTrue();
  }

  @Test
  void asManyLeaveTheirTurnAsOutboxesWait() {
    LaneSlots.Share many = slots.share();
    for (int i = 0; i < MOST; i++) {
      many.take();
    }
    assertThat(many.isToLeave()).isFalse();
    LaneSlots.Share first = slots.share();
    LaneSlots.Share second = slots.share();
    first.take();
    assertThat(many.isToLeave()).isTrue();
    assertThat(many.isToLeave()).isFalse();
    second.take();
    assertThat(many.isToLeave()).isTrue();
    assertThat(many.isToLeave()).isFalse();
    many.give();
    assertThat(first.take()).isTrue();
    assertThat(many.isToLeave()).isFalse();
    many.give();
    assertThat(second.take()).isTrue();
  }

  @Test
  void whatAnOutboxHasThatHangsOrIsClosedDoesNotCount() {
    LaneSlots.Share hung = slots.share();
    LaneSlots.Share closed = slots.share();
    hung.take();
    hung.take();
    closed.take();
    LaneSlots.Share other = slots.share();
    assertThat(other.take()).isFalse();
    closed.close();
    assertThat(other.take()).isTrue();
    assertThat(other.take()).isFalse();
    nanos += LaneSlots.HANGS_NANOS;
    other.turned();
    assertThat(other.take()).isTrue();
    assertThat(other.take()).isTrue();
    assertThat(other.take()).isFalse();
  }
}
