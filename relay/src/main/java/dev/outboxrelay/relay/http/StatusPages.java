package dev.outboxrelay.relay.http;

import dev.outboxrelay.relay.metrics.RelayMetrics;
import dev.outboxrelay.relay.pipeline.PipelineStatus;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What the paths answer. Health is about the relay alone: while Kafka is away it is healthy, and a
 * restart would mend nothing.
 */
public final class StatusPages {
  /** A turn of the loop takes milliseconds, and about a second at most. */
  private static final Duration STUCK_AFTER = Duration.ofSeconds(15);

  private static final String INDEX =
      """
      Outbox Relay

      /metrics      for Prometheus
      /healthz      200 while the delivery loops turn, also while Kafka is away
      /readyz       200 once the outboxes are open and their loops turn
      /status.json  where each outbox stands""";

  private final RelayMetrics metrics;
  private final Supplier<List<PipelineStatus>> pipelines;
  private final LongSupplier nanoClock;
  private final StatusJson json;

  /**
   * Makes the pages.
   *
   * @param pipelines what is open now, empty before the first is; cheap and thread-safe
   * @param nanoClock the clock of {@link PipelineStatus#tickNanos()}
   */
  public StatusPages(
      String version,
      RelayMetrics metrics,
      Supplier<List<PipelineStatus>> pipelines,
      LongSupplier nanoClock) {
    this.metrics = metrics;
    this.pipelines = pipelines;
    this.nanoClock = nanoClock;
    this.json = new StatusJson(version);
  }

  Map<String, Endpoint> endpoints() {
    Map<String, Endpoint> endpoints = new LinkedHashMap<>();
    endpoints.put("/", accept -> Response.plain(Response.OK, INDEX));
    endpoints.put("/metrics", this::metrics);
    endpoints.put("/healthz", accept -> health(pipelines.get()));
    endpoints.put("/readyz", accept -> readiness(pipelines.get()));
    endpoints.put(
        "/status.json", accept -> Response.json(Response.OK, json.write(pipelines.get())));
    return endpoints;
  }

  private Response metrics(String accept) {
    boolean openMetrics = accept.contains("application/openmetrics-text");
    return new Response(
        Response.OK,
        openMetrics ? RelayMetrics.OPEN_METRICS : RelayMetrics.PLAIN_TEXT,
        metrics.scrape(openMetrics));
  }

  private Response health(List<PipelineStatus> open) {
    for (PipelineStatus status : open) {
      Duration still = Duration.ofNanos(nanoClock.getAsLong() - status.tickNanos());
      if (still.compareTo(STUCK_AFTER) > 0) {
        return Response.plain(
            Response.UNAVAILABLE,
            "stuck: the loop of "
                + status.outbox()
                + " has not turned for "
                + still.toSeconds()
                + " s");
      }
    }
    return Response.plain(Response.OK, "ok");
  }

  private Response readiness(List<PipelineStatus> open) {
    return open.isEmpty()
        ? Response.plain(Response.UNAVAILABLE, "not ready: no outbox is open yet")
        : health(open);
  }
}
