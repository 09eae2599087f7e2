import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { any, board, FLEET, INSTANCE, link, one, OUTBOX, RELAY } from './board.js';
import * as limit from './limits.js';
import { chart, density, floors, incidents, limits, number, now, over, ranking, stacked, stateTimeline } from './panels.js';
import { APPEND_REASONS, damage, DAMAGE_LEGENDS, DEAD_LETTER_REASONS, SEND_ERROR_KINDS } from './reasons.js';
import { STATE_NAMES, stateNumber } from './states.js';

const PROCESS = 'job=~"$job", instance=~"$instance"';
const OF = `${PROCESS}, outbox=~"$outbox"`;

// One relay can serve hundreds of outboxes.
const MOST = 20;

const rate = (counter: string): string => `rate(${counter}{${OF}}[$__rate_interval])`;
const increase = (counter: string): string => `increase(${counter}{${OF}}[$__rate_interval])`;
const inRange = (counter: string): string => `increase(${counter}{${OF}}[$__range])`;
const perOutbox = (gauge: string): string => `topk(${MOST}, max by (outbox) (${gauge}{${OF}}))`;
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
      link('Fleet', `/d/${FLEET}?\${datasource:queryparam}&\${job:queryparam}&\${__url_time_range}`, 'All relays', 'apps')
        .targetBlank(false),
    )
    .link(link('Status page', 'http://${instance}/', 'Where the relay listens on more than its own loopback', 'external link'))
    .link(link('Runbook', '${runbook}', 'What each alert means and what to do', 'doc'));
  summary(start);
  waiting(start);
  delivery(start);
  errors(start);
  disk(start);
  process(start);
  return start;
}

function summary(start: dashboard.DashboardBuilder): void {
  start
    .withPanel(
      number({
        title: 'State',
        description:
          'The worst state of the selected outboxes. Stalled and backing-off: Kafka does not answer. ' +
          'Paused and fenced: somebody has to mend something; the status page and `status` say what.',
        unit: units.Short,
        width: 4,
      })
        .mappings(STATE_NAMES)
        .graphMode(common.BigValueGraphMode.None)
        .withTarget(now(`max(${stateNumber(OF)})`, 'state')),
    )
    .withPanel(
      number({
        title: 'Oldest waiting event',
        description: 'Age of the oldest event that Kafka has not acked, 0 if nothing waits. Right while the loop is stuck, too.',
        unit: units.Seconds,
        width: 4,
      })
        .thresholds(limits(...limit.AGE_SECONDS))
        .withTarget(over(`max(outbox_relay_oldest_unsent_age_seconds{${OF}})`, 'oldest')),
    )
    .withPanel(
      number({
        title: 'Events waiting',
        description: 'Events appended and not settled.',
        unit: units.Short,
        width: 3,
      }).withTarget(over(`sum(outbox_relay_lag_events{${OF}})`, 'waiting')),
    )
    .withPanel(
      number({
        title: 'Delivered',
        description: 'Events that Kafka acked per second.',
        unit: units.CountsPerSecond,
        width: 3,
      }).withTarget(over(`sum(${rate('outbox_relay_events_delivered_total')})`, 'delivered')),
    )
    .withPanel(
      number({
        title: 'Dead letters',
        description: 'Of the selected time: events that Kafka will never take. `dead-letters list` shows them.',
        unit: units.Short,
        width: 3,
      })
        .decimals(0)
        .thresholds(limits(null, 0.5))
        .withTarget(now(`sum(${inRange('outbox_relay_dead_letters_total')})`, 'dead letters')),
    )
    .withPanel(
      number({
        title: 'Refused appends',
        description: 'Of the selected time: what these tasks wanted to tell is not in the outbox.',
        unit: units.Short,
        width: 3,
      })
        .decimals(0)
        .thresholds(limits(null, 0.5))
        .withTarget(now(`sum(${inRange('outbox_append_failures_total')})`, 'refused')),
    )
    .withPanel(
      number({
        title: 'Up for',
        description: 'Since the last start of the process.',
        unit: units.DurationSeconds,
        width: 4,
      })
        .graphMode(common.BigValueGraphMode.None)
        .decimals(0)
        .withTarget(now(`time() - max(process_start_time_seconds{${PROCESS}})`, 'up for')),
    );
}

