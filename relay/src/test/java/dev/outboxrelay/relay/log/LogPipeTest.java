package dev.outboxrelay.relay.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LogPipeTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Like a pipe that nobody reads, until it is let go. */
  private static final class Stuck extends OutputStream {
    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch read = new CountDownLatch(1);
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @Override
    public void write(int b) {
      throw new AssertionError("byte by byte");
    }

    @Override
    public void write(byte[] bytes) throws IOException {
      entered.countDown();
      try {
        read.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      out.write(bytes);
    }

    private List<String> lines() {
      return out.toString(StandardCharsets.UTF_8).lines().toList();
    }
  }

  private final List<Long> told = new ArrayList<>();
  private Thread writer;

  @AfterEach
  void stop() {
    writer.interrupt();
  }

  private LogPipe open(OutputStream out, long capacity) {
    LogPipe pipe = new LogPipe(out, capacity, told::add);
    writer = new Thread(pipe::run, "log");
    writer.setDaemon(true);
    writer.start();
    return pipe;
  }

  @Test
  void whoLogsGoesOnWhileNobodyReadsAndEveryLineThatIsLostIsCounted() throws Exception {
    Stuck out = new Stuck();
    LogPipe pipe = open(out, 10 * (64 + 8));
    pipe.offer(line(0));
    out.entered.await();
    for (int i = 1; i < 25; i++) {
      pipe.offer(line(i));
    }

    assertThat(pipe.dropped()).isEqualTo(15);
    assertThat(pipe.drain(Duration.ofMillis(1))).isFalse();
    out.read.countDown();
    assertThat(pipe.drain(PATIENCE)).isTrue();
    assertThat(out.lines()).hasSize(10).startsWith("line 00").endsWith("line 09");
    await().untilAsserted(() -> assertThat(told).containsExactly(15L));
  }

  @Test
  void anOutputThatFailsIsTriedAgain() throws Exception {
    AtomicInteger failures = new AtomicInteger(2);
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    OutputStream out =
        new OutputStream() {
          @Override
          public void write(int b) {
            throw new AssertionError("byte by byte");
          }

          @Override
          public void write(byte[] bytes) throws IOException {
            if (failures.getAndDecrement() > 0) {
              throw new IOException("No space left on device");
            }
            written.write(bytes);
          }
        };
    LogPipe pipe = open(out, 1000);
    pipe.offer(line(1));

    assertThat(pipe.drain(PATIENCE)).isTrue();
    assertThat(written.toString(StandardCharsets.UTF_8)).isEqualTo("line 01\n");
    assertThat(pipe.dropped()).isZero();
  }

  @Test
  void whatWritesToStderrByItselfIsTakenLineByLine() {
    List<String> lines = new ArrayList<>();
    PrintStream err =
        new PrintStream(
            new LinesOut(bytes -> lines.add(new String(bytes, StandardCharsets.UTF_8))),
            true,
            StandardCharsets.UTF_8);
    writer = new Thread(() -> {});
    err.print("half ");
    err.println("ä line");
    err.print("x".repeat(70_000));

    assertThat(lines.get(0)).isEqualTo("half ä line" + System.lineSeparator());
    assertThat(lines.get(1)).hasSize(64 << 10);
  }

  private static byte[] line(int number) {
    return String.format("line %02d\n", number).getBytes(StandardCharsets.UTF_8);
  }
}
