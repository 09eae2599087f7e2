package dev.outboxrelay.conformance;

import dev.outboxrelay.client.OutboxError;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.client.Receipt;
import dev.outboxrelay.client.format.QueueWriter;
import dev.outboxrelay.client.format.WriterOptions;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Appends events with the Java client; README.md has the arguments and the lines it prints, the
 * same as those of writer.py.
 */
public final class WriterMain {

  private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);

  private final String name;
  private final int size;
  private final WriterOptions options;
  private final AtomicInteger next;
  private final int ackEvery;
  private volatile QueueWriter outbox;
  private volatile boolean failed;

  private WriterMain(WriterArguments arguments) {
    name = arguments.writer();
    size = arguments.integer("size", 100);
    options = arguments.options();
    next = new AtomicInteger(arguments.integer("first", 0));
    ackEvery = arguments.integer("ack-every", 1);
  }

  /** Appends as told by the arguments, or by commands on standard input. */
  public static void main(String[] args) throws IOException, InterruptedException {
    WriterArguments arguments = new WriterArguments(args);
    WriterMain program = new WriterMain(arguments);
    say("ready");
    if (arguments.has("count")) {
      program.appendByThreads(arguments.integer("threads", 1), arguments.integer("count", 0));
    } else {
      program.obey();
    }
    System.exit(program.failed ? 1 : 0);
  }

  private void obey() throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      append(Integer.parseInt(line));
      say("done");
    }
    failed = false;
  }

  private void appendByThreads(int count, int each) throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      threads.add(new Thread(() -> append(each)));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
  }

  /** Appends so many events, until one fails. */
  private void append(int count) {
    for (int i = 0; i < count; i++) {
      int number = next.getAndIncrement();
      try {
        Receipt receipt =
            outbox()
                .append(OutboxEvent.builder("conformance").key(name).value(value(number)).build());
        if (number % ackEvery == 0) {
          say("ack " + number + " " + receipt.sequence() + " " + receipt.eventId());
        }
      } catch (OutboxError e) {
        String maybe = e.maybeAppended().isPresent() ? "maybe-appended " : "";
        fail(number, e, maybe + e.getMessage());
        return;
      } catch (Fault.InjectedError e) {
        fail(number, e, e.getMessage());
        return;
      }
    }
  }

  private void fail(int number, Throwable problem, String message) {
    say("error " + number + " " + problem.getClass().getSimpleName() + " " + message);
    failed = true;
  }

  /** Opened with the first append, as an outbox that can't be opened is an error like others. */
  private synchronized QueueWriter outbox() {
    if (outbox == null) {
      outbox = QueueWriter.open(options);
    }
    return outbox;
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

  /** Prints a line with one system call, so that it survives a SIGKILL whole. */
  private static void say(String line) {
    try {
      OUT.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
