package dev.outboxrelay.relay.deliver;

import dev.outboxrelay.relay.deliver.route.Routes;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.tail.Bookmark;
import java.time.Duration;
import java.util.SplittableRandom;

/** Delivery with lanes, on a queue, a Kafka and a disk in memory, all of which outlive it. */
final class DeliveryWithLanes {
  static final Duration PARK_AFTER = Duration.ofSeconds(5);

  final ManualClocks time = new ManualClocks();
  final FakeQueue queue = new FakeQueue();
  final FakeKafka kafka = new FakeKafka();
  final FakeDisk disk = new FakeDisk();
  final FakeLanes lanes = new FakeLanes(kafka, disk);
  private final int window;
  private Delivery delivery;

  DeliveryWithLanes(int window) {
    this.window = window;
    disk.lanes = lanes;
  }

  /** A relay begins where the one before has saved that it was. */
  void begin(FactListener listener) {
    queue.rewind(disk.saved == null ? Bookmark.START : disk.saved.bookmark());
    delivery =
        new Delivery(
            queue,
            new Routes(kafka, lanes, PARK_AFTER.toNanos(), time.clocks().nanos()),
            kafka,
            disk,
            listener,
            new Limits(
                window,
                100 * FakeQueue.BYTES,
                Lease.WHOLE,
                new Backoff(Duration.ofMillis(100), Duration.ofSeconds(1)),
                Duration.ofSeconds(5),
                Duration.ofMinutes(2),
                0),
            new SplittableRandom(1),
            time.clocks(),
            disk.saved,
            disk.cluster);
  }

  Delivery delivery() {
    return delivery;
  }

  void append(String... topics) {
    for (String topic : topics) {
      queue.append(topic);
    }
  }

  void turns(int count) {
    for (int i = 0; i < count; i++) {
      delivery.doWork();
      disk.work();
    }
  }

  /** So much time passes, and everything is done as it becomes due, but acks. */
  void pass(Duration duration) {
    for (Duration left = duration; !left.isNegative(); left = left.minusMillis(500)) {
      time.advance(Duration.ofMillis(500));
      turns(2);
    }
  }

  /** The sequence up to which all is settled; 0 if nothing is. */
  long settled() {
    return delivery.ledger().settled() == null ? 0 : delivery.ledger().settled().sequence();
  }
}
