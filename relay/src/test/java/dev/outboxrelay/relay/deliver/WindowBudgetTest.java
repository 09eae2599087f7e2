package dev.outboxrelay.relay.deliver;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class WindowBudgetTest {
  private static final long MIB = 1 << 20;
  private static final long TOTAL = 16 * MIB;
  private static final long STEP = WindowBudget.FLOOR;

  private final WindowBudget budget = new WindowBudget(TOTAL);

  /** How much a window gets that takes as many records of a size as it may. */
  private static long fill(Lease lease, long size) {
    int records = 0;
    while (records < 1_000_000 && lease.covers(records + 1, (records + 1) * size)) {
      records++;
    }
    return records * (size + WindowBudget.RECORD_OVERHEAD);
  }

  @Test
  void oneThatIsStuckTakesANinthAndThoseAfterItLittleLess() {
    assertThat(fill(budget.lease(), 1000)).isBetween(TOTAL / 9 - STEP, TOTAL / 9);
    assertThat(fill(budget.lease(), 1000)).isBetween(TOTAL * 8 / 81 - 2 * STEP, TOTAL * 8 / 81);
    assertThat(budget.left()).isGreaterThanOrEqualTo(TOTAL * 64 / 81 - MIB);
  }

  @Test
  void theTenthThatFailsStillHoldsSeveralLargeEvents() {
    for (int i = 1; i < 10; i++) {
      fill(budget.lease(), 100_000);
    }

    assertThat(fill(budget.lease(), 100_000)).isGreaterThan(4 * 100_000);
  }

  @Test
  void eachOfManyThatJustRunLeavesLessForTheBusyOnes() {
    long alone = fill(budget.lease(), 1000);
    List<Lease> quiet = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      quiet.add(budget.lease());
      assertThat(quiet.get(i).covers(1, 1000)).isTrue();
    }
    assertThat(fill(budget.lease(), 1000)).isLessThan(alone / 2);

    quiet.forEach(Lease::close);
    assertThat(fill(budget.lease(), 1000)).isGreaterThan(alone / 2);
  }

  @Test
  void everyWindowHasAFloorHoweverManyThereAre() {
    for (int i = 0; i < 1_000; i++) {
      assertThat(fill(budget.lease(), 1000)).isGreaterThanOrEqualTo(WindowBudget.FLOOR - 2024);
    }
  }

  @Test
  void whatAllHoldIsBoundedWhateverTheyDo() {
    SplittableRandom random = new SplittableRandom(7);
    List<Lease> leases = new ArrayList<>();
    long[] held = new long[200];
    for (int i = 0; i < held.length; i++) {
      leases.add(budget.lease());
    }
    for (int turn = 0; turn < 20_000; turn++) {
      int at = random.nextInt(held.length);
      if (random.nextInt(10) == 0) {
        leases.get(at).close();
        held[at] = 0;
      } else {
        long size = random.nextLong(MIB);
        if (leases.get(at).covers(2, held[at] + size)) {
          held[at] += size;
        }
      }
      long sum = 0;
      for (long each : held) {
        sum += each;
      }
      assertThat(sum).isLessThanOrEqualTo(TOTAL + held.length * WindowBudget.FLOOR);
    }
  }

  @Test
  void aLargeRecordGetsOnWhereNothingIsLeftButNotManyAtOnce() {
    List<Lease> full = new ArrayList<>();
    while (budget.left() > 0) {
      full.add(budget.lease());
      fill(full.get(full.size() - 1), 1000);
    }
    List<Lease> beyond = new ArrayList<>();
    for (int i = 0; i < WindowBudget.MOST_BEYOND; i++) {
      beyond.add(budget.lease());
      assertThat(beyond.get(i).covers(1, MIB)).isTrue();
    }
    Lease next = budget.lease();
    assertThat(next.covers(1, MIB)).isFalse();

    beyond.get(0).emptied();
    assertThat(next.covers(1, MIB)).isTrue();
    assertThat(next.covers(2, MIB + 1)).as("only a single record").isFalse();
  }

  @Test
  void whatIsGivenBackIsThereForOthers() {
    Lease first = budget.lease();
    fill(first, 1000);
    first.close();

    assertThat(budget.left()).isEqualTo(TOTAL);
    assertThat(fill(first, 1000)).isGreaterThan(TOTAL / 9 - STEP);
  }
}
