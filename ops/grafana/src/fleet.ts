import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { any, board, FLEET, INSTANCE, link, OUTBOX, relayOf } from './board.js';
import * as limit from './limits.js';
import { chart, floors, limits, now, number, over, ranking, states, withLimits, worst } from './panels.js';
import { inRange, OF, PROCESS, rate } from './selected.js';
import * as shared from './shared.js';
import { STATES_EXPLAINED } from './states.js';
import { firingAlerts, oldestEvents } from './tables.js';

const OUTBOX_LEGEND = '{{instance}} {{outbox}}';
const TO_OUTBOX = relayOf('${__field.labels.instance}', '${__field.labels.outbox}');
const TO_HOST = relayOf('${__field.labels.instance}', '$__all');

// Of what has several series for each outbox: 18 buckets of 10,000 outboxes at 200 points are 36 million
// samples, and Prometheus answers a query of 50 million at most by default.
const FEW_POINTS = 200;

const AGE = 'outbox_relay_oldest_unsent_age_seconds';

const top = (expr: string): string => `topk($top, ${expr})`;
const perOutbox = (gauge: string): string => `max by (instance, outbox) (${gauge}{${OF}})`;
const OLDEST = top(perOutbox(AGE));

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
      number(
        'Relays down',
        units.Short,
        3,
        'Relays that Prometheus could not scrape last time. Their events wait on their disks.',
      )
        .thresholds(limits(1, null))
        .withTarget(over(`count(up{${PROCESS}} == 0) or vector(0)`, 'down')),
    )
    .withPanel(
      number('Relays up', units.Short, 3, 'Relays that Prometheus scrapes.').withTarget(
        over(`sum(up{${PROCESS}})`, 'up'),
      ),
    )
    .withPanel(
      number(
        'Not delivering',
        units.Short,
        3,
        'Outboxes in any other state than delivering and idle. An outage of Kafka shows here first.',
      )
        .thresholds(limits(1, null))
        .withTarget(
          over(
            `count(outbox_relay_producer_state{state!~"delivering|idle", ${OF}} == 1) or vector(0)`,
            'not delivering',
          ),
        ),
    )
    .withPanel(shared.oldestWaiting())
    .withPanel(shared.eventsWaiting())
    .withPanel(shared.delivered())
    .withPanel(shared.deadLetters())
    .withPanel(shared.refusedAppends());
}

function behind(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Who is behind'))
    .withPanel(oldestEvents(OLDEST))
    .withPanel(firingAlerts(7))
    .withPanel(
      states(
        'Outboxes by state',
        units.Short,
        12,
        STATES_EXPLAINED,
      )
        .maxDataPoints(FEW_POINTS)
        .withTarget(over(`sum by (state) (outbox_relay_producer_state{${OF}}) > 0`, '{{state}}')),
    )
    .withPanel(
      chart(
        'Outboxes behind, by age of their oldest event',
        units.Short,
        12,
        'Tells one slow host from an outage of all, however many hosts there are.',
        ['more than 10 s', 'more than 1 min', 'more than 5 min', 'more than 30 min'],
      )
        .decimals(0)
        .withTarget(over(`count(${AGE}{${OF}} > 10) or vector(0)`, 'more than 10 s'))
        .withTarget(over(`count(${AGE}{${OF}} > 60) or vector(0)`, 'more than 1 min'))
        .withTarget(over(`count(${AGE}{${OF}} > 300) or vector(0)`, 'more than 5 min'))
        .withTarget(over(`count(${AGE}{${OF}} > 1800) or vector(0)`, 'more than 30 min')),
    )
    .withPanel(
      withLimits(
        ranking(
          'Age of the oldest waiting event, worst outboxes',
          units.Seconds,
          12,
          'Rises by one second per second while nothing is delivered, and falls at once when Kafka is back.',
        ),
        limits(...limit.AGE_SECONDS),
      )
        .dataLinks([TO_OUTBOX])
        .withTarget(over(OLDEST, OUTBOX_LEGEND)),
    )
    .withPanel(
      ranking(
        'Events waiting, worst hosts',
        units.Short,
        12,
        'Appended and not settled, all outboxes of a host together.',
      )
        .dataLinks([TO_HOST])
        .withTarget(over(top(`sum by (instance) (outbox_relay_lag_events{${OF}})`), '{{instance}}')),
    )
    .withPanel(shared.barredTopics().maxDataPoints(FEW_POINTS))
    .withPanel(
      ranking(
        "How long a topic can't be written, worst outboxes",
        units.Seconds,
        12,
        'Of the topic that was barred first. One outbox alone: a misspelt name, a right that it lacks. Many: a topic.',
      )
        .dataLinks([TO_OUTBOX])
        .withTarget(over(top(perOutbox('outbox_relay_topic_barred_age_seconds')), OUTBOX_LEGEND)),
    )
    .withPanel(shared.parkedEvents().maxDataPoints(FEW_POINTS))
    .withPanel(
      ranking(
        'Age of the oldest parked event, worst outboxes',
        units.Seconds,
        12,
        'Parked events wait apart for their topic; they count towards the limit of their outbox.',
      )
        .dataLinks([TO_OUTBOX])
        .withTarget(over(top(perOutbox('outbox_relay_oldest_parked_age_seconds')), OUTBOX_LEGEND)),
    );
}

