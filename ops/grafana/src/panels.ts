import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { ORANGE, SERIES, TEXT, VERMILLION } from './colours.js';
import { STATE_NAMES, STATES } from './states.js';

/** Whatever Prometheus the dashboard's first variable names. */
export const DATASOURCE: dashboard.DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/** What every panel has to have; the width is of 24. */
type Head = readonly [title: string, unit: string, width: number, description: string];

/** A query over the dashboard's time; `legend` may name labels as `{{label}}`. */
export function over(expr: string, legend: string): prometheus.DataqueryBuilder {
  return new prometheus.DataqueryBuilder().expr(expr).range().legendFormat(legend);
}

/** A query of the end of the dashboard's time. */
export function now(expr: string, legend = ''): prometheus.DataqueryBuilder {
  return new prometheus.DataqueryBuilder().expr(expr).instant().legendFormat(legend);
}

/** The same as rows of a table, a column for each label. */
export function rows(expr: string): prometheus.DataqueryBuilder {
  return now(expr).format(prometheus.PromQueryFormat.Table);
}

/** Warns from `warning` on and alarms from `critical` on. */
export function limits(warning: number | null, critical: number | null): Builder<dashboard.ThresholdsConfig> {
  const steps: dashboard.Threshold[] = [{ value: null, color: TEXT }];
  if (warning !== null) steps.push({ value: warning, color: ORANGE });
  if (critical !== null) steps.push({ value: critical, color: VERMILLION });
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps);
}

/** The other way round: alarms below `critical` and warns below `warning`. */
export function floors(warning: number, critical: number): Builder<dashboard.ThresholdsConfig> {
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps([
    { value: null, color: VERMILLION },
    { value: critical, color: ORANGE },
    { value: warning, color: TEXT },
  ]);
}

const NO_LIMITS = limits(null, null);

const colour = (mode: dashboard.FieldColorModeId): dashboard.FieldColorBuilder =>
  new dashboard.FieldColorBuilder().mode(mode);

const last = (): common.ReduceDataOptionsBuilder => new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']);

/** One number, with its history behind it where the query has one. */
export function number(...[title, unit, width, description]: Head): stat.PanelBuilder {
  return new stat.PanelBuilder()
    .title(title)
    .unit(unit)
    .span(width)
    .description(description)
    .height(4)
    .datasource(DATASOURCE)
    .reduceOptions(last())
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.Area)
    .colorScheme(colour(dashboard.FieldColorModeId.Thresholds))
    .thresholds(NO_LIMITS);
}

function lines(...[title, unit, width, description]: Head): timeseries.PanelBuilder {
  return new timeseries.PanelBuilder()
    .title(title)
    .unit(unit)
    .span(width)
    .description(description)
    .height(8)
    .datasource(DATASOURCE)
    .min(0)
    .lineWidth(2)
    .fillOpacity(8)
    .showPoints(common.VisibilityMode.Never)
    .thresholds(NO_LIMITS)
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    );
}

/** Lines whose names are known, each with its own colour. */
export function chart(
  ...[title, unit, width, description, series]: [...Head, readonly string[]]
): timeseries.PanelBuilder {
  const panel = lines(title, unit, width, description).legend(
    new common.VizLegendOptionsBuilder()
      .displayMode(common.LegendDisplayMode.List)
      .placement(common.LegendPlacement.Bottom)
      .showLegend(true),
  );
  return coloured(panel, series, SERIES);
}

/** Lines of whatever hosts and outboxes there are: a legend that tells how bad each has been. */
export function ranking(...head: Head): timeseries.PanelBuilder {
  return lines(...head)
    .fillOpacity(0)
    .colorScheme(colour(dashboard.FieldColorModeId.PaletteClassicByName))
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max'])
        .sortBy('Max')
        .sortDesc(true),
    );
}

/** Draws the limits of the panel where its lines come near them. */
export function withLimits(
  panel: timeseries.PanelBuilder,
  thresholds: Builder<dashboard.ThresholdsConfig>,
): timeseries.PanelBuilder {
  return panel
    .thresholds(thresholds)
    .thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
}

