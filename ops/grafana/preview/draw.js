// Draws a dashboard from its JSON and the answers to its queries: an approximation of what Grafana
// shows, for looking at layout, queries, names and units.
/* global uPlot, SHOWN, written, now:writable */

const { dashboard, data } = SHOWN;
const CELL = { width: (innerWidth - 16) / 24, height: 32, gap: 8, top: 66 };
const OTHER = ['#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#7f6f00', '#666666'];
const TEXT = '#24292e';

const element = (tag, parent, text = '', className = '') => {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  parent.append(made);
  return made;
};

const colourOf = (name) => (name === 'text' ? TEXT : name);
const last = (series) => series.points.filter(([, value]) => value !== null).at(-1)?.[1];
const highest = (series) => Math.max(...series.points.map(([, value]) => value ?? -Infinity));

function overriding(panel, name) {
  const found = panel.fieldConfig.overrides.filter(({ matcher }) => matcher.options === name);
  return Object.fromEntries(found.flatMap(({ properties }) => properties.map(({ id, value }) => [id, value])));
}

function limitColour(thresholds, value) {
  return colourOf(thresholds.steps.filter((step) => step.value === null || value >= step.value).at(-1).color);
}

function nothing(body, panel) {
  element('div', body, panel.fieldConfig.defaults.noValue ?? 'No data', 'none');
}

function seriesColour(panel, name, place) {
  return overriding(panel, name).color?.fixedColor ?? OTHER[place % OTHER.length];
}

// --- one function for each kind of panel ---

