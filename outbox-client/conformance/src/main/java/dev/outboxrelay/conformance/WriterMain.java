package dev.outboxrelay.conformance;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Appends events with the Java client; README.md has the arguments and the lines it prints, the
 * same as those of writer.py.
 */
public final class WriterMain {

  static final BufferedReader IN =
      new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

  private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);

  private WriterMain() {}

  /** Appends as told by the arguments, or by standard input. */
  public static void main(String[] args) throws IOException, InterruptedException {
    WriterArguments arguments = new WriterArguments(args);
    say("ready");
    if (!arguments.has("count")) {
      obey(arguments);
      return;
    }
    Appender appender = new Appender(arguments, arguments.dir(), arguments.writer());
    appendByThreads(appender, arguments.integer("count", 0), arguments.integer("threads", 1));
    System.exit(appender.hasFailed() ? 1 : 0);
  }

  private static void appendByThreads(Appender appender, int count, int threads)
      throws InterruptedException {
    List<Thread> started = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      started.add(new Thread(() -> appender.append(count)));
    }
    started.forEach(Thread::start);
    for (Thread thread : started) {
      thread.join();
    }
  }

  /** Appends what standard input orders, to as many outboxes as it names. */
  private static void obey(WriterArguments arguments) throws IOException {
    Map<String, Appender> appenders = new HashMap<>();
    for (String line = IN.readLine(); line != null; line = IN.readLine()) {
      String[] words = line.split("\t", -1);
      String directory = words.length > 1 ? words[1] : arguments.dir();
      String name = words.length > 1 ? words[2] : arguments.writer();
      String place = directory + "\t" + name;
      if (words[0].equals("forget")) {
        appenders.remove(place).close();
      } else {
        Appender appender =
            appenders.computeIfAbsent(place, key -> new Appender(arguments, directory, name));
        if (words[0].equals("open")) {
          appender.open();
        } else {
          appender.append(Integer.parseInt(words[0]));
        }
      }
      say("done");
    }
  }

  /** Prints a line with one system call, so that it survives a SIGKILL whole. */
  static void say(String line) {
    try {
      OUT.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
