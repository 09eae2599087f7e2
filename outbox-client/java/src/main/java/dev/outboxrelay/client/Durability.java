package dev.outboxrelay.client;

/** What an append that has returned survives. */
public enum Durability {
  /**
   * The crash of any process. A crash of the kernel or a power cut may lose the last moments, and
   * never anything else.
   */
  PROCESS,
  /**
   * A crash of the kernel and a power cut as well: the record is fsynced before {@code append}
   * returns.
   */
  POWER;

  /** The name used in {@code OUTBOX_DURABILITY}, in lower case. */
  @Override
  public String toString() {
    return this == POWER ? "power" : "process";
  }

  /** Parses {@code process} or {@code power}; anything else is {@link OutboxUnavailable}. */
  public static Durability parse(String name) {
    return switch (name) {
      case "process" -> PROCESS;
      case "power" -> POWER;
      default ->
          throw new OutboxUnavailable(
              "OUTBOX_DURABILITY is '" + name + "': it must be 'process' or 'power'");
    };
  }
}
