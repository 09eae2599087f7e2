package dev.outboxrelay.relay.pipeline;

import dev.outboxrelay.relay.copy.CopyTurns;
import dev.outboxrelay.relay.deliver.Lease;
import dev.outboxrelay.relay.deliver.WindowBudget;
import dev.outboxrelay.relay.park.OpenSlots;
import java.util.UUID;

/** Whether a pipeline shares its process with others. */
sealed interface Company {
  /** The process is this pipeline's alone. */
  Company NONE = new Alone();

  /** Of the window's bytes, all lanes have one part in so many: heaps are measured for a window. */
  int LANES_SHARE = 4;

  /** What its window may take of the process's memory. */
  Lease lease();

  /**
   * What its lanes share.
   *
   * @param windowBytes what its own window may take
   */
  WindowBudget ofLanes(long windowBytes);

  /** For its parked topics' outboxes. */
  OpenSlots parked();

  /** For its lanes. */
  LaneSlots lanes();

  /** For copies of its dead letters. */
  CopyTurns copies();

  /** What tells its producer from others in the process, to be put behind their common name. */
  String producerSuffix(UUID outboxId);

  record Alone() implements Company {
    private static final OpenSlots OF_PROCESS = OpenSlots.ofProcess();

    private static final LaneSlots LANES = LaneSlots.ofProcess();

    private static final CopyTurns COPIES = CopyTurns.ofProcess();

    @Override
    public CopyTurns copies() {
      return COPIES;
    }

    @Override
    public OpenSlots parked() {
      return OF_PROCESS;
    }

    @Override
    public LaneSlots lanes() {
      return LANES;
    }

    @Override
    public Lease lease() {
      return Lease.WHOLE;
    }

    @Override
    public WindowBudget ofLanes(long windowBytes) {
      return new WindowBudget(windowBytes / LANES_SHARE);
    }

    @Override
    public String producerSuffix(UUID outboxId) {
      return "";
    }
  }

  record Shared(Shares shares) implements Company {
    @Override
    public CopyTurns copies() {
      return shares.copies();
    }

    @Override
    public Lease lease() {
      return shares.windows().lease();
    }

    @Override
    public OpenSlots parked() {
      return shares.parked();
    }

    @Override
    public LaneSlots lanes() {
      return shares.lanes();
    }

    @Override
    public WindowBudget ofLanes(long windowBytes) {
      return shares.windows();
    }

    @Override
    public String producerSuffix(UUID outboxId) {
      return "-" + outboxId;
    }
  }
}
