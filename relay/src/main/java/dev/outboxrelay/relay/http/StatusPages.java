package dev.outboxrelay.relay.http;

import dev.outboxrelay.relay.fleet.FleetStatus;
import dev.outboxrelay.relay.metrics.RelayMetrics;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What the paths answer. Health is about the relay alone: while Kafka is away it is healthy, and a
 * restart would mend nothing.
 */
public final class StatusPages {
  private static final String INDEX =
      """
      Outbox Relay

      /metrics      for Prometheus
      /healthz      200 while the delivery loops turn, also while Kafka is away
      /readyz       200 once the outboxes are open and their loops turn
      /status.json  where each outbox stands""";

  private final RelayMetrics metrics;
  private final Supplier<FleetStatus> fleet;
  private final LongSupplier nanoClock;
  private final StatusJson json;

  /**
   * Makes the pages.
   *
   * @param fleet what is served now; cheap and thread-safe
   * @param nanoClock the clock of the loops' ticks
   */
  public StatusPages(
      String version, RelayMetrics metrics, Supplier<FleetStatus> fleet, LongSupplier nanoClock) {
    this.metrics = metrics;
    this.fleet = fleet;
    this.nanoClock = nanoClock;
    this.json = new StatusJson(version);
  }

  Map<String, Endpoint> endpoints() {
    Map<String, Endpoint> endpoints = new LinkedHashMap<>();
    endpoints.put("/", accept -> Response.plain(Response.OK, INDEX));
    endpoints.put("/metrics", this::metrics);
    endpoints.put("/healthz", accept -> health(fleet.get()));
    endpoints.put("/readyz", accept -> readiness(fleet.get()));
    endpoints.put("/status.json", accept -> Response.json(Response.OK, json.write(fleet.get())));
    return endpoints;
  }

  private Response metrics(String accept) {
    boolean openMetrics = accept.contains("application/openmetrics-text");
    return new Response(
        Response.OK,
        openMetrics ? RelayMetrics.OPEN_METRICS : RelayMetrics.PLAIN_TEXT,
        metrics.scrape(openMetrics));
  }

  private Response health(FleetStatus status) {
    return status
        .stuck(nanoClock.getAsLong(), FleetStatus.PATIENCE)
        .map(loop -> Response.plain(Response.UNAVAILABLE, "stuck: " + loop))
        .orElseGet(() -> Response.plain(Response.OK, "ok"));
  }

  private Response readiness(FleetStatus status) {
    return status.isReady()
        ? health(status)
        : Response.plain(Response.UNAVAILABLE, "not ready: no outbox is open yet");
  }
}
