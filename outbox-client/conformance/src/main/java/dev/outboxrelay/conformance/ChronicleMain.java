package dev.outboxrelay.conformance;

import dev.outboxrelay.conformance.ChronicleFiles.Layout;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

/**
 * Does one job after the other, so that a test run pays for one JVM: reads a line of tab-separated
 * words from standard input, answers with one line, {@code ok} and results or {@code error} and a
 * message. README.md lists the jobs.
 */
public final class ChronicleMain {

  private final Map<String, LiveTailer> tailers = new HashMap<>();

  private ChronicleMain() {}

  /** Runs jobs until standard input ends. */
  public static void main(String[] args) throws IOException {
    System.setProperty("chronicle.analytics.disable", "true");
    System.setProperty("chronicle.announcer.disable", "true");
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "error");
    ChronicleMain jobs = new ChronicleMain();
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      out.println(jobs.answer(line.split("\t", -1)));
    }
  }

  private String answer(String[] words) {
    try {
      return "ok\t" + run(words);
    } catch (ExecutionException e) {
      return "error\t" + oneLine(e.getCause());
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      return "error\t" + oneLine(e);
    }
  }

  private static String oneLine(Throwable failure) {
    return failure.toString().replaceAll("\\s+", " ");
  }

  private String run(String[] words) throws IOException, InterruptedException, ExecutionException {
    Path queue = Path.of(words[1]);
    return switch (words[0]) {
      case "dump" -> "" + ChronicleReader.dump(queue, Path.of(words[2]), false);
      case "dump-full" -> "" + ChronicleReader.dump(queue, Path.of(words[2]), true);
      case "seek" -> seek(queue, words);
      case "follow" -> {
        tailers.put(words[1], LiveTailer.start(queue, Path.of(words[2])));
        yield "";
      }
      case "followed" -> "" + tailers.get(words[1]).count();
      case "unfollow" -> {
        LiveTailer tailer = tailers.remove(words[1]);
        yield "" + tailer.finish(Long.parseLong(words[2]), Long.parseLong(words[3]));
      }
      case "create" -> {
        ChronicleFiles.create(queue, Layout.valueOf(words[2]), Long.parseLong(words[3]));
        yield "";
      }
      case "create-metadata" -> {
        ChronicleFiles.createMetadata(queue, Layout.valueOf(words[2]), Long.parseLong(words[3]));
        yield "";
      }
      case "copy" -> "" + ChronicleFiles.copy(queue, Path.of(words[2]), Layout.valueOf(words[3]));
      default -> throw new IllegalArgumentException("no such job: " + words[0]);
    };
  }

  private static String seek(Path queue, String[] words) throws IOException {
    List<Long> around = Arrays.stream(words).skip(3).map(Long::valueOf).toList();
    ChronicleReader.Seeks seeks = ChronicleReader.seek(queue, Integer.parseInt(words[2]), around);
    return seeks.records() + "\t" + seeks.moves();
  }
}
