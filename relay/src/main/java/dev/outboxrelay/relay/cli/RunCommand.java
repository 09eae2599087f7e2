package dev.outboxrelay.relay.cli;

import dev.outboxrelay.relay.config.OutboxSelection;
import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fleet.Fleet;
import dev.outboxrelay.relay.fleet.FleetListener;
import dev.outboxrelay.relay.fleet.FleetStatus;
import dev.outboxrelay.relay.fleet.LookThread;
import dev.outboxrelay.relay.fleet.ProcessTroubles;
import dev.outboxrelay.relay.fleet.SingleOutbox;
import dev.outboxrelay.relay.fleet.WatchedFleet;
import dev.outboxrelay.relay.history.History;
import dev.outboxrelay.relay.history.SamplerThread;
import dev.outboxrelay.relay.http.RelayHttpServer;
import dev.outboxrelay.relay.http.StatusPages;
import dev.outboxrelay.relay.inspect.OldestEvent;
import dev.outboxrelay.relay.kafka.KafkaProbe;
import dev.outboxrelay.relay.kafka.settings.KafkaSettings;
import dev.outboxrelay.relay.log.Logging;
import dev.outboxrelay.relay.metrics.MetricsFile;
import dev.outboxrelay.relay.metrics.RelayMetrics;
import dev.outboxrelay.relay.notify.ServiceManager;
import dev.outboxrelay.relay.pipeline.PipelineEnd;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import dev.outboxrelay.relay.reload.ConfigWatch;
import dev.outboxrelay.relay.reload.ReloadListener;
import dev.outboxrelay.relay.reload.ReloadLog;
import dev.outboxrelay.relay.reload.ReloadThread;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;
import picocli.CommandLine.Command;

@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = {
      "Delivers events until SIGTERM or SIGINT.",
      "Then it stops reading, waits for what is in flight up to OUTBOX_STOP_DEADLINE_MS, saves the",
      "position and exits 0. Configured by the environment; config prints it."
    })
