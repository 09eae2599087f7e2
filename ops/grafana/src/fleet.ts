import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { any, board, FLEET, INSTANCE, link, OUTBOX, RELAY } from './board.js';
import * as limit from './limits.js';
import { chart, floors, incidents, limits, list, now, number, over, ranking, rows, states, worst } from './panels.js';
import { APPEND_REASONS, DEAD_LETTER_REASONS, DAMAGE_LEGENDS, damage, SEND_ERROR_KINDS } from './reasons.js';
import { STATE_NAMES, stateNumber } from './states.js';

const PROCESS = 'job=~"$job", instance=~"$instance"';
const OF = `${PROCESS}, outbox=~"$outbox"`;
const PER_OUTBOX = 'instance, outbox';
const OUTBOX_LEGEND = '{{instance}} {{outbox}}';

const rate = (counter: string): string => `rate(${counter}{${OF}}[$__rate_interval])`;
const increase = (counter: string): string => `increase(${counter}{${OF}}[$__rate_interval])`;
const inRange = (counter: string): string => `increase(${counter}{${OF}}[$__range])`;
const perOutbox = (gauge: string): string => `max by (${PER_OUTBOX}) (${gauge}{${OF}})`;
const top = (expr: string): string => `topk($top, ${expr})`;

const AGE = 'outbox_relay_oldest_unsent_age_seconds';
const OLDEST = top(perOutbox(AGE));

/** From a host to its own dashboard, with what is selected here. */
function relayOf(instance: string, outbox: string): dashboard.DashboardLinkBuilder {
  const url =
    `/d/${RELAY}?\${datasource:queryparam}&\${job:queryparam}` +
    `&var-instance=${instance}&var-outbox=${outbox}&\${__url_time_range}`;
  return new dashboard.DashboardLinkBuilder('Open this relay').url(url);
}

const TO_OUTBOX = relayOf('${__field.labels.instance}', '${__field.labels.outbox}');
const TO_HOST = relayOf('${__field.labels.instance}', '$__all');
const TO_ROW = relayOf('${__data.fields.instance}', '${__data.fields.outbox}');

export function fleet(): dashboard.DashboardBuilder {
  const start = board(
    {
      uid: FLEET,
      title: 'Outbox relays: fleet',
      description: 'Which hosts have events that do not reach Kafka, since when, and why.',
      from: 'now-6h',
    },
    [any('instance', INSTANCE, '.+'), any('outbox', OUTBOX, '.+'), worstShown()],
  ).link(link('Runbook', '${runbook}', 'What each alert means and what to do', 'doc'));
  summary(start);
  behind(start);
  throughput(start);
  losses(start);
  disks(start);
  processes(start);
  return start;
}

function worstShown(): dashboard.CustomVariableBuilder {
  const counts = ['5', '10', '20', '50'];
  return new dashboard.CustomVariableBuilder('top')
    .label('Worst')
    .description('How many hosts or outboxes a ranking shows at any moment')
    .values(counts.join(','))
    .current({ selected: true, text: '10', value: '10' })
    .options(counts.map((count) => ({ selected: count === '10', text: count, value: count })));
}