const kinds = {
  stat(panel, body, [[series]]) {
    if (!series) return nothing(body, panel);
    const { unit, mappings, thresholds } = panel.fieldConfig.defaults;
    const value = last(series);
    const big = element('div', body, written(value, unit, mappings), 'big');
    big.style.color = mappings?.[0]?.options[String(value)]?.color ?? limitColour(thresholds, value);
    if (panel.options.graphMode === 'area' && series.points.length > 1) {
      const box = element('div', body);
      plot(box, panel, [series], { width: body.clientWidth - 4, height: 46, bare: true });
    }
    return undefined;
  },

  timeseries(panel, body, answers) {
    const all = answers.flat();
    if (all.length === 0) return nothing(body, panel);
    const ranked = panel.options.legend.displayMode === 'table';
    if (ranked) all.sort((a, b) => highest(b) - highest(a));
    const legend = ranked ? rankedLegend(panel, all) : plainLegend(panel, all);
    const box = element('div', body);
    body.append(legend);
    plot(box, panel, all, { width: body.clientWidth - 4, height: body.clientHeight - legend.clientHeight - 6 });
    return undefined;
  },

  'state-timeline': (panel, body, answers) => {
    const { mappings } = panel.fieldConfig.defaults;
    const left = 130;
    const width = body.clientWidth - left - 8;
    const [from, to] = span(answers.flat());
    const x = (time) => left + ((time - from) / (to - from)) * width;
    const height = Math.min(40, (body.clientHeight - 20) / answers.flat().length);
    const parts = answers.flat().flatMap((series, row) => {
      const drawn = [`<text x="0" y="${row * height + 24}" font-size="11">${series.name}</text>`];
      const step = (to - from) / (series.points.length || 1);
      for (let at = 0; at < series.points.length;) {
        const [start, value] = series.points[at];
        let end = at;
        while (series.points[end + 1]?.[1] === value && series.points[end + 1][0] - series.points[end][0] < 3 * step)
          end += 1;
        const { text, color } = mappings[0].options[String(value)];
        const wide = x(series.points[end][0] + step) - x(start);
        drawn.push(
          `<rect x="${x(start)}" y="${row * height + 4}" width="${wide}" height="${height - 6}" fill="${color}" fill-opacity="0.8"/>`,
        );
        if (wide > 60) drawn.push(`<text x="${x(start) + 6}" y="${row * height + 24}" font-size="11">${text}</text>`);
        at = end + 1;
      }
      return drawn;
    });
    body.innerHTML += `<svg width="${body.clientWidth}" height="${body.clientHeight}">${parts.join('')}</svg>`;
  },

  bargauge(panel, body, answers) {
    const all = answers.flat();
    if (all.length === 0) return nothing(body, panel);
    const { unit, thresholds, max } = panel.fieldConfig.defaults;
    const top = max ?? Math.max(...all.map(last));
    for (const series of all) {
      const bar = element('div', body, '', 'bar');
      element('span', bar, series.name);
      const filled = element('div', element('div', bar));
      filled.style.width = `${Math.max(1, (100 * last(series)) / top)}%`;
      const colour = limitColour(thresholds, last(series));
      filled.style.background = colour === TEXT ? '#8e9ba8' : colour;
      element('span', bar, written(last(series), unit));
    }
    return undefined;
  },

  heatmap(panel, body, answers) {
    const upper = ({ labels }) => (labels.le === '+Inf' ? Infinity : Number(labels.le));
    const buckets = answers.flat().sort((a, b) => (upper(a) < upper(b) ? -1 : 1));
    const counts = buckets.map((bucket, place) =>
      bucket.points.map(([, value], at) => Math.max(0, value - (buckets[place - 1]?.points[at]?.[1] ?? 0))),
    );
    const most = Math.max(...counts.flat());
    const left = 60;
    const tall = (body.clientHeight - 6) / buckets.length;
    const wide = (body.clientWidth - left - 8) / (buckets[0].points.length || 1);
    const cells = counts.flatMap((row, place) => [
      place % 2
        ? ''
        : `<text x="0" y="${(buckets.length - place) * tall - 2}" font-size="10">${buckets[place].labels.le}</text>`,
      ...row.map((count, at) =>
        count > 1e-9
          ? `<rect x="${(left + at * wide).toFixed(1)}" y="${((buckets.length - 1 - place) * tall).toFixed(1)}" width="${(wide + 0.3).toFixed(1)}" height="${(tall - 1).toFixed(1)}" fill="#08519c" fill-opacity="${(0.12 + 0.88 * Math.sqrt(count / most)).toFixed(2)}"/>`
          : '',
      ),
    ]);
    body.innerHTML += `<svg width="${body.clientWidth}" height="${body.clientHeight}">${cells.join('')}</svg>`;
  },

  table(panel, body, answers) {
    const rows = new Map();
    answers.forEach((answer, place) => {
      for (const series of answer) {
        const key = JSON.stringify(series.labels);
        const row = rows.get(key) ?? { ...series.labels };
        row[answers.length > 1 ? `Value #${String.fromCharCode(65 + place)}` : 'Value'] = last(series);
        rows.set(key, row);
      }
    });
    if (rows.size === 0) return nothing(body, panel);
    const { indexByName } = panel.transformations.find(({ id }) => id === 'organize').options;
    const columns = Object.keys(indexByName).sort((a, b) => indexByName[a] - indexByName[b]);
    const sorted = [...rows.values()].sort((a, b) => b['Value #A'] - a['Value #A']);
    const table = element('table', body);
    const head = element('tr', table);
    for (const column of columns) element('th', head, overriding(panel, column).displayName ?? column);
    for (const row of sorted) {
      const line = element('tr', table);
      for (const column of columns) {
        const { unit, mappings, thresholds } = overriding(panel, column);
        const value = row[column];
        const cell = element('td', line, unit ? written(value, unit, mappings) : value);
        if (thresholds) cell.style.color = limitColour(thresholds, value);
        const mapped = mappings?.[0]?.options[String(value)]?.color;
        if (mapped) cell.style.color = mapped;
        if (overriding(panel, column).links) cell.style.textDecoration = 'underline';
      }
    }
  },
};

// --- lines ---

const TIME_AXIS = {
  font: '11px DejaVu Sans',
  grid: { stroke: '#eeeff0', width: 1 },
  ticks: { show: false },
  size: 22,
  values: (_, splits) => splits.map((time) => new Date(time * 1000).toISOString().slice(11, 19)),
};

function span(all) {
  const times = all.flatMap(({ points }) => points.map(([time]) => time));
  return [Math.min(...times), Math.max(...times)];
}

function plainLegend(panel, all) {
  const legend = document.createElement('div');
  legend.className = 'legend';
  all.forEach(({ name }, place) => {
    const item = element('span', legend);
    element('i', item).style.background = seriesColour(panel, name, place);
    item.append(name);
  });
  document.body.append(legend);
  return legend;
}

