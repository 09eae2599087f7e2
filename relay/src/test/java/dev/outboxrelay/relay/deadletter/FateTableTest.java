package dev.outboxrelay.relay.deadletter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.files.OutcomesFile.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FateTableTest {
  private static final int BLOCKS = 5;
  private static final int NUMBERS = BLOCKS * FateBlock.NUMBERS;

  @Test
  void theTableTellsWhatWasToldLastOfEachNumber() {
    Random random = new Random(1);
    for (int history = 0; history < 60; history++) {
      FateTable table = new FateTable(FateTable.MOST_BLOCKS);
      Fate[] told = new Fate[NUMBERS + 2];
      for (int i = 0; i < 40; i++) {
        int first = 1 + near(random, NUMBERS - 1);
        int length = random.nextBoolean() ? 1 : 1 + near(random, NUMBERS - 1);
        int last = Math.min(NUMBERS, first + length - 1);
        Fate fate = random.nextBoolean() ? Fate.REPLAYED : Fate.DISCARDED;
        table.add(first, last, fate);
        for (int number = first; number <= last; number++) {
          told[number] = fate;
        }
      }
      int above = near(random, NUMBERS);
      int upTo = near(random, NUMBERS);
      long between = 0;
      List<Range> needed = new ArrayList<>();
      int begun = 0;
      for (int number = 1; number <= NUMBERS + 1; number++) {
        assertThat(table.of(number)).isEqualTo(Optional.ofNullable(told[number]));
        between += number > above && number <= upTo && told[number] != null ? 1 : 0;
        if (told[number] != told[number - 1]) {
          if (told[number - 1] != null) {
            needed.add(new Range(begun, number - 1L, told[number - 1].code()));
          }
          begun = number;
        }
      }
      assertThat(table.count(above, upTo)).isEqualTo(between);
      assertThat(table.ranges()).containsExactlyElementsOf(needed);
      assertThat(table.runs()).isBetween((long) needed.size(), needed.size() + 2L * BLOCKS);
    }
  }

  /** Where blocks begin and end. */
  private static int near(Random random, int most) {
    int number = random.nextInt(BLOCKS + 1) * FateBlock.NUMBERS + random.nextInt(5) - 2;
    return Math.max(0, Math.min(most, random.nextInt(3) == 0 ? random.nextInt(most) : number));
  }

  @Test
  void numbersThatNoLetterHasTakeNoMemoryFromThoseThatSomeHave() {
    int most = 10;
    FateTable table = new FateTable(most);
    table.add(1, Long.MAX_VALUE, Fate.REPLAYED);
    for (long number = Long.MAX_VALUE / 2; number > 1L << 40; number -= 1L << 50) {
      table.add(number, number, Fate.DISCARDED);
    }
    table.add(Long.MAX_VALUE, Long.MAX_VALUE, Fate.DISCARDED);
    for (int block = 0; block < most - 1; block++) {
      table.add(
          2L + 2L * block * FateBlock.NUMBERS, 3L + 2L * block * FateBlock.NUMBERS, Fate.DISCARDED);
    }
    assertThat(table.of(2)).contains(Fate.DISCARDED);
    assertThat(table.runs()).isLessThan(10L * most);
  }

  @Test
  void thereIsRoomForTheLowestNumbersOnly() {
    int most = 10;
    FateTable table = new FateTable(most);
    for (long block = 1; block <= most + 5; block++) {
      long number = block * FateBlock.NUMBERS + 7;
      boolean room = table.hasRoomFor(number);
      table.add(number, number, Fate.DISCARDED);
      assertThat(!room || table.of(number).isPresent()).isTrue();
    }
    assertThat(table.hasRoomFor(5L * FateBlock.NUMBERS + 1)).isTrue();
    assertThat(table.hasRoomFor((most + 6L) * FateBlock.NUMBERS)).isFalse();
    assertThat(table.count(0, Long.MAX_VALUE)).isEqualTo(most);
  }
}