final class RunCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(RunCommand.class);

  private static final Duration LOOK_INTERVAL = Duration.ofSeconds(2);

  /** Damage that one look may search. */
  private static final long LOOK_AT_MOST_BYTES = 64L << 20;

  /** How long a page waits for what the files say now. */
  private static final Duration FRESH = Duration.ofMillis(500);

  private final Map<String, String> env;

  RunCommand(Map<String, String> env) {
    this.env = env;
  }

  @Override
  public Integer call() throws InterruptedException {
    RelayConfig config = RelayConfig.from(env);
    OutOfMemory.watchThreads();
    Logging.startUnblocked(config.log(), OutOfMemory::logged);
    config
        .warnings()
        .forEach(warning -> LOG.atWarn().addKeyValue("warning", warning).log("configuration"));

    ConfigWatch watch = new ConfigWatch(config, () -> RelayConfig.from(env), KafkaProbe::check);
    String version = Main.Version.number();
    UnsettledAge age = new UnsettledAge(InstantSource.system());
    ProcessTroubles troubles = new ProcessTroubles(Logging::droppedLines, InstantSource.system());
    try (RelayMetrics metrics = new RelayMetrics(version, age, troubles::now, System::nanoTime);
        ServiceManager manager =
            ServiceManager.of(env, ProcessHandle.current().pid(), System::nanoTime);
        Fleet fleet = fleet(config, () -> watch.current().kafka(), metrics);
        LookThread looks = looks(fleet);
        ReloadThread reload = reload(watch, metrics, troubles)) {
      Supplier<FleetStatus> status = () -> fleet.status().with(troubles.now());
      HangUp.run(reload::lookNow);
      History history = new History(age);
      StatusPages pages =
          new StatusPages(
              version,
              metrics,
              status,
              () -> looks.freshen(FRESH),
              history,
              age,
              watch::current,
              Clocks.SYSTEM);
      Optional<RelayHttpServer> http =
          config.http().map(address -> RelayHttpServer.start(address, pages));
      Optional<RelayHttpServer> health =
          config.health().map(address -> RelayHttpServer.startHealth(address, pages));
      Optional<SamplerThread> sampler =
          http.map(page -> SamplerThread.start(history, () -> fleet.status().open()));
      try {
        return deliver(config, fleet, status, metrics, manager, version);
      } finally {
        sampler.ifPresent(SamplerThread::close);
        http.ifPresent(RelayHttpServer::close);
        health.ifPresent(RelayHttpServer::close);
      }
    }
  }

  private static Fleet fleet(
      RelayConfig config, Supplier<KafkaSettings> kafka, FleetListener listener) {
    return config.outboxes() instanceof OutboxSelection.Matching several
        ? WatchedFleet.of(config, several, kafka, listener)
        : SingleOutbox.open(config, kafka, listener);
  }

  private static LookThread looks(Fleet fleet) {
    OldestEvent oldest = new OldestEvent(LOOK_AT_MOST_BYTES);
    return LookThread.start(() -> fleet.look(oldest::appendMillis), LOOK_INTERVAL);
  }

  private static ReloadThread reload(
      ConfigWatch watch, RelayMetrics metrics, ProcessTroubles troubles) {
    ReloadListener trouble = (outcome, asked) -> troubles.config(outcome.error());
    ReloadListener level = (outcome, asked) -> Logging.setLevel(watch.current().log().level());
    return ReloadThread.start(watch, level.and(new ReloadLog()).and(metrics).and(trouble));
  }

  private static int deliver(
      RelayConfig config,
      Fleet fleet,
      Supplier<FleetStatus> status,
      RelayMetrics metrics,
      ServiceManager manager,
      String version)
      throws InterruptedException {
    Future<PipelineEnd> end = fleet.start();
    GracefulStop stop =
        GracefulStop.onSignal(
            () -> {
              fleet.stop();
              manager.stopping();
            },
            config.stopDeadline());
    manager.ready(status);
    Optional<MetricsFile> file = config.metricsFile().map(path -> MetricsFile.start(path, metrics));
    logReady(config, fleet.status(), version);
    int code = ExitCode.FAILED;
    try {
      code = exitCode(end.get(), fleet.status());
    } catch (ExecutionException e) {
      LOG.atError().setCause(e).log("relay failed");
    } finally {
      file.ifPresent(MetricsFile::close);
      // A process that was told to stop ends here.
      stop.done(code);
    }
    return code;
  }

  private static void logReady(RelayConfig config, FleetStatus fleet, String version) {
    LoggingEventBuilder line = LOG.atInfo().addKeyValue("version", version);
    if (config.outboxes() instanceof OutboxSelection.Matching several) {
      line = line.addKeyValue("outboxes", several);
    } else {
      PipelineStatus status = fleet.open().get(0);
      line =
          line.addKeyValue("outbox", status.outbox())
              .addKeyValue("outbox_id", status.outboxId())
              .addKeyValue("settled_sequence", status.settledSequence())
              .addKeyValue("lag_events", status.lagEvents());
    }
    line.addKeyValue("kafka", config.kafka().bootstrapServers())
        .addKeyValue("http", config.http().map(Object::toString).orElse("off"))
        .addKeyValue("health", config.health().map(Object::toString).orElse("off"))
        .log("relay ready");
  }

  private static int exitCode(PipelineEnd end, FleetStatus fleet) {
    if (end instanceof PipelineEnd.Stopped stopped) {
      long waiting = fleet.open().stream().mapToLong(PipelineStatus::lagEvents).sum();
      (stopped.saved() ? LOG.atInfo() : LOG.atError())
          .addKeyValue("unsettled", stopped.unsettled())
          .addKeyValue("waiting", waiting)
          .addKeyValue("position_saved", stopped.saved())
          .log("relay stopped");
      return stopped.saved() ? ExitCode.OK : ExitCode.NOT_SAVED;
    } else if (end instanceof PipelineEnd.Fenced fenced) {
      LOG.atError()
          .addKeyValue("error", fenced.error())
          .addKeyValue("do", "another relay took this outbox over: stop one of the two")
          .log("relay fenced");
      return ExitCode.FENCED;
    } else if (end instanceof PipelineEnd.OtherFormat other) {
      LOG.atError()
          .addKeyValue("error", other.error())
          .log("relay stopped before what another version wrote");
      return ExitCode.NEEDS_OPERATOR;
    } else if (end instanceof PipelineEnd.OutboxGone) {
      LOG.atError()
          .addKeyValue("do", "start the relay again: it serves what is there then")
          .log("relay ended, as its outbox is gone");
      return ExitCode.OUTBOX_UNUSABLE;
    }
    Throwable cause = end instanceof PipelineEnd.Failed failed ? failed.cause() : null;
    LOG.atError().setCause(cause).log("relay failed");
    return ExitCode.FAILED;
  }
}