function rankedLegend(panel, all) {
  const { unit } = panel.fieldConfig.defaults;
  const table = document.createElement('table');
  table.className = 'ranking';
  const head = element('tr', table);
  for (const title of ['Name', 'Last *', 'Max']) element('th', head, title);
  all.slice(0, 4).forEach((series, place) => {
    const line = element('tr', table);
    const name = element('td', line);
    const dot = element('span', name, '\u2501 ');
    dot.style.color = seriesColour(panel, series.name, place);
    name.append(series.name);
    element('td', line, written(last(series), unit));
    element('td', line, written(highest(series), unit));
  });
  document.body.append(table);
  return table;
}

function plot(box, panel, all, { width, height, bare = false }) {
  const { unit, custom, min } = panel.fieldConfig.defaults;
  const times = TIMES;
  const place = new Map(times.map((time, at) => [time, at]));
  let lines = all.map(({ points }) => {
    const line = Array(times.length).fill(null);
    for (const [time, value] of points) line[place.get(time)] = value;
    return line;
  });
  const stacking = custom?.stacking?.mode === 'normal';
  if (stacking) {
    const sum = Array(times.length).fill(0);
    lines = lines.map((line) => line.map((value, at) => (sum[at] += value ?? 0))).reverse();
  }
  const drawn = stacking ? [...all].reverse() : all;
  const right = (name) => overriding(panel, name)['custom.axisPlacement'] === 'right';
  const axis = (scale, side, itsUnit) => ({
    scale,
    side,
    size: 68,
    font: '11px DejaVu Sans',
    values: (_, splits) => splits.map((value) => written(value, itsUnit)),
    grid: { show: side === 3, stroke: '#e8e9ea', width: 1 },
    ticks: { show: false },
  });
  const rightUnit = drawn.map(({ name }) => right(name) && overriding(panel, name).unit).find(Boolean);
  const softMax = custom?.axisSoftMax ?? 0;
  const range = (_, low, high) => [Math.min(min ?? low, low ?? 0), Math.max(softMax, (high || 1) * 1.05)];
  new uPlot(
    {
      width,
      height,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: true }, y: { range }, z: { range } },
      axes: bare
        ? [{ show: false }, { show: false }]
        : [TIME_AXIS, axis('y', 3, unit), ...(rightUnit ? [axis('z', 1, rightUnit)] : [])],
      series: [
        {},
        ...drawn.map(({ name }, at) => {
          const colour = bare ? '#8e9ba8' : seriesColour(panel, name, stacking ? all.length - 1 - at : at);
          const opacity = Math.round(((custom?.fillOpacity ?? 8) * 255) / 100);
          return {
            scale: right(name) ? 'z' : 'y',
            stroke: colour,
            width: bare ? 1 : (custom?.lineWidth ?? 1),
            fill: stacking ? colour : colour + opacity.toString(16).padStart(2, '0'),
            points: { show: false },
          };
        }),
      ],
    },
    [times, ...lines],
    box,
  );
}

// --- the page ---

// The queries of all panels have the same steps; one without a value is a gap.
const TIMES = [
  ...new Set(
    Object.values(data)
      .flat(2)
      .filter(({ points }) => points.length > 1)
      .flatMap(({ points }) => points.map(([time]) => time)),
  ),
].sort((a, b) => a - b);
now = Math.max(
  ...Object.values(data)
    .flat(2)
    .flatMap(({ points }) => points.map(([time]) => time)),
);
element('h1', document.body, dashboard.title);
element(
  'div',
  document.body,
  'Preview from the dashboard JSON with data of real relays, not a Grafana rendering.',
  'note',
);
for (const panel of dashboard.panels) {
  const { x, y, w, h } = panel.gridPos;
  const box = element('div', document.body, '', panel.type === 'row' ? 'row' : 'panel');
  box.style.left = `${8 + x * CELL.width}px`;
  box.style.top = `${CELL.top + y * CELL.height}px`;
  box.style.width = `${w * CELL.width - CELL.gap}px`;
  box.style.height = `${h * CELL.height - CELL.gap}px`;
  if (panel.type === 'row') {
    box.textContent = `\u2304 ${panel.title}`;
  } else {
    element('h2', box, panel.title);
    const body = element('div', box);
    body.style.height = `${h * CELL.height - CELL.gap - 38}px`;
    kinds[panel.type](panel, body, data[panel.id]);
  }
}
