package dev.outboxrelay.client.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SyncedRangeTest {
  private static final long CYCLE = 0x7_1234;
  private static final SyncedRange RANGE = new SyncedRange(CYCLE, 1_000, 2_000);

  @Test
  void its_words_are_those_of_the_format() {
    assertEquals(0x7_1234L << 32 | 2_000, RANGE.word());
    assertEquals((2_000L ^ 0x7_1234) << 32 | 1_000, RANGE.check());
    assertEquals(RANGE, SyncedRange.of(RANGE.word(), RANGE.check()));
    SyncedRange high = new SyncedRange(CYCLE, 0xFFFF_FFF0L, 0xFFFF_FFFCL);
    assertEquals(high, SyncedRange.of(high.word(), high.check()));
  }

  @Test
  void words_that_do_not_belong_together_say_nothing() {
    assertNull(SyncedRange.of(0, 0));
    assertNull(SyncedRange.of(490_896L << 32 | 490_896, 0), "cleared between two stores");
    SyncedRange later = new SyncedRange(CYCLE, 1_000, 3_000);
    assertNull(SyncedRange.of(RANGE.word(), later.check()));
    assertNull(SyncedRange.of(later.word(), RANGE.check()));
    SyncedRange next = new SyncedRange(CYCLE + 1, 1_000, 2_000);
    assertNull(SyncedRange.of(RANGE.word(), next.check()));
  }

  @Test
  void it_covers_what_begins_and_ends_within() {
    assertTrue(RANGE.covers(CYCLE, 1_000, 2_000));
    assertFalse(RANGE.covers(CYCLE, 996, 2_000));
    assertFalse(RANGE.covers(CYCLE, 1_000, 2_004));
    assertFalse(RANGE.covers(CYCLE + 1, 1_000, 2_000));
  }

  @Test
  void it_goes_on_only_where_nothing_lies_between() {
    SyncedRange touching = SyncedRange.extended(RANGE, CYCLE, 2_080, 2_000, 2_500);
    assertEquals(new SyncedRange(CYCLE, 1_000, 2_500), touching);
    SyncedRange apart = SyncedRange.extended(RANGE, CYCLE, 2_160, 2_080, 2_500);
    assertEquals(new SyncedRange(CYCLE, 2_160, 2_500), apart);
    SyncedRange vouchedForMore = SyncedRange.extended(RANGE, CYCLE, 500, 420, 2_500);
    assertEquals(new SyncedRange(CYCLE, 500, 2_500), vouchedForMore);
  }

  @Test
  void another_cycle_none_and_one_beyond_what_is_published_are_not_gone_on_with() {
    SyncedRange alone = new SyncedRange(CYCLE, 1_500, 2_500);
    assertEquals(alone, SyncedRange.extended(null, CYCLE, 1_500, 0, 2_500));
    SyncedRange other = new SyncedRange(CYCLE - 1, 1_000, 2_000);
    assertEquals(alone, SyncedRange.extended(other, CYCLE, 1_500, 0, 2_500));
    SyncedRange wrong = new SyncedRange(CYCLE, 1_000, 2_504);
    assertEquals(alone, SyncedRange.extended(wrong, CYCLE, 1_500, 1_400, 2_500));
  }
}
