package dev.outboxrelay.conformance;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.writing.QueueWriter;
import dev.outboxrelay.client.writing.WriterOptions;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** One writer of one name to one outbox. */
final class Appender {

  private final String name;
  private final int size;
  private final int ackEvery;
  private final boolean inBatches;
  private final int batch; // events for each call
  private final WriterOptions options;
  private final AtomicInteger next;
  private QueueWriter outbox;
  private volatile boolean failed;

  Appender(WriterArguments arguments, String directory, String name) {
    this.name = name;
    size = arguments.integer("size", 100);
    ackEvery = arguments.integer("ack-every", 1);
    inBatches = arguments.has("batch");
    batch = arguments.integer("batch", 1);
    options = arguments.options(directory);
    next = new AtomicInteger(arguments.integer("first", 0));
  }

  boolean hasFailed() {
    return failed;
  }

  /** Appends so many events, until one fails. */
  void append(int count) {
    for (int left = count; left > 0; left -= batch) {
      int size = Math.min(batch, left);
      int number = next.getAndAdd(size);
      try {
        List<Receipt> receipts = appendAtOnce(number, size);
        for (int i = 0; i < size; i++) {
          acknowledge(number + i, receipts.get(i));
        }
      } catch (OutboxError e) {
        fail(number, e, (e.maybeAppended().isPresent() ? "maybe-appended " : "") + e.getMessage());
        return;
      } catch (Fault.InjectedError e) {
        fail(number, e, e.getMessage());
        return;
      }
    }
  }

  private List<Receipt> appendAtOnce(int first, int size) {
    if (!inBatches) {
      return List.of(outbox().append(event(first)));
    }
    return outbox().appendAll(IntStream.range(first, first + size).mapToObj(this::event).toList());
  }

  private OutboxEvent event(int number) {
    return OutboxEvent.builder("conformance").key(name).value(value(number)).build();
  }

  private void acknowledge(int number, Receipt receipt) {
    if (number % ackEvery == 0) {
      WriterMain.say("ack " + number + " " + receipt.sequence() + " " + receipt.eventId());
    }
  }

  /** Opens the outbox without appending. */
  void open() {
    outbox();
  }

  private void fail(int number, Throwable problem, String message) {
    String kind = problem.getClass().getSimpleName();
    WriterMain.say("error " + number + " " + kind + " " + message);
    failed = true;
  }

  /** Opened with the first append, as an outbox that can't be opened is an error like others. */
  private synchronized QueueWriter outbox() {
    if (outbox == null) {
      outbox = QueueWriter.open(options);
    }
    return outbox;
  }

  synchronized void close() {
    if (outbox != null) {
      outbox.close();
    }
  }

  private byte[] value(int number) {
    byte[] value = new byte[size];
    Arrays.fill(value, (byte) 'x');
    byte[] head =
        ("{\"writer\":\"" + name + "\",\"n\":" + number + ",\"pad\":\"")
            .getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(head, 0, value, 0, head.length);
    value[size - 2] = '"';
    value[size - 1] = '}';
    return value;
  }
}
