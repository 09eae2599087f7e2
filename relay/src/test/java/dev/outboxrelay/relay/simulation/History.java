package dev.outboxrelay.relay.simulation;

/** Kinds of histories, each of which has a promise of its own to keep. */
enum History {
  /** Whatever fails, every event ends where it belongs, and clients are told so. */
  ANYTHING_FAILS(true, true, true),

  /** In one cluster, without power cuts, the first deliveries of each key stay in order, too. */
  IN_ORDER(true, false, false),

  /** Where nothing fails but topics, all come in order, and none is refused. */
  TOPICS_ONLY(false, false, false);

  private static final int STEPS = 400;

  /** Anything fails; else only topics come and go. */
  final boolean failures;

  /** Power cuts take what is not on stable storage. */
  final boolean powerCuts;

  /**
   * What may take the order of a key: other clusters, other numbers of partitions, topics that
   * refuse for a while.
   */
  final boolean anyOrder;

  History(boolean failures, boolean powerCuts, boolean anyOrder) {
    this.failures = failures;
    this.powerCuts = powerCuts;
    this.anyOrder = anyOrder;
  }

  /** Runs the one that follows from a seed; throws if anything is not as promised. */
  void run(long seed) {
    Simulation simulation = new Simulation(seed, this);
    for (int i = 0; i < STEPS; i++) {
      simulation.step();
    }
    simulation.heal();
    simulation.checkTheEnd();
    if (this != ANYTHING_FAILS) {
      simulation.checkOrder();
    }
    if (this == TOPICS_ONLY) {
      simulation.checkThatNothingWasRefused();
    }
  }
}