/** Stacked bars of things that should not happen, so each one is seen. */
export function incidents(...head: [...Head, readonly string[]]): timeseries.PanelBuilder {
  return stacked(chart(...head))
    .drawStyle(common.GraphDrawStyle.Bars)
    .fillOpacity(80)
    .lineWidth(1)
    .axisSoftMax(1)
    .noValue('none');
}

export function stacked(panel: timeseries.PanelBuilder): timeseries.PanelBuilder {
  return panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal)).fillOpacity(60);
}

/** How many outboxes are in which state. */
export function states(...head: Head): timeseries.PanelBuilder {
  const panel = stacked(chart(...head, []))
    .lineWidth(1)
    .decimals(0);
  return coloured(
    panel,
    STATES.map(({ name }) => name),
    STATES.map(({ colour }) => colour),
  );
}

function coloured(
  panel: timeseries.PanelBuilder,
  names: readonly string[],
  colours: readonly string[],
): timeseries.PanelBuilder {
  names.forEach((name, place) => {
    const fixedColor = colours[place % colours.length];
    panel.overrideByName(name, [{ id: 'color', value: { mode: dashboard.FieldColorModeId.Fixed, fixedColor } }]);
  });
  return panel;
}

/** Bars of the worst, worst first. */
export function worst(...[title, unit, width, description]: Head): bargauge.PanelBuilder {
  return new bargauge.PanelBuilder()
    .title(title)
    .unit(unit)
    .span(width)
    .description(description)
    .height(8)
    .datasource(DATASOURCE)
    .min(0)
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .valueMode(common.BarGaugeValueMode.Text)
    .showUnfilled(true)
    .reduceOptions(last())
    .colorScheme(colour(dashboard.FieldColorModeId.Thresholds))
    .thresholds(NO_LIMITS);
}

/** A row for each outbox, coloured by its state, with the state's name in it. */
export function stateTimeline(...[title, unit, width, description]: Head): statetimeline.PanelBuilder {
  return new statetimeline.PanelBuilder()
    .title(title)
    .unit(unit)
    .span(width)
    .description(description)
    .height(5)
    .datasource(DATASOURCE)
    .mappings(STATE_NAMES)
    .thresholds(NO_LIMITS)
    .colorScheme(colour(dashboard.FieldColorModeId.Thresholds))
    .mergeValues(true)
    .showValue(common.VisibilityMode.Auto)
    .rowHeight(0.85)
    .fillOpacity(80)
    .lineWidth(0)
    .legend(new common.VizLegendOptionsBuilder().showLegend(false).displayMode(common.LegendDisplayMode.List));
}

/** A histogram over time: the darker, the more. */
export function density(...[title, unit, width, description]: Head): heatmap.PanelBuilder {
  return new heatmap.PanelBuilder()
    .title(title)
    .unit(unit)
    .span(width)
    .description(description)
    .height(8)
    .datasource(DATASOURCE)
    .calculate(false)
    .color(
      new heatmap.HeatmapColorOptionsBuilder()
        .mode(heatmap.HeatmapColorMode.Scheme)
        .scheme('Blues')
        .scale(heatmap.HeatmapColorScale.Exponential)
        .exponent(0.5)
        .steps(64),
    )
    .yAxis(new heatmap.YAxisConfigBuilder().unit(unit))
    .cellGap(1)
    .filterValues(new heatmap.FilterValueRangeBuilder().le(1e-9))
    .hideLegend();
}

/** A table of what is true now. */
export function list(...[title, unit, width, description]: Head): table.PanelBuilder {
  return new table.PanelBuilder()
    .title(title)
    .unit(unit)
    .span(width)
    .description(description)
    .height(9)
    .datasource(DATASOURCE)
    .thresholds(NO_LIMITS)
    .showHeader(true)
    .cellHeight(common.TableCellHeight.Sm);
}
