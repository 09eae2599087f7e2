package dev.outboxrelay.relay.fleet;

import dev.outboxrelay.relay.deliver.Clocks;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/** What the log says of one watched outbox: a standing trouble once, and every ten minutes. */
final class WatchLog {
  private static final Logger LOG = LoggerFactory.getLogger(WatchLog.class);
  private static final long REPEAT_NANOS = TimeUnit.MINUTES.toNanos(10);

  private final Path outbox;
  private final Clocks clocks;
  private String told = "";
  private long toldNanos;

  WatchLog(Path outbox, Clocks clocks) {
    this.outbox = outbox;
    this.clocks = clocks;
  }

  void found() {
    about(LOG.atInfo()).log("outbox found");
  }

  void opened(OutboxOnHold before) {
    LoggingEventBuilder line = about(before == null ? LOG.atDebug() : LOG.atInfo());
    if (before != null) {
      line = line.addKeyValue("was", before.reason()).addKeyValue("attempts", before.attempts());
    }
    line.log("outbox open");
    told = "";
  }

  void idle() {
    about(LOG.atDebug()).log("outbox settled and quiet");
  }

  void gone() {
    about(LOG.atInfo()).log("outbox gone");
  }

  void onHold(OutboxOnHold hold) {
    long now = clocks.nanos();
    if (told.equals(hold.reason()) && now - toldNanos < REPEAT_NANOS) {
      return;
    }
    told = hold.reason();
    toldNanos = now;
    // That a pod's own relay serves it is as it should be.
    about(hold.reason().equals(OutboxOnHold.HELD) ? LOG.atInfo() : LOG.atWarn())
        .addKeyValue("reason", hold.reason())
        .addKeyValue("attempts", hold.attempts())
        .addKeyValue("error", hold.error())
        .log("outbox on hold");
  }

  private LoggingEventBuilder about(LoggingEventBuilder line) {
    return line.addKeyValue("outbox", outbox);
  }
}
