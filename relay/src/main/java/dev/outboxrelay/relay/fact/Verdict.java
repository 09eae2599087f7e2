package dev.outboxrelay.relay.fact;

/**
 * What a failed send means for the delivery of its record. The classifier of the {@code kafka}
 * package names it, the delivery loop acts on it.
 */
public sealed interface Verdict extends Cause {
  /** Which of those below it is. */
  Kind kind();

  @Override
  default String label() {
    return kind().label();
  }

  /** Whatever is not an operator's to mend is tried again by itself. */
  @Override
  default String wayOut() {
    return null;
  }

  /** What it is called. */
  enum Kind {
    RETRY_LATER("retry-later"),
    REBUILD("rebuild"),
    DEAD_LETTER("dead-letter"),
    PAUSE_TOPIC("pause-topic"),
    PAUSE_ALL("pause-all"),
    FENCED("fenced");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    /** A stable name for metrics, status and logs. */
    public String label() {
      return label;
    }
  }

  /** Nothing was handed over, and the same record may be handed over again to the same sender. */
  record RetryLater(String error) implements Verdict {
    @Override
    public Kind kind() {
      return Kind.RETRY_LATER;
    }
  }

  /** Brokers have the sender wait, as they do for a quota: it goes on, slowly. */
  record Throttled(String error) implements Verdict {
    @Override
    public Kind kind() {
      return Kind.RETRY_LATER;
    }
  }

  /**
   * What became of the record is not known or its successors may have overtaken it: discard the
   * sender, go back to the oldest record that is not settled.
   */
  record RebuildAndRewind(String error) implements Verdict {
    @Override
    public Kind kind() {
      return Kind.REBUILD;
    }
  }

  /**
   * Kafka will never take this record.
   *
   * @param reason the reason that is stored with the dead letter
   * @param certain false if a neighbour in the same batch may be the one to blame: then the record
   *     is tried alone before it is given up
   */
  record DeadLetter(DeadLetterReason reason, String error, boolean certain) implements Verdict {
    @Override
    public Kind kind() {
      return Kind.DEAD_LETTER;
    }
  }

  /** An operator has to create the topic or grant the right; the other topics are healthy. */
  record PauseTopic(String topic, PauseReason reason, String error) implements Verdict {
    @Override
    public Kind kind() {
      return Kind.PAUSE_TOPIC;
    }

    @Override
    public String reasonLabel() {
      return reason.label();
    }

    @Override
    public String wayOut() {
      return reason.wayOut();
    }
  }

  /** An operator has to mend credentials, certificates or versions. */
  record PauseAll(PauseReason reason, String error) implements Verdict {
    @Override
    public Kind kind() {
      return Kind.PAUSE_ALL;
    }

    @Override
    public String reasonLabel() {
      return reason.label();
    }

    @Override
    public String wayOut() {
      return reason.wayOut();
    }
  }

  /** Another producer took over; going on would fence it in turn. */
  record Fenced(String error) implements Verdict {
    @Override
    public Kind kind() {
      return Kind.FENCED;
    }

    @Override
    public String wayOut() {
      return "another relay took this outbox over: stop one of the two";
    }
  }
}
