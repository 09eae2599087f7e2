import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { any, board, FLEET, INSTANCE, link, one, OUTBOX, RELAY } from './board.js';
import * as limit from './limits.js';
import { chart, density, incidents, limits, now, number, over, ranking, stateTimeline, withLimits } from './panels.js';
import { BUCKETS, increase, MOST, OF, perOutbox, PROCESS, rate } from './selected.js';
import * as shared from './shared.js';
import { STATE_NAMES, stateNumber, STATES_EXPLAINED } from './states.js';
import { disk, process, producer } from './surroundings.js';
import { firingAlerts } from './tables.js';

const perOutboxRate = (counter: string): string => `topk(${MOST}, sum by (outbox) (${rate(counter)}))`;

export function relay(): dashboard.DashboardBuilder {
  const start = board(
    {
      uid: RELAY,
      title: 'Outbox relay',
      description: 'One relay: what waits, how fast it goes, what went wrong, and how the process is.',
      from: 'now-3h',
    },
    [one('instance', INSTANCE), any('outbox', OUTBOX, '.+')],
  )
    .link(
      link(
        'Fleet',
        `/d/${FLEET}?\${datasource:queryparam}&\${job:queryparam}&\${__url_time_range}`,
        'All relays',
        'apps',
      ).targetBlank(false),
    )
    .link(
      link(
        'Status page',
        'http://${instance}/',
        'Where the relay listens on more than its own loopback',
        'external link',
      ),
    )
    .link(link('Runbook', '${runbook}', 'What each alert means and what to do', 'doc'));
  summary(start);
  waiting(start);
  delivery(start);
  producer(start);
  errors(start);
  disk(start);
  process(start);
  return start;
}

function summary(start: dashboard.DashboardBuilder): void {
  start
    .withPanel(
      number(
        'State',
        units.Short,
        5,
        `The worst of the selected outboxes. ${STATES_EXPLAINED} The status page and \`status\` say what.`,
      )
        .mappings(STATE_NAMES)
        .graphMode(common.BigValueGraphMode.None)
        .withTarget(now(`max(${stateNumber(OF)})`, 'state')),
    )
    .withPanel(shared.oldestWaiting())
    .withPanel(shared.eventsWaiting())
    .withPanel(shared.delivered())
    .withPanel(shared.deadLetters())
    .withPanel(shared.refusedAppends())
    .withPanel(
      number('Up for', units.DurationSeconds, 4, 'Since the last start of the process.')
        .graphMode(common.BigValueGraphMode.None)
        .decimals(0)
        .withTarget(now(`time() - max(process_start_time_seconds{${PROCESS}})`, 'up for')),
    );
}

function waiting(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('What waits'))
    .withPanel(
      stateTimeline(
        'State of delivery',
        units.Short,
        17,
        `${STATES_EXPLAINED} Probing: one event at a time after a new connection. At most ${MOST} outboxes, the worst.`,
      ).withTarget(over(`topk(${MOST}, max by (outbox) (${stateNumber(OF)}))`, '{{outbox}}')),
    )
    .withPanel(firingAlerts(7).height(5))
    .withPanel(
      ranking(
        'Events waiting, by outbox',
        units.Short,
        8,
        'Appended and not settled. Falls to 0 when Kafka takes them.',
      )
        .fillOpacity(8)
        .withTarget(over(perOutbox('outbox_relay_lag_events'), '{{outbox}}')),
    )
    .withPanel(
      ranking('Bytes waiting, by outbox', units.BytesIEC, 8, 'What OUTBOX_MAX_BYTES caps.')
        .fillOpacity(8)
        .withTarget(over(perOutbox('outbox_relay_lag_bytes'), '{{outbox}}')),
    )
    .withPanel(
      withLimits(
        ranking(
          'Age of the oldest waiting event, by outbox',
          units.Seconds,
          8,
          'Rises by one second per second while nothing is delivered.',
        ),
        limits(...limit.AGE_SECONDS),
      )
        .fillOpacity(8)
        .withTarget(over(perOutbox('outbox_relay_oldest_unsent_age_seconds'), '{{outbox}}')),
    )
    .withPanel(shared.barredTopics())
    .withPanel(
      ranking(
        "How long the first of these topics can't be written, by outbox",
        units.Seconds,
        12,
        '0 while all topics can be written.',
      )
        .fillOpacity(8)
        .withTarget(over(perOutbox('outbox_relay_topic_barred_age_seconds'), '{{outbox}}')),
    )
    .withPanel(shared.parkedEvents())
    .withPanel(
      ranking(
        'Age of the oldest parked event, by outbox',
        units.Seconds,
        12,
        'Rises while its topic can not be written; falls as what is parked is delivered.',
      )
        .fillOpacity(8)
        .withTarget(over(perOutbox('outbox_relay_oldest_parked_age_seconds'), '{{outbox}}')),
    );
}

function delivery(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Delivery'))
    .withPanel(shared.appendedAndDelivered())
    .withPanel(
      ranking('Bytes delivered', units.BytesPerSecondIEC, 8, 'Size in the queue of what Kafka acked, per second.')
        .fillOpacity(8)
        .withTarget(over(perOutboxRate('outbox_relay_bytes_delivered_total'), '{{outbox}}')),
    )
    .withPanel(
      chart(
        'In flight',
        units.Short,
        8,
        'Sent and not acked; OUTBOX_WINDOW_RECORDS caps it. At the cap the broker or the network is the ' + 'limit.',
        ['events', 'bytes'],
      )
        .overrideByName('bytes', [
          { id: 'unit', value: units.BytesIEC },
          { id: 'custom.axisPlacement', value: 'right' },
        ])
        .withTarget(over(`sum(outbox_relay_inflight_events{${OF}})`, 'events'))
        .withTarget(over(`sum(outbox_relay_inflight_bytes{${OF}})`, 'bytes')),
    )
    .withPanel(shared.latency())
    .withPanel(
      density(
        'From append to ack, all of them',
        units.Seconds,
        8,
        'The histogram itself: events per second in each bucket, the darker the more.',
      ).withTarget(over(`sum by (le) (${rate(BUCKETS)})`, '{{le}}').format(prometheus.PromQueryFormat.Heatmap)),
    )
    .withPanel(
      ranking(
        'Time since the last delivery',
        units.Seconds,
        8,
        'Says nothing about an outbox that is empty. Look at it beside what waits.',
      ).withTarget(
        over(
          `topk(${MOST}, time() - max by (outbox) (outbox_relay_last_delivery_timestamp_seconds{${OF}} > 0))`,
          '{{outbox}}',
        ),
      ),
    );
}

function errors(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Errors and what needs a look'))
    .withPanel(shared.failedSends())
    .withPanel(
      incidents(
        'Events sent again',
        units.Short,
        8,
        'By a rewind, after a new producer. Consumers may see some of them twice, with the same outbox-event-' + 'id.',
        ['sent again'],
      ).withTarget(over(`sum(${increase('outbox_relay_retries_total')})`, 'sent again')),
    )
    .withPanel(shared.deadLettersByReason())
    .withPanel(shared.refusedAppendsByReason())
    .withPanel(shared.damageFound())
    .withPanel(
      incidents(
        'Not written to disk',
        units.Short,
        8,
        'Positions, dead letters, quarantines and deletions that failed and are tried again: rights, a full ' +
          'disk, or a bad one.',
        ['positions', 'jobs'],
      )
        .withTarget(over(`sum(${increase('outbox_relay_checkpoint_failures_total')})`, 'positions'))
        .withTarget(over(`sum(${increase('outbox_relay_job_failures_total')})`, 'jobs')),
    );
}

