package dev.outboxrelay.relay.fact;

/** What the relay does besides sending, and may fail at. */
public enum Part {
  /** The queue. */
  READING(
      "read",
      "The queue can't be read",
      "mend what the error names: until then nothing that waits is sent"),
  /** The position: after a restart everything behind the saved one is sent again. */
  POSITION(
      "position",
      "The position can't be saved",
      "make room on the outbox's disk or mend it: events may be sent twice after a restart"),
  /** An event that Kafka will never take. */
  DEAD_LETTER(
      "dead-letter",
      "A dead letter can't be written",
      "make room for dead-letters/, or give the relay the right to write it"),
  /** Events of topics that can't be written. */
  PARKING(
      "parking",
      "Events of a topic that can't be written can't be kept apart",
      "make room for parked/, or give the relay the right to write it: until then they hold up all"
          + " that stands behind them"),
  /** Parked events that are not where their topic's lane finds them. */
  STAGING(
      "staging",
      "Parked events can't be taken to their topic's own outbox",
      "make room for parked/, or mend what the error names there: until then these events wait in"
          + " staged/, even if their topic is there"),
  /** Bytes that are no valid record. */
  QUARANTINE(
      "quarantine",
      "Corrupt bytes can't be set aside",
      "make room for quarantine/, or give the relay the right to write it"),
  /** The end mark of a cycle. */
  SEAL("seal", "A cycle's end mark can't be written", "mend what the error names"),
  /** The mark of a cycle to which nobody may append again. */
  MARK_FAILED("mark-failed", "A cycle can't be marked as failed", "mend what the error names"),
  /** Settled cycles, which take space. */
  DELETION("delete", "Settled cycles can't be deleted", "mend what the error names"),
  /** What an operator asks for while the relay runs. */
  CONTROL(
      "control",
      "A request in control/ can't be applied",
      "mend what the error names, or remove the file; the request stands until then"),
  /** The cluster to which the outbox is delivered. */
  CLUSTER(
      "cluster",
      "The cluster's id can't be written down",
      "make room on the outbox's disk: after a restart another cluster would not be noticed"),
  /** The addresses where Kafka is looked for. */
  PEER(
      "peer",
      "An address in KAFKA_BOOTSTRAP_SERVERS is no Kafka and is left out",
      "mend it or take it out: when the others can't be reached, nothing is delivered"),
  /** Copies of dead letters in a topic. */
  COPY(
      "copy",
      "Dead letters can't be copied to OUTBOX_DEAD_LETTER_TOPIC",
      "look at that topic: topics check; the letters are safe in dead-letters/, and nothing else"
          + " waits for this"),
  /** One of the relay's threads. */
  THREAD(
      "thread",
      "A thread has died",
      "it is replaced by itself; if it dies again and again, look at memory and at who answers at"
          + " Kafka's address: doctor"),
  /** What was appended and not yet synced. */
  SYNC(
      "sync",
      "What was appended can't be synced",
      "look at the disk: until it is mended a power cut costs more than the sync interval"),
  /** The process's log. */
  LOG("log", "Lines of the log are dropped", "see why nobody reads the relay's stderr in time"),
  /** The files of the configuration, while the relay runs. */
  CONFIG(
      "config",
      "What the files of the configuration say can't be used",
      "mend them: the settings in use stay until then, and a restart would end the relay");

  private final String label;
  private final String what;
  private final String wayOut;

  Part(String label, String what, String wayOut) {
    this.label = label;
    this.what = what;
    this.wayOut = wayOut;
  }

  /** A stable name for metrics, status and logs. */
  public String label() {
    return label;
  }

  /** What it means that it fails, for a person; no full stop. */
  public String what() {
    return what;
  }

  /** What to do, for a person. */
  public String wayOut() {
    return wayOut;
  }
}
