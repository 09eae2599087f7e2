package dev.outboxrelay.relay.fact;

import java.time.InstantSource;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * How often which fact was told of one outbox since it is watched, over all pipelines that served
 * it. The one place that counts: status and metrics read it. Thread-safe.
 */
public final class Counts implements FactListener {
  private final InstantSource clock;
  private final LongAdder delivered = new LongAdder();
  private final LongAdder deliveredBytes = new LongAdder();
  private final LongAdder parked = new LongAdder();
  private final LongAdder retried = new LongAdder();
  private final LongAdder quarantined = new LongAdder();
  private final LongAdder missing = new LongAdder();
  private final LongAdder outOfSequence = new LongAdder();
  private final LongAdder standstills = new LongAdder();
  private final LongAdder positionsSaved = new LongAdder();
  private final LongAdder deletions = new LongAdder();
  private final Map<Verdict.Kind, LongAdder> sendErrors = adders(Verdict.Kind.class);
  private final Map<DeadLetterReason, LongAdder> deadLetters = adders(DeadLetterReason.class);
  private final Map<Discard, LongAdder> discarded = adders(Discard.class);
  private final Map<CopyResult, LongAdder> copies = adders(CopyResult.class);
  private final Map<Part, LongAdder> failures = adders(Part.class);
  private final LongAdder clusterChanges = new LongAdder();
  private volatile String cluster;
  private volatile long lastDeliveryMillis;

  /** All are 0. */
  public Counts(InstantSource clock) {
    this.clock = clock;
  }

  private static <E extends Enum<E>> Map<E, LongAdder> adders(Class<E> type) {
    return new EnumMap<>(
        Arrays.stream(type.getEnumConstants())
            .collect(Collectors.toMap(Function.identity(), each -> new LongAdder())));
  }

  @Override
  public void tell(Fact fact) {
    if (fact instanceof Fact.Delivered event) {
      delivered.increment();
      deliveredBytes.add(event.bytes());
      lastDeliveryMillis = clock.millis();
    } else if (fact instanceof Fact.Parked) {
      parked.increment();
    } else if (fact instanceof Fact.PositionSaved) {
      positionsSaved.increment();
    } else if (fact instanceof Fact.Rewound rewound) {
      retried.add(rewound.events());
    } else if (fact instanceof Fact.SendFailed failed) {
      sendErrors.get(failed.verdict().kind()).increment();
    } else if (fact instanceof Fact.DeadLettered dead) {
      deadLetters.get(dead.reason()).increment();
    } else if (fact instanceof Fact.Discarded given) {
      discarded.get(given.why()).add(given.events());
    } else if (fact instanceof Fact.LettersCopied more) {
      copies.get(CopyResult.COPIED).add(more.letters());
    } else if (fact instanceof Fact.LetterNotCopied) {
      copies.get(CopyResult.REFUSED).increment();
    } else if (fact instanceof Fact.LettersNotKept gone) {
      copies.get(CopyResult.NOT_KEPT).add(gone.last() - gone.first() + 1);
    } else if (fact instanceof Fact.Quarantined) {
      quarantined.increment();
    } else if (fact instanceof Fact.Missing gap) {
      missing.add(gap.last() - gap.first() + 1);
    } else if (fact instanceof Fact.OutOfSequence) {
      outOfSequence.increment();
    } else if (fact instanceof Fact.StandingStill) {
      standstills.increment();
    } else if (fact instanceof Fact.Failed failed) {
      failures.get(failed.part()).increment();
    } else if (fact instanceof Fact.CyclesDeleted) {
      deletions.increment();
    } else if (fact instanceof Fact.ClusterSeen seen) {
      cluster = seen.id();
      if (seen.isAnother()) {
        clusterChanges.increment();
      }
    }
  }

  /** Events acked and settled, repeated ones included. */
  public long delivered() {
    return delivered.sum();
  }

  /** Their size in the queue. */
  public long deliveredBytes() {
    return deliveredBytes.sum();
  }

  /** When an event was last settled as delivered, milliseconds since the epoch. */
  public OptionalLong lastDeliveryMillis() {
    long millis = lastDeliveryMillis;
    return millis == 0 ? OptionalLong.empty() : OptionalLong.of(millis);
  }

  /** Events that went to their topics' lanes. */
  public long parked() {
    return parked.sum();
  }

  /** Events that a rewind made to be sent again. */
  public long retried() {
    return retried.sum();
  }

  public long sendErrors(Verdict.Kind kind) {
    return sendErrors.get(kind).sum();
  }

  public long deadLetters(DeadLetterReason reason) {
    return deadLetters.get(reason).sum();
  }

  /** Dead letters of all reasons. */
  public long deadLetters() {
    return deadLetters.values().stream().mapToLong(LongAdder::sum).sum();
  }

  /** Events that were given up for good, and are not kept. */
  public long discarded(Discard why) {
    return discarded.get(why).sum();
  }

  /** Dead letters, by what became of their copies. */
  public long copies(CopyResult result) {
    return copies.get(result).sum();
  }

  /** Corrupt records and regions set aside. */
  public long quarantined() {
    return quarantined.sum();
  }

  /** Sequences that no record carries. */
  public long missing() {
    return missing.sum();
  }

  public long outOfSequence() {
    return outOfSequence.sum();
  }

  public long standstills() {
    return standstills.sum();
  }

  public long positionsSaved() {
    return positionsSaved.sum();
  }

  public long failures(Part part) {
    return failures.get(part).sum();
  }

  /** The cluster to which events go; empty as long as that is not known. */
  public Optional<String> cluster() {
    return Optional.ofNullable(cluster);
  }

  /** How often another cluster was found at Kafka's address. */
  public long clusterChanges() {
    return clusterChanges.sum();
  }

  /** How often settled cycles were deleted. */
  public long deletions() {
    return deletions.sum();
  }
}
