import * as common from '@grafana/grafana-foundation-sdk/common';
import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';
import type { PanelBuilder } from '@grafana/grafana-foundation-sdk/table';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { relayOf } from './board.js';
import { ORANGE, VERMILLION } from './colours.js';
import * as limit from './limits.js';
import { limits, list, rows } from './panels.js';
import { FIRING, OF } from './selected.js';
import { STATE_NAMES, stateNumber } from './states.js';

const COLOURED = { id: 'custom.cellOptions', value: { type: common.TableCellDisplayMode.ColorText } };

const named = (displayName: string, unit?: string): DynamicConfigValue[] => [
  { id: 'displayName', value: displayName },
  ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
];

/** Puts the columns in this order and leaves out the time. */
function columns(panel: PanelBuilder, names: readonly string[], hidden: readonly string[] = []): PanelBuilder {
  return panel.withTransformation({
    id: 'organize',
    options: {
      excludeByName: Object.fromEntries(['Time', ...hidden].map((name) => [name, true])),
      indexByName: Object.fromEntries(names.map((name, place) => [name, place])),
      renameByName: {},
    },
  });
}

const sorted = (displayName: string, desc: boolean): common.TableSortByFieldStateBuilder =>
  new common.TableSortByFieldStateBuilder().displayName(displayName).desc(desc);

/** The outboxes that `oldest` selects, with all that one wants to know of each. */
export function oldestEvents(oldest: string): PanelBuilder {
  const perOutbox = (gauge: string): string => `max by (instance, outbox) (${gauge}{${OF}})`;
  const panel = list(
    'Oldest waiting events, now',
    units.Short,
    17,
    'The outboxes whose oldest event has waited longest. A click on a host opens its own dashboard.',
  )
    .withTarget(rows(oldest))
    .withTarget(rows(`${perOutbox('outbox_relay_lag_events')} and ${oldest}`))
    .withTarget(rows(`${perOutbox('outbox_relay_lag_bytes')} and ${oldest}`))
    .withTarget(rows(`${stateNumber(OF)} and ${oldest}`))
    .withTarget(rows(`${perOutbox('outbox_relay_last_delivery_timestamp_seconds')} * 1000 and ${oldest}`))
    .withTransformation({ id: 'merge', options: {} });
  return (
    columns(panel, ['instance', 'outbox', 'Value #A', 'Value #B', 'Value #C', 'Value #D', 'Value #E'])
      .sortBy([sorted('Oldest event', true)])
      // Named by overrides, as links find a column only by the name that it has in the answer.
      .overrideByName('instance', [
        ...named('Host'),
        { id: 'links', value: [relayOf('${__data.fields.instance}', '${__data.fields.outbox}').build()] },
      ])
      .overrideByName('outbox', named('Outbox'))
      .overrideByName('Value #A', [
        ...named('Oldest event', units.Seconds),
        { id: 'thresholds', value: limits(...limit.AGE_SECONDS).build() },
        COLOURED,
      ])
      .overrideByName('Value #B', named('Events', units.Short))
      .overrideByName('Value #C', named('Bytes', units.BytesIEC))
      .overrideByName('Value #D', [...named('State', units.Short), { id: 'mappings', value: STATE_NAMES }, COLOURED])
      .overrideByName('Value #E', [
        ...named('Last delivery', units.DateTimeFromNow),
        { id: 'mappings', value: [{ type: 'value', options: { 0: { text: 'none since the start' } } }] },
      ])
  );
}

const SEVERITIES = {
  type: 'value',
  options: { page: { color: VERMILLION, index: 0 }, ticket: { color: ORANGE, index: 1 } },
};

/** Which alerts fire, and for how many outboxes. */
export function firingAlerts(width: number): PanelBuilder {
  const panel = list(
    'Firing alerts, now',
    units.Short,
    width,
    'The alerts of ops/prometheus and how many outboxes each fires for. The runbook says what to do.',
  )
    .noValue('none')
    .withTarget(rows(`sort_desc(count by (severity, alertname) (${FIRING}))`));
  return columns(panel, ['severity', 'alertname', 'Value'])
    .sortBy([sorted('Severity', false)])
    .overrideByName('severity', [...named('Severity'), { id: 'mappings', value: [SEVERITIES] }, COLOURED])
    .overrideByName('alertname', named('Alert'))
    .overrideByName('Value', named('Outboxes', units.Short));
}
