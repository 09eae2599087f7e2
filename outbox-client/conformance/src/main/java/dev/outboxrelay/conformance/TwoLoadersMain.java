package dev.outboxrelay.conformance;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Appends through two copies of the client in one JVM, as two web applications or a redeployed one
 * have them: {@code TwoLoadersMain CLIENT-JAR OUTBOX NAME FIRST EACH}. Each copy opens and closes
 * its outbox again and again, as the other's lock is at stake then. Prints {@code WRITER ack NUMBER
 * SEQUENCE EVENT-ID} for each append that returned, {@code WRITER error NUMBER CLASS MESSAGE} else.
 */
public final class TwoLoadersMain {
  private static final int COPIES = 2;
  private static final int APPENDS_PER_OPENING = 7;
  private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);

  private TwoLoadersMain() {}

  /** Lets each copy append in a thread of its own. */
  public static void main(String[] args) throws Exception {
    URL jar = Path.of(args[0]).toUri().toURL();
    long first = Long.parseLong(args[3]);
    long each = Long.parseLong(args[4]);
    List<Thread> threads = new ArrayList<>();
    for (int copy = 0; copy < COPIES; copy++) {
      String name = args[2] + "-" + copy;
      Client client = new Client(new URL[] {jar}, Path.of(args[1]), name);
      threads.add(new Thread(() -> client.append(first, each), name));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
  }

  /** One copy of the client, spoken to by reflection, as its types are not ours. */
  private static final class Client {
    private final Path outbox;
    private final String name;
    private final Class<?> outboxes;
    private final Class<?> events;

    Client(URL[] jar, Path outbox, String name) throws ClassNotFoundException {
      this.outbox = outbox;
      this.name = name;
      ClassLoader loader = new URLClassLoader(jar, ClassLoader.getPlatformClassLoader());
      outboxes = loader.loadClass("dev.outboxrelay.client.Outbox");
      events = loader.loadClass("dev.outboxrelay.client.OutboxEvent");
    }

    void append(long first, long each) {
      long number = first;
      while (number < first + each) {
        try (AutoCloseable opened =
            (AutoCloseable) outboxes.getMethod("open", Path.class).invoke(null, outbox)) {
          for (int i = 0; i < APPENDS_PER_OPENING && number < first + each; i++) {
            say("ack " + number + " " + appendOne(opened, number));
            number++;
          }
        } catch (Exception e) {
          Throwable cause = e.getCause() == null ? e : e.getCause();
          say("error " + number + " " + cause.getClass().getSimpleName() + " " + cause);
          number++;
        }
      }
    }

    private String appendOne(AutoCloseable opened, long number)
        throws ReflectiveOperationException {
      Object builder = events.getMethod("builder", String.class).invoke(null, "conformance");
      Class<?> type = builder.getClass();
      type.getMethod("key", String.class).invoke(builder, name);
      type.getMethod("value", String.class)
          .invoke(builder, "{\"writer\":\"" + name + "\",\"n\":" + number + ",\"pad\":\"xxx\"}");
      Object event = type.getMethod("build").invoke(builder);
      Object receipt = outboxes.getMethod("append", events).invoke(opened, event);
      Class<?> receipts = receipt.getClass();
      return receipts.getMethod("sequence").invoke(receipt)
          + " "
          + receipts.getMethod("eventId").invoke(receipt);
    }

    /** One system call, so that a line survives a SIGKILL whole. */
    private void say(String line) {
      try {
        OUT.write((name + " " + line + "\n").getBytes(StandardCharsets.UTF_8));
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
