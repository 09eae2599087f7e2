import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Appends events at a steady pace until SIGTERM and keeps a ledger of what was tried and acked. Runs from its source:
 * {@code java -cp outbox-client.jar AppendEvents.java NAME OUTBOX TOPIC LEDGERS RATE SIZE}.
 */
public final class AppendEvents {
  private static volatile boolean stopping;

  public static void main(String[] args) throws IOException {
    String name = args[0];
    Path outboxPath = Path.of(args[1]);
    String topic = args[2];
    Path ledgerPath = Path.of(args[3], name + ".ledger");
    double rate = Double.parseDouble(args[4]);
    int size = Integer.parseInt(args[5]);
    finishTheAppendBeforeTheEnd(Thread.currentThread());

    try (Outbox outbox = Outbox.open(outboxPath);
        Ledger ledger = new Ledger(ledgerPath)) {
      long start = System.nanoTime();
      for (long number = 0; !stopping; number++) {
        OutboxEvent event =
            OutboxEvent.builder(topic).key(name).value(value(name, number, size)).build();
        ledger.write("try " + number);
        long before = System.nanoTime();
        Receipt receipt = outbox.append(event);
        long took = System.nanoTime() - before;
        ledger.write(
            String.join(
                " ",
                "ack",
                Long.toString(number),
                Long.toString(receipt.sequence()),
                receipt.eventId().toString(),
                Long.toString(took),
                Long.toString(System.currentTimeMillis())));
        if (rate > 0) {
          long due = start + (long) ((number + 1) / rate * TimeUnit.SECONDS.toNanos(1));
          LockSupport.parkNanos(due - System.nanoTime());
        }
      }
    }
  }

  private static String value(String name, long number, int size) {
    String head = "{\"writer\": \"" + name + "\", \"number\": " + number + ", \"padding\": \"";
    return head + "x".repeat(size - head.length() - 2) + "\"}";
  }

  private static void finishTheAppendBeforeTheEnd(Thread main) {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stopping = true;
                  try {
                    main.join();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                }));
  }

  /** One line for each step, each written by one system call: it survives a SIGKILL. */
  private static final class Ledger implements AutoCloseable {
    private final FileChannel file;

    Ledger(Path path) throws IOException {
      file =
          FileChannel.open(
              path, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW, StandardOpenOption.APPEND);
    }

    void write(String line) throws IOException {
      file.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)));
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