function waiting(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('What waits'))
    .withPanel(
      stateTimeline({
        title: 'State of delivery',
        description:
          'What the relay was doing when. Probing: one event at a time after a new connection. ' +
          `At most ${MOST} outboxes, the worst.`,
        unit: units.Short,
        width: 24,
      }).withTarget(over(`topk(${MOST}, max by (outbox) (${stateNumber(OF)}))`, '{{outbox}}')),
    )
    .withPanel(
      ranking({
        title: 'Events waiting',
        description: 'Appended and not settled. Falls to 0 when Kafka takes them.',
        unit: units.Short,
        width: 8,
      })
        .fillOpacity(8)
        .withTarget(over(perOutbox('outbox_relay_lag_events'), '{{outbox}}')),
    )
    .withPanel(
      ranking({
        title: 'Bytes waiting',
        description: 'What OUTBOX_MAX_BYTES caps.',
        unit: units.BytesIEC,
        width: 8,
      })
        .fillOpacity(8)
        .withTarget(over(perOutbox('outbox_relay_lag_bytes'), '{{outbox}}')),
    )
    .withPanel(
      ranking({
        title: 'Age of the oldest waiting event',
        description: 'Rises by one second per second while nothing is delivered.',
        unit: units.Seconds,
        width: 8,
      })
        .fillOpacity(8)
        .withTarget(over(perOutbox('outbox_relay_oldest_unsent_age_seconds'), '{{outbox}}')),
    );
}

