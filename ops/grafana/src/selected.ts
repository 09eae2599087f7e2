// Queries of what is selected in the dashboard's head.

/** Selects relays: for the metrics of their processes, which know no outbox. */
export const PROCESS = 'job=~"$job", instance=~"$instance"';

/** Selects outboxes. */
export const OF = `${PROCESS}, outbox=~"$outbox"`;

const ALERT = 'alertname=~"Outbox.+", alertstate="firing"';

/**
 * Alerts for what is selected. One about an outbox names it by its identity and no relay, which may
 * be another one tomorrow; one that says that nothing is there has neither job nor instance.
 */
export const FIRING =
  `ALERTS{${ALERT}, job=~"$job|", instance=~"$instance|", outbox_id=""}` +
  ` or ALERTS{${ALERT}, ${PROCESS}, outbox_id!=""}` +
  ` or (ALERTS{${ALERT}, outbox_id!=""} and on (outbox_id) last_over_time(outbox_relay_outbox_info{${OF}}[1h]))`;

export const rate = (counter: string): string => `rate(${counter}{${OF}}[$__rate_interval])`;
export const increase = (counter: string): string => `increase(${counter}{${OF}}[$__rate_interval])`;
export const inRange = (counter: string): string => `increase(${counter}{${OF}}[$__range])`;

export const BUCKETS = 'outbox_relay_delivery_latency_seconds_bucket';

/** How many outboxes a panel of one relay shows at most: it can serve hundreds. */
export const MOST = 20;

export const perOutbox = (gauge: string): string => `topk(${MOST}, max by (outbox) (${gauge}{${OF}}))`;