function summary(start: dashboard.DashboardBuilder): void {
  start
    .withPanel(
      number({
        title: 'Relays down',
        description: 'Relays that Prometheus could not scrape last time. Their events wait on their disks.',
        unit: units.Short,
        width: 3,
      })
        .thresholds(limits(1, null))
        .withTarget(over(`count(up{${PROCESS}} == 0) or vector(0)`, 'down')),
    )
    .withPanel(
      number({
        title: 'Relays up',
        description: 'Relays that Prometheus scrapes.',
        unit: units.Short,
        width: 3,
      }).withTarget(over(`sum(up{${PROCESS}})`, 'up')),
    )
    .withPanel(
      number({
        title: 'Outboxes not delivering',
        description: 'Outboxes in any other state than "delivering". An outage of Kafka shows here first.',
        unit: units.Short,
        width: 3,
      })
        .thresholds(limits(1, null))
        .withTarget(over(`sum(1 - outbox_relay_producer_state{state="delivering", ${OF}})`, 'not delivering')),
    )
    .withPanel(
      number({
        title: 'Oldest waiting event',
        description: 'Age of the oldest event of all that Kafka has not acked. This is the number to be woken by.',
        unit: units.Seconds,
        width: 3,
      })
        .thresholds(limits(...limit.AGE_SECONDS))
        .withTarget(over(`max(${AGE}{${OF}})`, 'oldest')),
    )
    .withPanel(
      number({
        title: 'Events waiting',
        description: 'Events appended and not settled, on all hosts.',
        unit: units.Short,
        width: 3,
      }).withTarget(over(`sum(outbox_relay_lag_events{${OF}})`, 'waiting')),
    )
    .withPanel(
      number({
        title: 'Delivered',
        description: 'Events that Kafka acked per second, on all hosts.',
        unit: units.CountsPerSecond,
        width: 3,
      }).withTarget(over(`sum(${rate('outbox_relay_events_delivered_total')})`, 'delivered')),
    )
    .withPanel(
      number({
        title: 'Dead letters',
        description: 'Events of the selected time that Kafka will never take. Each one wants a look.',
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
        description: 'Appends of the selected time that clients refused: what these tasks wanted to tell is not in the outbox.',
        unit: units.Short,
        width: 3,
      })
        .decimals(0)
        .thresholds(limits(null, 0.5))
        .withTarget(now(`sum(${inRange('outbox_append_failures_total')})`, 'refused')),
    );
}

function behind(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Who is behind'))
    .withPanel(oldest())
    .withPanel(
      states({
        title: 'Outboxes by state',
        description:
          'A healthy outbox is "delivering", also when it is empty. Stalled and backing-off: Kafka does not answer. ' +
          'Paused and fenced: somebody has to mend something.',
        unit: units.Short,
        width: 12,
      }).withTarget(over(`sum by (state) (outbox_relay_producer_state{${OF}}) > 0`, '{{state}}')),
    )
    .withPanel(
      chart(
        {
          title: 'Outboxes behind, by age of their oldest event',
          description: 'Tells one slow host from an outage of all, however many hosts there are.',
          unit: units.Short,
          width: 12,
        },
        ['more than 10 s', 'more than 1 min', 'more than 5 min', 'more than 1 h'],
      )
        .decimals(0)
        .withTarget(over(`count(${AGE}{${OF}} > 10) or vector(0)`, 'more than 10 s'))
        .withTarget(over(`count(${AGE}{${OF}} > 60) or vector(0)`, 'more than 1 min'))
        .withTarget(over(`count(${AGE}{${OF}} > 300) or vector(0)`, 'more than 5 min'))
        .withTarget(over(`count(${AGE}{${OF}} > 3600) or vector(0)`, 'more than 1 h')),
    )
    .withPanel(
      ranking({
        title: 'Age of the oldest waiting event, worst outboxes',
        description: 'Rises by one second per second while nothing is delivered, and falls at once when Kafka is back.',
        unit: units.Seconds,
        width: 12,
      })
        .dataLinks([TO_OUTBOX])
        .withTarget(over(OLDEST, OUTBOX_LEGEND)),
    )
    .withPanel(
      ranking({
        title: 'Events waiting, worst hosts',
        description: 'Appended and not settled, all outboxes of a host together.',
        unit: units.Short,
        width: 12,
      })
        .dataLinks([TO_HOST])
        .withTarget(over(top(`sum by (instance) (outbox_relay_lag_events{${OF}})`), '{{instance}}')),
    );
}

