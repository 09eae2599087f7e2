package dev.outboxrelay.client.writing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RollRuleTest {

  @Test
  void the_first_cycle_is_the_hour() {
    assertEquals(500, RollRule.cycleFor(500, RollRule.NONE, 500, false, false));
  }

  @ParameterizedTest(name = "{5}")
  @CsvSource({
    "500, 500, 500, true,  500, the same hour stays",
    "499, 500, 500, true,  500, an hour back stays",
    "476, 500, 500, true,  500, a day back stays",
    "475, 500, 500, true,  501, more than a day back moves one on",
    "501, 500, 500, true,  501, the next hour begins a cycle",
    "524, 500, 500, true,  524, a day on begins the cycle of that hour",
    "525, 500, 500, true,  501, more than a day on moves one on",
    "88000, 500, 500, true, 501, ten years on move one on",
    "88000, 501, 88000, true, 501, and stay there while the clock is ahead",
    "500, 501, 88000, true, 502, and move one on when it comes back",
    "500, 502, 500, true,  502, and stay while behind the number",
    "502, 502, 500, true,  503, a later hour never goes behind the newest",
    "500, 500, 500, false, 501, a closed cycle is not continued",
    "499, 500, 500, false, 501, not an hour back either",
    "505, 500, 500, false, 505, after a closed cycle comes that of the hour",
    "475, 500, 500, false, 501, a closed cycle and a day back"
  })
  void the_clock_decides(
      long hour, long newest, long cycleHour, boolean open, long expected, String why) {
    assertEquals(expected, RollRule.cycleFor(hour, newest, cycleHour, open, true), why);
  }

  @Test
  void a_full_cycle_is_followed_by_the_next_number() {
    assertEquals(501, RollRule.cycleFor(500, 500, 500, true, false));
    assertEquals(502, RollRule.cycleFor(500, 501, 500, true, false));
  }

  @Test
  void no_sequence_of_clocks_ever_goes_behind_the_newest() {
    java.util.Random random = new java.util.Random(3);
    long newest = RollRule.NONE;
    long cycleHour = 0;
    for (int i = 0; i < 100_000; i++) {
      long hour = 490_000L + random.nextInt(i % 100 == 0 ? 1_000_000 : 30);
      long cycle =
          RollRule.cycleFor(
              hour, newest, cycleHour, random.nextInt(50) > 0, random.nextInt(50) > 0);
      org.junit.jupiter.api.Assertions.assertTrue(cycle >= newest);
      org.junit.jupiter.api.Assertions.assertTrue(
          newest == RollRule.NONE || cycle <= newest + 24, "one leap, one cycle");
      if (cycle != newest) {
        newest = cycle;
        cycleHour = hour;
      }
    }
  }
}
