package dev.outboxrelay.client.cycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CycleNameTest {

  @ParameterizedTest
  @CsvSource({
    "0, 19700101-00F.cq4",
    "490901, 20260101-05F.cq4",
    "438288, 20200101-00F.cq4",
    "439703, 20200228-23F.cq4",
    "439704, 20200229-00F.cq4",
    "70389527, 99991231-23F.cq4"
  })
  void a_cycle_is_named_by_its_hour(long cycle, String name) {
    assertEquals(name, CycleName.of(cycle));
    assertEquals(OptionalLong.of(cycle), CycleName.parse(name));
  }

  @Test
  void every_name_leads_back_to_its_cycle() {
    Random random = new Random(1);
    for (int i = 0; i < 10_000; i++) {
      long cycle = random.nextLong(CycleName.LAST_CYCLE + 1);
      assertEquals(OptionalLong.of(cycle), CycleName.parse(CycleName.of(cycle)));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "20260101-24F.cq4",
        "20260230-00F.cq4",
        "20261301-00F.cq4",
        "19691231-23F.cq4",
        "20260101F.cq4",
        "20260101-05F.cq4.tmp",
        ".20260101-05F.cq4.tmp",
        "20260101-05F.cq5",
        "20260101_05F.cq4",
        "+0260101-05F.cq4",
        "２0260101-05F.cq4",
        "metadata.cq4t",
        ""
      })
  void other_names_are_no_cycles(String name) {
    assertEquals(OptionalLong.empty(), CycleName.parse(name));
  }

  @Test
  void there_are_no_cycles_before_1970_or_after_9999() {
    assertThrows(IllegalArgumentException.class, () -> CycleName.of(-1));
    assertThrows(IllegalArgumentException.class, () -> CycleName.of(CycleName.LAST_CYCLE + 1));
  }
}