function oldest(): ReturnType<typeof list> {
  const named = (displayName: string, unit: string): dashboard.DynamicConfigValue[] => [
    { id: 'displayName', value: displayName },
    { id: 'unit', value: unit },
  ];
  return list({
    title: 'Oldest waiting events, now',
    description: 'The outboxes whose oldest event has waited longest. A click on a host opens its own dashboard.',
    unit: units.Short,
    width: 24,
  })
    .withTarget(rows(OLDEST))
    .withTarget(rows(`${perOutbox('outbox_relay_lag_events')} and ${OLDEST}`))
    .withTarget(rows(`${perOutbox('outbox_relay_lag_bytes')} and ${OLDEST}`))
    .withTarget(rows(`${stateNumber(OF)} and ${OLDEST}`))
    .withTarget(rows(`${perOutbox('outbox_relay_last_delivery_timestamp_seconds')} * 1000 and ${OLDEST}`))
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: { instance: 0, outbox: 1, 'Value #A': 2, 'Value #B': 3, 'Value #C': 4, 'Value #D': 5, 'Value #E': 6 },
        renameByName: {},
      },
    })
    .sortBy([new common.TableSortByFieldStateBuilder().displayName('Oldest event').desc(true)])
    .overrideByName('instance', [
      { id: 'displayName', value: 'Host' },
      { id: 'links', value: [TO_ROW.build()] },
    ])
    .overrideByName('outbox', [{ id: 'displayName', value: 'Outbox' }])
    .overrideByName('Value #A', [
      ...named('Oldest event', units.Seconds),
      { id: 'thresholds', value: limits(...limit.AGE_SECONDS).build() },
      { id: 'custom.cellOptions', value: { type: common.TableCellDisplayMode.ColorText } },
    ])
    .overrideByName('Value #B', named('Events', units.Short))
    .overrideByName('Value #C', named('Bytes', units.BytesIEC))
    .overrideByName('Value #D', [
      ...named('State', units.Short),
      { id: 'mappings', value: STATE_NAMES },
      { id: 'custom.cellOptions', value: { type: common.TableCellDisplayMode.ColorText } },
    ])
    .overrideByName('Value #E', [
      ...named('Last delivery', units.DateTimeFromNow),
      // 0 stands for "not since the start".
      { id: 'mappings', value: [{ type: 'value', options: { 0: { text: 'none since the start' } } }] },
    ]);
}

function throughput(start: dashboard.DashboardBuilder): void {
  const latency = (quantile: number): string =>
    `histogram_quantile(${quantile}, sum by (le) (${rate('outbox_relay_delivery_latency_seconds_bucket')}))`;
  start
    .withRow(new dashboard.RowBuilder('Throughput'))
    .withPanel(
      chart(
        {
          title: 'Appended and delivered, all hosts',
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
        title: 'Delivered, busiest hosts',
        description: 'Events that Kafka acked per second.',
        unit: units.CountsPerSecond,
        width: 8,
      })
        .dataLinks([TO_HOST])
        .withTarget(
          over(top(`sum by (instance) (${rate('outbox_relay_events_delivered_total')})`), '{{instance}}'),
        ),
    )
    .withPanel(
      chart(
        {
          title: 'From append to ack, all hosts',
          description: 'How long events take into Kafka. After an outage it tells how long it was.',
          unit: units.Seconds,
          width: 8,
        },
        ['p50', 'p95', 'p99'],
      )
        .withTarget(over(latency(0.5), 'p50'))
        .withTarget(over(latency(0.95), 'p95'))
        .withTarget(over(latency(0.99), 'p99')),
    );
}

function losses(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Errors and what needs a look'))
    .withPanel(
      incidents(
        {
          title: 'Failed sends, by what the relay did',
          description:
            'Kafka\'s client retries by itself; only what it gave up is here. "rewind" sends again, ' +
            '"dead-letter" sets aside, "pause-…" waits for somebody.',
          unit: units.Short,
          width: 8,
        },
        SEND_ERROR_KINDS,
      ).withTarget(over(`sum by (kind) (${increase('outbox_relay_send_errors_total')})`, '{{kind}}')),
    )
    .withPanel(
      incidents(
        {
          title: 'Dead letters, by reason',
          description: 'Events that Kafka will never take. `dead-letters list` on the host shows them.',
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
          description: 'Counted by the clients. "full" and "busy" are about the host, "too-large" and "invalid" about the task.',
          unit: units.Short,
          width: 8,
        },
        APPEND_REASONS,
      ).withTarget(over(`sum by (reason) (${increase('outbox_append_failures_total')})`, '{{reason}}')),
    )
    .withPanel(
      worst({
        title: 'Failed sends, worst hosts',
        description: 'Of the selected time. One host alone has its own trouble: credentials, network, a topic.',
        unit: units.Short,
        width: 6,
      })
        .decimals(0)
        .dataLinks([TO_HOST])
        .noValue('none')
        .withTarget(now(`${top(`sum by (instance) (${inRange('outbox_relay_send_errors_total')})`)} > 0`, '{{instance}}')),
    )
    .withPanel(
      worst({
        title: 'Dead letters, worst hosts',
        description: 'Of the selected time.',
        unit: units.Short,
        width: 6,
      })
        .decimals(0)
        .dataLinks([TO_HOST])
        .noValue('none')
        .thresholds(limits(null, 0.5))
        .withTarget(now(`${top(`sum by (instance) (${inRange('outbox_relay_dead_letters_total')})`)} > 0`, '{{instance}}')),
    )
    .withPanel(
      worst({
        title: 'Refused appends, worst hosts',
        description: 'Of the selected time.',
        unit: units.Short,
        width: 6,
      })
        .decimals(0)
        .dataLinks([TO_HOST])
        .noValue('none')
        .thresholds(limits(null, 0.5))
        .withTarget(now(`${top(`sum by (instance) (${inRange('outbox_append_failures_total')})`)} > 0`, '{{instance}}')),
    )
    .withPanel(
      incidents(
        {
          title: 'Damage found in the queues',
          description: 'Corrupt records go to the quarantine; the rest goes on. Any of these means a disk, a crash or a foreign writer.',
          unit: units.Short,
          width: 6,
        },
        DAMAGE_LEGENDS,
      ).targets(damage((counter) => `sum(${increase(counter)})`)),
    );
}

