// The panels that the fleet and a single relay have in common.
import * as units from '@grafana/grafana-foundation-sdk/units';
import type { PanelBuilder as Number } from '@grafana/grafana-foundation-sdk/stat';
import type { PanelBuilder as Chart } from '@grafana/grafana-foundation-sdk/timeseries';
import * as limit from './limits.js';
import { chart, incidents, limits, now, number, over, stacked } from './panels.js';
import {
  APPEND_REASONS,
  BARRED_REASONS,
  damage,
  DAMAGE_LEGENDS,
  DEAD_LETTER_REASONS,
  SEND_ERROR_KINDS,
} from './reasons.js';
import { BUCKETS, increase, inRange, OF, rate } from './selected.js';

export function oldestWaiting(): Number {
  const description =
    'Age of the oldest event that Kafka has not acked, 0 if nothing waits. This is the number to be woken by.';
  return number('Oldest waiting', units.Seconds, 3, description)
    .thresholds(limits(...limit.AGE_SECONDS))
    .withTarget(over(`max(outbox_relay_oldest_unsent_age_seconds{${OF}})`, 'oldest'));
}

export function eventsWaiting(): Number {
  return number('Events waiting', units.Short, 3, 'Events appended and not settled.').withTarget(
    over(`sum(outbox_relay_lag_events{${OF}})`, 'waiting'),
  );
}

export function delivered(): Number {
  return number('Delivered', units.CountsPerSecond, 3, 'Events that Kafka acked per second.').withTarget(
    over(`sum(${rate('outbox_relay_events_delivered_total')})`, 'delivered'),
  );
}

export function deadLetters(): Number {
  const description = 'Events of the selected time that Kafka will never take. Each one wants a look.';
  return number('Dead letters', units.Short, 3, description)
    .decimals(0)
    .thresholds(limits(null, 0.5))
    .withTarget(now(`sum(${inRange('outbox_relay_dead_letters_total')})`, 'dead letters'));
}

export function refusedAppends(): Number {
  const description =
    'Appends of the selected time that clients refused: what these tasks wanted to tell is not in the outbox.';
  return number('Refused appends', units.Short, 3, description)
    .decimals(0)
    .thresholds(limits(null, 0.5))
    .withTarget(now(`sum(${inRange('outbox_append_failures_total')})`, 'refused'));
}

export function barredTopics(): Chart {
  const description =
    'Their events wait until somebody mends what the reason says; the runbook has a section for each. Which topics ' +
    'they are is on the status page.';
  return stacked(chart("Topics that can't be written, by reason", units.Short, 12, description, BARRED_REASONS))
    .decimals(0)
    .withTarget(over(`sum by (reason) (outbox_relay_topics_barred{${OF}})`, '{{reason}}'));
}

export function parkedEvents(): Chart {
  const description =
    'Of topics that could not be written for long: they wait apart, hold up no other topic, and are delivered once ' +
    'theirs can be written.';
  return chart('Parked events', units.Short, 12, description, ['events'])
    .decimals(0)
    .withTarget(over(`sum(outbox_relay_parked_events{${OF}})`, 'events'));
}

export function appendedAndDelivered(): Chart {
  const description = 'The two lie on each other while all is well. Delivered counts again what is sent again.';
  return chart('Appended and delivered', units.CountsPerSecond, 8, description, ['appended', 'delivered'])
    .withTarget(over(`sum(${rate('outbox_relay_appended_sequence')})`, 'appended'))
    .withTarget(over(`sum(${rate('outbox_relay_events_delivered_total')})`, 'delivered'));
}

export function latency(): Chart {
  const quantile = (of: number): string => `histogram_quantile(${of}, sum by (le) (${rate(BUCKETS)}))`;
  const description = 'How long events take into Kafka, estimated within the buckets of the histogram. After an outage it tells ' +
    'about how long that was.';
  return chart('From append to ack', units.Seconds, 8, description, ['p50', 'p95', 'p99'])
    .withTarget(over(quantile(0.5), 'p50'))
    .withTarget(over(quantile(0.95), 'p95'))
    .withTarget(over(quantile(0.99), 'p99'));
}

export function failedSends(): Chart {
  const description =
    "What Kafka's client retries by itself is not here. retry-later: not even handed to it, tried again; usual while " +
    'Kafka is away. rebuild: a new producer, and what was not acked is sent again. pause-topic, pause-all, fenced: ' +
    'somebody has to mend something.';
  return incidents('Failed sends, by what the relay did', units.Short, 8, description, SEND_ERROR_KINDS).withTarget(
    over(`sum by (kind) (${increase('outbox_relay_send_errors_total')})`, '{{kind}}'),
  );
}

export function deadLettersByReason(): Chart {
  const description = 'Events that Kafka will never take. `dead-letters list` on the host tells which.';
  return incidents('Dead letters, by reason', units.Short, 8, description, DEAD_LETTER_REASONS).withTarget(
    over(`sum by (reason) (${increase('outbox_relay_dead_letters_total')})`, '{{reason}}'),
  );
}

export function refusedAppendsByReason(): Chart {
  const description = 'Counted by the clients. full and busy are about the host, too-large and invalid about the task.';
  return incidents('Refused appends, by reason', units.Short, 8, description, APPEND_REASONS).withTarget(
    over(`sum by (reason) (${increase('outbox_append_failures_total')})`, '{{reason}}'),
  );
}

export function damageFound(): Chart {
  const description =
    'Corrupt records go to the quarantine, and the rest goes on. Any of these means a disk, a crash or a foreign ' +
    'writer; `verify` on the host tells where.';
  return incidents('Damage found in the queue', units.Short, 8, description, DAMAGE_LEGENDS).targets(
    damage((counter) => `sum(${increase(counter)})`),
  );
}