function delivery(start: dashboard.DashboardBuilder): void {
  const buckets = 'outbox_relay_delivery_latency_seconds_bucket';
  const latency = (quantile: number): string => `histogram_quantile(${quantile}, sum by (le) (${rate(buckets)}))`;
  start
    .withRow(new dashboard.RowBuilder('Delivery'))
    .withPanel(
      chart(
        {
          title: 'Appended and delivered',
          description: 'The two lie on each other while all is well. Delivered counts again what is sent again.',
          unit: units.CountsPerSecond,
          width: 8,
        },
        ['appended', 'delivered'],
      )
        .withTarget(over(`sum(${rate('outbox_relay_appended_sequence')})`, 'appended'))
        .withTarget(over(`sum(${rate('outbox_relay_events_delivered_total')})`, 'delivered')),
    )
    .withPanel(
      ranking({
        title: 'Bytes delivered',
        description: 'Size in the queue of what Kafka acked, per second.',
        unit: units.BytesPerSecondIEC,
        width: 8,
      })
        .fillOpacity(8)
        .withTarget(over(perOutboxRate('outbox_relay_bytes_delivered_total'), '{{outbox}}')),
    )
    .withPanel(
      chart(
        {
          title: 'In flight',
          description: 'Sent and not acked; OUTBOX_WINDOW_RECORDS caps it. At the cap the broker or the network is the limit.',
          unit: units.Short,
          width: 8,
        },
        ['events', 'bytes'],
      )
        .overrideByName('bytes', [
          { id: 'unit', value: units.BytesIEC },
          { id: 'custom.axisPlacement', value: 'right' },
        ])
        .withTarget(over(`sum(outbox_relay_inflight_events{${OF}})`, 'events'))
        .withTarget(over(`sum(outbox_relay_inflight_bytes{${OF}})`, 'bytes')),
    )
    .withPanel(
      chart(
        {
          title: 'From append to ack',
          description: 'How long events take into Kafka. After an outage it tells how long it was.',
          unit: units.Seconds,
          width: 8,
        },
        ['p50', 'p95', 'p99'],
      )
        .withTarget(over(latency(0.5), 'p50'))
        .withTarget(over(latency(0.95), 'p95'))
        .withTarget(over(latency(0.99), 'p99')),
    )
    .withPanel(
      density({
        title: 'From append to ack, all of them',
        description: 'The histogram itself: events per second in each bucket, the darker the more.',
        unit: units.Seconds,
        width: 8,
      }).withTarget(over(`sum by (le) (${rate(buckets)})`, '{{le}}').format(prometheus.PromQueryFormat.Heatmap)),
    )
    .withPanel(
      ranking({
        title: 'Time since the last delivery',
        description: 'Says nothing about an outbox that is empty. Look at it beside what waits.',
        unit: units.Seconds,
        width: 8,
      }).withTarget(
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
    .withPanel(
      incidents(
        {
          title: 'Failed sends, by what the relay did',
          description:
            "Kafka's client retries by itself; only what it gave up is here. rebuild: a new producer, and what was not " +
            'acked is sent again. pause-topic and pause-all: somebody has to mend something.',
          unit: units.Short,
          width: 8,
        },
        SEND_ERROR_KINDS,
      ).withTarget(over(`sum by (kind) (${increase('outbox_relay_send_errors_total')})`, '{{kind}}')),
    )
    .withPanel(
      incidents(
        {
          title: 'Events sent again',
          description: 'By a rewind, after a new producer. Consumers may see some of them twice, with the same outbox-event-id.',
          unit: units.Short,
          width: 8,
        },
        ['sent again'],
      ).withTarget(over(`sum(${increase('outbox_relay_retries_total')})`, 'sent again')),
    )
    .withPanel(
      incidents(
        {
          title: 'Dead letters, by reason',
          description: 'Events that Kafka will never take. `dead-letters list` and `dead-letters show` tell which.',
          unit: units.Short,
          width: 8,
        },
        DEAD_LETTER_REASONS,
      ).withTarget(over(`sum by (reason) (${increase('outbox_relay_dead_letters_total')})`, '{{reason}}')),
    )
    .withPanel(
      incidents(
        {
          title: 'Refused appends, by reason',
          description: 'Counted by the clients. full and busy are about the host, too-large and invalid about the task.',
          unit: units.Short,
          width: 8,
        },
        APPEND_REASONS,
      ).withTarget(over(`sum by (reason) (${increase('outbox_append_failures_total')})`, '{{reason}}')),
    )
    .withPanel(
      incidents(
        {
          title: 'Damage found in the queue',
          description: 'Corrupt records go to the quarantine and the rest goes on. Look at the disk, and run `verify`.',
          unit: units.Short,
          width: 8,
        },
        DAMAGE_LEGENDS,
      ).targets(damage((counter) => `sum(${increase(counter)})`)),
    )
    .withPanel(
      incidents(
        {
          title: 'Not written to disk',
          description:
            'Positions, dead letters, quarantines and deletions that failed and are tried again: rights, a full disk, or a bad one.',
          unit: units.Short,
          width: 8,
        },
        ['positions', 'jobs'],
      )
        .withTarget(over(`sum(${increase('outbox_relay_checkpoint_failures_total')})`, 'positions'))
        .withTarget(over(`sum(${increase('outbox_relay_job_failures_total')})`, 'jobs')),
    );
}

function disk(start: dashboard.DashboardBuilder): void {
  const free = `outbox_relay_disk_free_bytes{${OF}}`;
  start
    .withRow(new dashboard.RowBuilder('Disk'))
    .withPanel(
      ranking({
        title: 'Used by the queue',
        description: 'Cycle files, what is kept for OUTBOX_RETAIN included.',
        unit: units.BytesIEC,
        width: 8,
      })
        .fillOpacity(8)
        .withTarget(over(perOutbox('outbox_relay_disk_used_bytes'), '{{outbox}}')),
    )
    .withPanel(
      ranking({
        title: 'Free on its file system',
        description: 'Left for the relay. At 0 clients refuse appends as full; delivery goes on.',
        unit: units.BytesIEC,
        width: 6,
      })
        .thresholds(floors(...limit.FREE_BYTES))
        .withTarget(over(`bottomk(${MOST}, min by (outbox) (${free}))`, '{{outbox}}')),
    )
    .withPanel(
      number({
        title: 'Full in',
        description: 'If space goes on shrinking as in the last hour; 30 days stands for "not soon".',
        unit: units.Seconds,
        width: 4,
        height: 8,
      })
        .thresholds(floors(...limit.FULL_IN_SECONDS))
        .withTarget(
          now(
            `min(clamp_max(${free} / clamp_min(-deriv(${free}[1h]), 1), ${limit.NOT_SOON_SECONDS}))`,
            'full in',
          ),
        ),
    )
    .withPanel(
      chart(
        {
          title: 'Cycle files',
          description: 'Files of the queue, and deletions of those that are settled. Hourly; more only while events wait or are kept.',
          unit: units.Short,
          width: 6,
        },
        ['files', 'deleted'],
      )
        .decimals(0)
        .withTarget(over(`sum(outbox_relay_cycles{${OF}})`, 'files'))
        .withTarget(over(`sum(${increase('outbox_relay_cycle_deletions_total')})`, 'deleted')),
    );
}

function process(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Process'))
    .withPanel(
      ranking({
        title: 'Time since the delivery loop turned',
        description: 'Milliseconds in health, whatever Kafka does. /healthz says 503 from 15 s on.',
        unit: units.Seconds,
        width: 6,
      })
        .thresholds(limits(null, limit.TICK_SECONDS))
        .withTarget(over(perOutbox('outbox_relay_loop_tick_age_seconds'), '{{outbox}}')),
    )
    .withPanel(
      chart(
        {
          title: 'Heap',
          description: 'Used, and what -Xmx allows. Used falls with every collection.',
          unit: units.BytesIEC,
          width: 6,
        },
        ['used', 'committed', 'max'],
      )
        .withTarget(over(`sum(jvm_memory_used_bytes{area="heap", ${PROCESS}})`, 'used'))
        .withTarget(over(`sum(jvm_memory_committed_bytes{area="heap", ${PROCESS}})`, 'committed'))
        .withTarget(over(`sum(jvm_memory_max_bytes{area="heap", ${PROCESS}} > 0)`, 'max')),
    )
    .withPanel(
      chart(
        {
          title: 'CPU',
          description: 'Of the host: the relay, and everything on it. 100 % are all cores.',
          unit: units.PercentUnit,
          width: 6,
        },
        ['relay', 'host'],
      )
        .withTarget(over(`max(process_cpu_usage{${PROCESS}})`, 'relay'))
        .withTarget(over(`max(system_cpu_usage{${PROCESS}})`, 'host')),
    )
    .withPanel(
      stacked(
        chart(
          {
            title: 'Paused by garbage collection',
            description: 'Share of time, by cause. A full collection again and again means that -Xmx is too small.',
            unit: units.PercentUnit,
            width: 6,
          },
          [],
        ),
      ).withTarget(
        over(`sum by (cause) (rate(jvm_gc_pause_seconds_sum{${PROCESS}}[$__rate_interval]))`, '{{cause}}'),
      ),
    )
    .withPanel(
      chart(
        {
          title: 'Threads and files',
          description: 'Live threads, and open file descriptors. Both stay flat, whatever happens.',
          unit: units.Short,
          width: 6,
        },
        ['threads', 'open files'],
      )
        .withTarget(over(`max(jvm_threads_live_threads{${PROCESS}})`, 'threads'))
        .withTarget(over(`max(process_files_open_files{${PROCESS}})`, 'open files')),
    );
}
