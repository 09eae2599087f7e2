import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { GREY, ORANGE, SKY } from './colours.js';
import { DATASOURCE } from './panels.js';
import { FIRING } from './selected.js';

export const FLEET = 'outbox-relay-fleet';
export const RELAY = 'outbox-relay';
const TAG = 'outbox-relay';

/** What Grafana 10.0 writes; newer ones bring it up to date themselves. */
const SCHEMA_VERSION = 38;

/** The one in the alerts of ops/prometheus. */
const RUNBOOK_URL = 'https://example.com/outbox-relay/ops/runbook.md';

const RUNBOOK = new dashboard.TextBoxVariableBuilder('runbook')
  .label('Runbook')
  .description('Where your copy of ops/runbook.md is served')
  .hide(dashboard.VariableHide.HideVariable)
  .defaultValue(RUNBOOK_URL)
  .current({ selected: true, text: RUNBOOK_URL, value: RUNBOOK_URL });

interface Choice {
  readonly label: string;
  readonly description: string;
  readonly query: string;
}

function labelValues(name: string, { label, description, query }: Choice): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .query({ query, refId: name })
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.NaturalAsc);
}

/** One of the values at first. That more can be chosen makes Grafana escape it: `[::1]:9748` is no expression. */
export const one = (name: string, choice: Choice): dashboard.QueryVariableBuilder =>
  labelValues(name, choice).multi(true);

/** Any of the values; all at first. `allValue` keeps the query short where there are thousands. */
export function any(name: string, choice: Choice, allValue?: string): dashboard.QueryVariableBuilder {
  const variable = labelValues(name, choice)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ['All'], value: ['$__all'] });
  return allValue === undefined ? variable : variable.allValue(allValue);
}

export const JOB: Choice = {
  label: 'Job',
  description: 'The scrape jobs that have relays',
  query: 'label_values(outbox_relay_build_info, job)',
};

export const INSTANCE: Choice = {
  label: 'Host',
  description: 'The address that a relay is scraped at',
  query: 'label_values(outbox_relay_build_info{job=~"$job"}, instance)',
};

export const OUTBOX: Choice = {
  label: 'Outbox',
  description: 'The directory of the outbox',
  query: 'label_values(outbox_relay_build_info{job=~"$job", instance=~"$instance"}, outbox)',
};

interface Mark {
  readonly name: string;
  readonly expr: string;
  readonly colour: string;
  readonly title: string;
  readonly enabled: boolean;
}

const MARKS: readonly Mark[] = [
  {
    name: 'Alerts',
    expr: FIRING,
    colour: ORANGE,
    title: '{{alertname}}',
    enabled: true,
  },
  {
    name: 'Relay starts',
    // Seen however long the relay was away before.
    expr: 'time() - process_start_time_seconds{job=~"$job", instance=~"$instance"} < 60',
    colour: GREY,
    title: 'The relay was started',
    enabled: true,
  },
  {
    name: 'State changes',
    expr:
      'changes(outbox_relay_producer_state{state=~"stalled|backing-off|paused-topic|paused-all|fenced", ' +
      'job=~"$job", instance=~"$instance", outbox=~"$outbox"}[$__rate_interval]) > 0',
    colour: SKY,
    title: 'Began or ended: {{state}}',
    enabled: false,
  },
];

// The SDK's type lacks what the Prometheus data source reads from an annotation.
interface PrometheusAnnotation extends dashboard.AnnotationQuery {
  readonly titleFormat: string;
  readonly textFormat: string;
}

const annotation = ({ name, expr, colour, title, enabled }: Mark): { build(): PrometheusAnnotation } => ({
  build: () => ({
    ...new dashboard.AnnotationQueryBuilder()
      .name(name)
      .datasource(DATASOURCE)
      .enable(enabled)
      .iconColor(colour)
      .expr(expr)
      .build(),
    titleFormat: title,
    textFormat: '{{instance}} {{outbox}}',
  }),
});

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
}

/** A dashboard without panels and with the variables, links and marks that all of ours have. */
export function board(
  head: Board,
  variables: readonly { build(): dashboard.VariableModel }[],
): dashboard.DashboardBuilder {
  const start = new dashboard.DashboardBuilder(head.title)
    .uid(head.uid)
    .description(head.description)
    .tags([TAG])
    .timezone('browser')
    .editable()
    .time({ from: head.from, to: 'now' })
    .refresh('30s')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .withVariable(
      new dashboard.DatasourceVariableBuilder('datasource')
        .label('Data source')
        .description('The Prometheus that scrapes the relays')
        .type('prometheus'),
    )
    .withVariable(any('job', JOB));
  for (const variable of [...variables, RUNBOOK]) start.withVariable(variable);
  for (const mark of MARKS) start.annotation(annotation(mark));
  return start;
}

/** A link in the dashboard's head. */
export function link(title: string, url: string, tooltip: string, icon: string): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder(title)
    .type(dashboard.DashboardLinkType.Link)
    .url(url)
    .tooltip(tooltip)
    .icon(icon)
    .targetBlank(true);
}

/** A link from data to the dashboard of its relay, with what is selected here. */
export function relayOf(instance: string, outbox: string): dashboard.DashboardLinkBuilder {
  const url =
    `/d/${RELAY}?\${datasource:queryparam}&\${job:queryparam}` +
    `&var-instance=${instance}&var-outbox=${outbox}&\${__url_time_range}`;
  return new dashboard.DashboardLinkBuilder('Open this relay').url(url);
}

/** Ids from 1 on, and letters for the queries, which the SDK leaves to Grafana. */
export function finished(built: dashboard.Dashboard): dashboard.Dashboard {
  const panels = (built.panels ?? []).map((panel, place) => {
    const numbered = { ...panel, id: place + 1 };
    if (!('targets' in numbered) || numbered.targets === undefined) return numbered;
    const targets = numbered.targets.map((target, at) => ({ ...target, refId: String.fromCharCode(65 + at) }));
    return { ...numbered, targets };
  });
  return { ...built, schemaVersion: SCHEMA_VERSION, panels };
}
