package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.deliver.Lease;
import dev.outboxrelay.relay.deliver.WindowBudget;
import java.util.UUID;

/** Whether a pipeline shares its process with others. */
sealed interface Company {
  /** The process is this pipeline's alone. */
  Company NONE = new Alone();

  /** What its window may take of the process's memory. */
  Lease lease();

  /** What tells its producer from others in the process, to be put behind their common name. */
  String producerSuffix(UUID outboxId);

  record Alone() implements Company {
    @Override
    public Lease lease() {
      return Lease.WHOLE;
    }

    @Override
    public String producerSuffix(UUID outboxId) {
      return "";
    }
  }

  record Shared(WindowBudget budget) implements Company {
    @Override
    public Lease lease() {
      return budget.lease();
    }

    @Override
    public String producerSuffix(UUID outboxId) {
      return "-" + outboxId;
    }
  }
}
