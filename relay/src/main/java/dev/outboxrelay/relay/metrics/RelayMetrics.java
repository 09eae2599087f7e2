package dev.outboxrelay.relay.metrics;

import dev.outboxrelay.relay.fact.Counts;
import dev.outboxrelay.relay.fact.FactListener;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fleet.FleetListener;
import dev.outboxrelay.relay.kafka.ProducerWatch;
import dev.outboxrelay.relay.kafka.meters.ProducerMeters;
import dev.outboxrelay.relay.log.Logging;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import dev.outboxrelay.relay.reload.Outcome;
import dev.outboxrelay.relay.reload.ReloadListener;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The metrics of one relay process. Make it first, give {@link #listener} and {@link #producers} to
 * each pipeline that is opened, then {@link #watch} it. Thread-safe.
 */
public final class RelayMetrics implements FleetListener, ReloadListener, AutoCloseable {
  /** What Prometheus negotiates first. */
  public static final String OPEN_METRICS =
      "application/openmetrics-text; version=1.0.0; charset=utf-8";

  /** Understood by everything. */
  public static final String PLAIN_TEXT = "text/plain; version=0.0.4; charset=utf-8";

  private static final Pattern ABOUT_OUTBOXES = Pattern.compile("(# (HELP|TYPE) )?(outbox|kafka)_");
  private static final String ON_HOLD = "outbox.relay.on.hold";

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Map<Path, OutboxGauges> watched = new ConcurrentHashMap<>();
  private final JvmGcMetrics gcMetrics = new JvmGcMetrics();
  private final String version;
  private final UnsettledAge age;
  private final Supplier<List<Trouble>> ofProcess;
  private final LongSupplier nanoClock;
  private volatile boolean configInUse = true;

  /**
   * Makes a registry with the metrics of the process and the JVM.
   *
   * @param version of the relay
   * @param age of the oldest event
   * @param ofProcess what is wrong with the process as a whole
   * @param nanoClock the clock of {@link PipelineStatus#tickNanos()}
   */
  public RelayMetrics(
      String version, UnsettledAge age, Supplier<List<Trouble>> ofProcess, LongSupplier nanoClock) {
    this.ofProcess = ofProcess;
    this.age = age;
    this.nanoClock = nanoClock;
    this.version = version;
    registry.config().meterFilter(ProducerMeters.BOUNDED);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    gcMetrics.bindTo(registry);
  }

  /** Shows what one outbox's pipelines count. */
  @Override
  public FactListener listener(Path outbox, Counts counts) {
    return new DeliveryCounters(registry, outbox.toString(), counts);
  }

  /** Reads what one outbox's producer measures of itself. */
  @Override
  public ProducerWatch producers(Path outbox) {
    return new ProducerMeters(registry, outbox.toString());
  }

  /**
   * Reads one outbox's gauges whenever it is scraped.
   *
   * @param status cheap and thread-safe
   */
  @Override
  public void watch(Path outbox, Supplier<PipelineStatus> status) {
    watched.put(outbox, new OutboxGauges(registry, outbox, status, ofProcess, age, nanoClock));
    Gauge.builder("outbox.relay.build.info", () -> 1)
        .description("Always 1; the version that runs is a label")
        .tags("outbox", outbox.toString(), "version", version)
        .register(registry);
    // One for the process, told for each outbox, as textfiles of several relays end up in one
    // place.
    Gauge.builder("outbox.relay.config.last.reload.successful", () -> configInUse ? 1 : 0)
        .description("0 while what the files of the configuration say can't be used")
        .tags("outbox", outbox.toString())
        .register(registry);
    FunctionCounter.builder(
            "outbox.relay.log.lines.dropped", this, metrics -> Logging.droppedLines())
        .description("Lines of the process's log that nobody read in time")
        .tags("outbox", outbox.toString())
        .register(registry);
  }

  @Override
  public void onHold(Path outbox, Optional<String> reason) {
    remove(outbox, ON_HOLD::equals);
    reason.ifPresent(
        why ->
            Gauge.builder(ON_HOLD, () -> 1)
                .description("1 while an outbox can't be served, by the reason")
                .tags("outbox", outbox.toString(), "reason", why)
                .register(registry));
  }

  @Override
  public void looked(Outcome outcome, boolean asked) {
    configInUse = outcome.error().isEmpty();
  }

  /** The series of an outbox end with it. */
  @Override
  public void gone(Path outbox) {
    watched.remove(outbox);
    age.forget(outbox);
    remove(outbox, name -> true);
  }

  private void remove(Path outbox, Predicate<String> name) {
    for (Meter meter : registry.getMeters()) {
      if (outbox.toString().equals(meter.getId().getTag("outbox"))
          && name.test(meter.getId().getName())) {
        registry.remove(meter);
      }
    }
  }

  /**
   * All metrics as text.
   *
   * @param openMetrics true for {@link #OPEN_METRICS}, false for {@link #PLAIN_TEXT}
   */
  public String scrape(boolean openMetrics) {
    watched.values().forEach(OutboxGauges::refresh);
    return registry.scrape(openMetrics ? OPEN_METRICS : PLAIN_TEXT);
  }

  /**
   * What is about outboxes, in {@link #PLAIN_TEXT}. The JVM's and the process's metrics are not in
   * it: beside those of another process, their names would be taken.
   */
  String scrapeOfOutboxes() {
    // Not lines(): a carriage return may be in a directory's name.
    return Arrays.stream(scrape(false).split("\n", -1))
        .filter(line -> ABOUT_OUTBOXES.matcher(line).lookingAt())
        .map(line -> line + "\n")
        .collect(Collectors.joining());
  }

  @Override
  public void close() {
    gcMetrics.close();
    registry.close();
  }
}