function disks(start: dashboard.DashboardBuilder): void {
  const free = `min by (${PER_OUTBOX}) (outbox_relay_disk_free_bytes{${OF}})`;
  start
    .withRow(new dashboard.RowBuilder('Disks'))
    .withPanel(
      ranking({
        title: 'Free space, fullest disks',
        description: 'Left for the relay on the file system of the outbox. At 0 clients refuse appends as "full".',
        unit: units.BytesIEC,
        width: 8,
      })
        .dataLinks([TO_OUTBOX])
        .withTarget(over(`bottomk($top, ${free})`, OUTBOX_LEGEND)),
    )
    .withPanel(
      worst({
        title: 'Time until a disk is full',
        description: 'If space goes on shrinking as in the last hour; 30 days stands for "not soon".',
        unit: units.Seconds,
        width: 8,
      })
        .max(limit.NOT_SOON_SECONDS)
        .thresholds(floors(...limit.FULL_IN_SECONDS))
        .dataLinks([TO_OUTBOX])
        .withTarget(
          now(
            `sort(bottomk($top, clamp_max(${free} / clamp_min(-min by (${PER_OUTBOX}) ` +
              `(deriv(outbox_relay_disk_free_bytes{${OF}}[1h])), 1), ${limit.NOT_SOON_SECONDS})))`,
            OUTBOX_LEGEND,
          ),
        ),
    )
    .withPanel(
      ranking({
        title: 'Used by queues, largest',
        description: 'Cycle files of an outbox, what is kept for OUTBOX_RETAIN included.',
        unit: units.BytesIEC,
        width: 8,
      })
        .dataLinks([TO_OUTBOX])
        .withTarget(over(top(perOutbox('outbox_relay_disk_used_bytes')), OUTBOX_LEGEND)),
    );
}

function processes(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Relays'))
    .withPanel(
      ranking({
        title: 'Time since the delivery loop turned, worst',
        description: 'Milliseconds in health, whatever Kafka does. /healthz says 503 from 15 s on.',
        unit: units.Seconds,
        width: 8,
      })
        .dataLinks([TO_OUTBOX])
        .thresholds(limits(null, limit.TICK_SECONDS))
        .withTarget(over(top(perOutbox('outbox_relay_loop_tick_age_seconds')), OUTBOX_LEGEND)),
    )
    .withPanel(
      worst({
        title: 'Restarts, worst hosts',
        description: 'Of the selected time. A relay needs none: not for an outage of Kafka, not for rotated credentials.',
        unit: units.Short,
        width: 8,
      })
        .decimals(0)
        .dataLinks([TO_HOST])
        .noValue('none')
        .thresholds(limits(3, null))
        .withTarget(
          now(`${top(`sum by (instance) (changes(process_start_time_seconds{${PROCESS}}[$__range]))`)} > 0`, '{{instance}}'),
        ),
    )
    .withPanel(
      states({
        title: 'Versions',
        description: 'How many outboxes each version of the relay serves: the progress of a roll-out.',
        unit: units.Short,
        width: 8,
      }).withTarget(over(`count by (version) (outbox_relay_build_info{${OF}})`, '{{version}}')),
    );
}
