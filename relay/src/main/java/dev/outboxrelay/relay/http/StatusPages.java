package dev.outboxrelay.relay.http;

import dev.outboxrelay.relay.config.RelayConfig;
import dev.outboxrelay.relay.deliver.Clocks;
import dev.outboxrelay.relay.fleet.FleetStatus;
import dev.outboxrelay.relay.history.History;
import dev.outboxrelay.relay.metrics.RelayMetrics;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import dev.outboxrelay.relay.pipeline.UnsettledAge;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * What the paths answer. Health is about the relay alone: while Kafka is away it is healthy, and a
 * restart would mend nothing.
 */
public final class StatusPages {
  /** Far longer than the reading of dead letters takes by its own budget. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private final RelayMetrics metrics;
  private final Supplier<FleetStatus> fleet;
  private final Runnable freshen;
  private final History history;
  private final Supplier<RelayConfig> config;
  private final Clocks clocks;
  private final StatusJson status;
  private final HistoryJson samples = new HistoryJson();
  private final DeadLettersJson deadLetters;

  /**
   * Makes the pages.
   *
   * @param fleet what is served now, from memory; thread-safe
   * @param freshen has the next {@code fleet} tell what files say now, as far as they answer soon
   * @param history of its outboxes, filled by somebody else
   * @param age of their oldest events
   * @param config in use, shown with its secrets masked
   * @param clocks whose nanoseconds are those of {@link PipelineStatus#tickNanos()}
   */
  public StatusPages(
      String version,
      RelayMetrics metrics,
      Supplier<FleetStatus> fleet,
      Runnable freshen,
      History history,
      UnsettledAge age,
      Supplier<RelayConfig> config,
      Clocks clocks) {
    this.metrics = metrics;
    this.fleet = fleet;
    this.freshen = freshen;
    this.history = history;
    this.config = config;
    this.clocks = clocks;
    this.status = new StatusJson(version, age, clocks);
    this.deadLetters = new DeadLettersJson(clocks.monotonic());
  }

  /** What is answered from memory, at once. */
  Map<String, Endpoint> health() {
    return Map.of(
        "/healthz", request -> health(fleet.get()), "/readyz", request -> readiness(fleet.get()));
  }

  /** What may take its time. */
  Map<String, Endpoint> pages() {
    Map<String, Endpoint> endpoints = new LinkedHashMap<>(PageFiles.endpoints());
    endpoints.put("/metrics", this::metrics);
    endpoints.put("/status.json", this::status);
    endpoints.put(
        "/history.json",
        request -> ofOutbox(request, (path, all) -> samples.write(path, history.of(path))));
    endpoints.put(
        "/dead-letters.json",
        new OneAtATime(
            request -> ofOutbox(request, deadLetters::write), PATIENCE, clocks.monotonic()));
    endpoints.put(
        "/config.json", request -> Response.json(Response.OK, ConfigJson.write(config.get())));
    return endpoints;
  }

  private Response status(Request request) {
    freshen.run();
    return Response.json(Response.OK, status.write(fleet.get()));
  }

  private Response metrics(Request request) {
    freshen.run();
    boolean openMetrics = request.accept().contains("application/openmetrics-text");
    return new Response(
        Response.OK,
        openMetrics ? RelayMetrics.OPEN_METRICS : RelayMetrics.PLAIN_TEXT,
        metrics.scrape(openMetrics));
  }

  /** Only what is served can be asked about: nobody chooses which files are read. */
  private Response ofOutbox(Request request, BiFunction<Path, Set<Path>, String> form) {
    Set<Path> served =
        fleet.get().open().stream().map(PipelineStatus::outbox).collect(Collectors.toSet());
    Optional<String> asked = request.outbox();
    if (asked.isEmpty() && served.size() != 1) {
      return Response.plain(Response.NOT_FOUND, "which outbox? say ?outbox=…");
    }
    return served.stream()
        .filter(path -> asked.isEmpty() || path.toString().equals(asked.get()))
        .findFirst()
        .map(path -> Response.json(Response.OK, form.apply(path, served)))
        .orElseGet(() -> Response.plain(Response.NOT_FOUND, "no such outbox is served"));
  }

  private Response health(FleetStatus status) {
    return status
        .stuck(clocks.nanos(), FleetStatus.PATIENCE)
        .map(loop -> Response.plain(Response.UNAVAILABLE, "stuck: " + loop))
        .orElseGet(() -> Response.plain(Response.OK, "ok"));
  }

  private Response readiness(FleetStatus status) {
    return status.isReady()
        ? health(status)
        : Response.plain(Response.UNAVAILABLE, "not ready: no outbox is open yet");
  }
}
