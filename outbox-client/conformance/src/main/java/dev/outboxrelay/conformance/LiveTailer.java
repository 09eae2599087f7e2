package dev.outboxrelay.conformance;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import net.openhft.chronicle.queue.ChronicleQueue;
import net.openhft.chronicle.queue.ExcerptTailer;

/**
 * A Chronicle tailer that reads while writers write, until it has read as many records as asked.
 */
final class LiveTailer {

  private final CompletableFuture<Long> done = new CompletableFuture<>();
  private final Path queue;
  private final Path out;
  private volatile long wanted = Long.MAX_VALUE;
  private volatile long count;
  private volatile boolean cancelled;

  private LiveTailer(Path queue, Path out) {
    this.queue = queue;
    this.out = out;
  }

  static LiveTailer start(Path queue, Path out) {
    LiveTailer tailer = new LiveTailer(queue, out);
    Thread thread = new Thread(tailer::run, "live-tailer");
    thread.setDaemon(true);
    thread.start();
    return tailer;
  }

  /** Waits until {@code records} were read, and returns how many were; ends the tailer. */
  long finish(long records, long timeoutSeconds) throws InterruptedException, ExecutionException {
    wanted = records;
    try {
      return done.get(timeoutSeconds, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      cancelled = true;
      return done.get();
    }
  }

  long count() {
    return count;
  }

  private void run() {
    try (ChronicleQueue chronicle = ChronicleReader.open(queue);
        ExcerptTailer tailer = chronicle.createTailer();
        JsonGenerator json = ChronicleReader.lines(out)) {
      byte[] outbox = ChronicleReader.outboxId(queue);
      long read = 0;
      while (read < wanted && !cancelled) {
        Excerpt.Stored found = ChronicleReader.read(tailer);
        if (found == null) {
          Thread.sleep(1);
          continue;
        }
        ChronicleReader.write(json, Excerpt.decode(outbox, found), null);
        count = ++read;
      }
      json.flush();
      done.complete(read);
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      done.completeExceptionally(e);
    }
  }
}