function throughput(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Throughput'))
    .withPanel(shared.appendedAndDelivered())
    .withPanel(
      ranking('Delivered, busiest hosts', units.CountsPerSecond, 8, 'Events that Kafka acked per second.')
        .dataLinks([TO_HOST])
        .withTarget(over(top(`sum by (instance) (${rate('outbox_relay_events_delivered_total')})`), '{{instance}}')),
    )
    .withPanel(shared.latency().maxDataPoints(FEW_POINTS));
}

function losses(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Errors and what needs a look'))
    .withPanel(shared.failedSends().maxDataPoints(FEW_POINTS))
    .withPanel(shared.deadLettersByReason().maxDataPoints(FEW_POINTS))
    .withPanel(shared.refusedAppendsByReason().maxDataPoints(FEW_POINTS))
    .withPanel(
      worst(
        'Failed sends, worst hosts',
        units.Short,
        6,
        'Of the selected time. One host alone has its own trouble: credentials, network, a topic.',
      )
        .decimals(0)
        .dataLinks([TO_HOST])
        .noValue('none')
        .withTarget(
          now(`${top(`sum by (instance) (${inRange('outbox_relay_send_errors_total')})`)} > 0`, '{{instance}}'),
        ),
    )
    .withPanel(
      worst('Dead letters, worst hosts', units.Short, 6, 'Of the selected time.')
        .decimals(0)
        .dataLinks([TO_HOST])
        .noValue('none')
        .thresholds(limits(null, 0.5))
        .withTarget(
          now(`${top(`sum by (instance) (${inRange('outbox_relay_dead_letters_total')})`)} > 0`, '{{instance}}'),
        ),
    )
    .withPanel(
      worst('Refused appends, worst hosts', units.Short, 6, 'Of the selected time.')
        .decimals(0)
        .dataLinks([TO_HOST])
        .noValue('none')
        .thresholds(limits(null, 0.5))
        .withTarget(
          now(`${top(`sum by (instance) (${inRange('outbox_append_failures_total')})`)} > 0`, '{{instance}}'),
        ),
    )
    .withPanel(shared.damageFound().span(6));
}

function disks(start: dashboard.DashboardBuilder): void {
  const free = `min by (instance, outbox) (outbox_relay_disk_free_bytes{${OF}})`;
  start
    .withRow(new dashboard.RowBuilder('Disks'))
    .withPanel(
      withLimits(
        ranking(
          'Free space, fullest disks',
          units.BytesIEC,
          8,
          'Left for the relay on the file system of the outbox. At 0 clients refuse appends as "full".',
        ),
        floors(...limit.FREE_BYTES),
      )
        .dataLinks([TO_OUTBOX])
        .withTarget(over(`bottomk($top, ${free})`, OUTBOX_LEGEND)),
    )
    .withPanel(
      worst(
        'Time until a disk is full',
        units.Seconds,
        8,
        'If space goes on shrinking as in the last hour; 30 days stands for "not soon".',
      )
        .max(limit.NOT_SOON_SECONDS)
        .thresholds(floors(...limit.FULL_IN_SECONDS))
        .dataLinks([TO_OUTBOX])
        .withTarget(
          now(
            `sort(bottomk($top, clamp_max(${free} / clamp_min(-min by (instance, outbox) ` +
              `(deriv(outbox_relay_disk_free_bytes{${OF}}[1h])), 1), ${limit.NOT_SOON_SECONDS})))`,
            OUTBOX_LEGEND,
          ),
        ),
    )
    .withPanel(
      ranking(
        'Used by queues, largest',
        units.BytesIEC,
        8,
        'Cycle files of an outbox, what is kept for OUTBOX_RETAIN included.',
      )
        .dataLinks([TO_OUTBOX])
        .withTarget(over(top(perOutbox('outbox_relay_disk_used_bytes')), OUTBOX_LEGEND)),
    );
}

function processes(start: dashboard.DashboardBuilder): void {
  start
    .withRow(new dashboard.RowBuilder('Relays'))
    .withPanel(
      withLimits(
        ranking(
          'Time since the delivery loop turned, worst',
          units.Seconds,
          8,
          'Milliseconds in health, whatever Kafka does. /healthz says 503 from 15 s on.',
        ),
        limits(null, limit.TICK_SECONDS),
      )
        .dataLinks([TO_OUTBOX])
        .withTarget(over(top(perOutbox('outbox_relay_loop_tick_age_seconds')), OUTBOX_LEGEND)),
    )
    .withPanel(
      worst(
        'Restarts, worst hosts',
        units.Short,
        8,
        'Of the selected time. A relay needs none: not for an outage of Kafka, not for rotated credentials.',
      )
        .decimals(0)
        .dataLinks([TO_HOST])
        .noValue('none')
        .thresholds(limits(3, null))
        .withTarget(
          now(
            `${top(`sum by (instance) (changes(process_start_time_seconds{${PROCESS}}[$__range]))`)} > 0`,
            '{{instance}}',
          ),
        ),
    )
    .withPanel(
      states(
        'Versions',
        units.Short,
        8,
        'How many outboxes each version of the relay serves: the progress of a roll-out.',
      ).withTarget(over(`count by (version) (outbox_relay_build_info{${OF}})`, '{{version}}')),
    );
}
