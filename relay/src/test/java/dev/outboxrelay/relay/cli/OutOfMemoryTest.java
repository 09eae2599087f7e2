package dev.outboxrelay.relay.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OutOfMemoryTest {
  @Test
  void whoHasTooFewThreadsIsNotToldToGiveMoreMemory() {
    assertThat(
            OutOfMemory.wayOut(
                "unable to create native thread: possibly out of memory or process/resource limits"
                    + " reached"))
        .contains("TasksMax")
        .doesNotContain("heap");
    assertThat(OutOfMemory.wayOut("Java heap space")).contains("larger heap");
    assertThat(OutOfMemory.wayOut(null)).contains("larger heap");
  }

  /** Should it end the process, that is this test's. */
  @Test
  void aLackOfThreadsThatSomebodyLogsAndOutlivesIsNotTheEnd() {
    OutOfMemory.logged("unable to create native thread: possibly out of memory or ...");
  }
}
