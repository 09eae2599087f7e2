// What surrounds delivery: Kafka's client, the disk, the process.
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import * as limit from './limits.js';
import { chart, floors, incidents, limits, now, number, over, ranking, stacked, withLimits } from './panels.js';
import { increase, MOST, OF, perOutbox, PROCESS } from './selected.js';

export function producer(start: dashboard.DashboardBuilder): void {
  const worst = (gauge: string): string => `max(kafka_producer_${gauge}{${OF}})`;
  const count = (counter: string): string => `sum(${increase(`kafka_producer_${counter}`)})`;
  start
    .withRow(new dashboard.RowBuilder("Kafka's producer"))
    .withPanel(
      chart(
        'Where the time goes',
        units.Milliseconds,
        6,
        'Averages of the last half minute. Request: broker and network. Queue: waiting for a request. Throttled: by a quota of the broker.',
        ['request', 'queue', 'throttled'],
      )
        .withTarget(over(worst('request_latency_avg'), 'request'))
        .withTarget(over(worst('record_queue_time_avg'), 'queue'))
        .withTarget(over(worst('produce_throttle_time_avg'), 'throttled')),
    )
    .withPanel(
      incidents(
        'What the client retried',
        units.Short,
        6,
        'Retries of single sends, usual around a broker that restarts. Errors are what it gave up; logins are refused credentials.',
        ['retries', 'errors', 'failed logins'],
      )
        .withTarget(over(count('record_retry_total'), 'retries'))
        .withTarget(over(count('record_error_total'), 'errors'))
        .withTarget(over(count('failed_authentication_total'), 'failed logins')),
    )
    .withPanel(
      ranking(
        'Buffer in use',
        units.PercentUnit,
        6,
        'Of buffer.memory. Full while Kafka is away; full otherwise: Kafka is the limit.',
      )
        .max(1)
        .fillOpacity(8)
        .withTarget(
          over(
            `topk(${MOST}, max by (outbox) (1 - kafka_producer_buffer_available_bytes{${OF}} / kafka_producer_buffer_total_bytes{${OF}}))`,
            '{{outbox}}',
          ),
        ),
    )
    .withPanel(
      chart(
        'Connections',
        units.Short,
        6,
        'Open ones, and new ones. New ones again and again: brokers, network or credentials fail.',
        ['open', 'new'],
      )
        .decimals(0)
        .withTarget(over(`sum(kafka_producer_connection_count{${OF}})`, 'open'))
        .withTarget(over(count('connection_creation_total'), 'new')),
    );
}

export function disk(start: dashboard.DashboardBuilder): void {
  const free = `outbox_relay_disk_free_bytes{${OF}}`;
  start
    .withRow(new dashboard.RowBuilder('Disk'))
    .withPanel(
      ranking('Used by the queue', units.BytesIEC, 8, 'Cycle files, what is kept for OUTBOX_RETAIN included.')
        .fillOpacity(8)
        .withTarget(over(perOutbox('outbox_relay_disk_used_bytes'), '{{outbox}}')),
    )
    .withPanel(
      withLimits(
        ranking(
          'Free on its file system',
          units.BytesIEC,
          6,
          'Left for the relay. At 0 clients refuse appends as full; delivery goes on.',
        ),
        floors(...limit.FREE_BYTES),
      ).withTarget(over(`bottomk(${MOST}, min by (outbox) (${free}))`, '{{outbox}}')),
    )
    .withPanel(
      number(
        'Full in',
        units.Seconds,
        4,
        'If space goes on shrinking as in the last hour; 30 days stands for "not soon".',
      )
        .height(8)
        .thresholds(floors(...limit.FULL_IN_SECONDS))
        .withTarget(
          now(`min(clamp_max(${free} / clamp_min(-deriv(${free}[1h]), 1), ${limit.NOT_SOON_SECONDS}))`, 'full in'),
        ),
    )
    .withPanel(
      chart(
        'Cycle files',
        units.Short,
        6,
        'Files of the queue, and deletions of those that are settled. Hourly; more only while events wait or ' +
          'are kept.',
        ['files', 'deleted'],
      )
        .decimals(0)
        .withTarget(over(`sum(outbox_relay_cycles{${OF}})`, 'files'))
        .withTarget(over(`sum(${increase('outbox_relay_cycle_deletions_total')})`, 'deleted')),
    );
}

export function process(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Process'))
    .withPanel(
      withLimits(
        ranking(
          'Time since the delivery loop turned',
          units.Seconds,
          5,
          'Milliseconds in health, whatever Kafka does. /healthz says 503 from 15 s on.',
        ),
        limits(null, limit.TICK_SECONDS),
      ).withTarget(over(perOutbox('outbox_relay_loop_tick_age_seconds'), '{{outbox}}')),
    )
    .withPanel(
      chart('Heap', units.BytesIEC, 5, 'Used, and what -Xmx allows. Used falls with every collection.', [
        'used',
        'committed',
        'max',
      ])
        .withTarget(over(`sum(jvm_memory_used_bytes{area="heap", ${PROCESS}})`, 'used'))
        .withTarget(over(`sum(jvm_memory_committed_bytes{area="heap", ${PROCESS}})`, 'committed'))
        .withTarget(over(`sum(jvm_memory_max_bytes{area="heap", ${PROCESS}} > 0)`, 'max')),
    )
    .withPanel(
      chart('CPU', units.PercentUnit, 5, 'Of the host: the relay, and everything on it. 100 % are all cores.', [
        'relay',
        'host',
      ])
        .withTarget(over(`max(process_cpu_usage{${PROCESS}})`, 'relay'))
        .withTarget(over(`max(system_cpu_usage{${PROCESS}})`, 'host')),
    )
    .withPanel(
      stacked(
        chart(
          'Paused by garbage collection',
          units.PercentUnit,
          5,
          'Share of time, by cause. A full collection again and again means that -Xmx is too small.',
          [],
        ),
      ).withTarget(over(`sum by (cause) (rate(jvm_gc_pause_seconds_sum{${PROCESS}}[$__rate_interval]))`, '{{cause}}')),
    )
    .withPanel(
      chart(
        'Threads and files',
        units.Short,
        4,
        'Live threads, and open file descriptors. Both stay flat, whatever happens.',
        ['threads', 'open files'],
      )
        .withTarget(over(`max(jvm_threads_live_threads{${PROCESS}})`, 'threads'))
        .withTarget(over(`max(process_files_open_files{${PROCESS}})`, 'open files')),
    );
}
