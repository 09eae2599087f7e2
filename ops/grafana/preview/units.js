// The units that the dashboards use, written about as Grafana writes them.
/* exported written */

const scaled = (value, base, names) => {
  let place = 0;
  let rest = value;
  while (Math.abs(rest) >= base && place < names.length - 1) {
    rest /= base;
    place += 1;
  }
  return `${digits(rest)}${names[place]}`;
};

const digits = (value) => {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3)));
};

const bytes = (value) => scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB']);
const short = (value) => scaled(value, 1000, ['', ' K', ' Mil', ' Bil']);

const seconds = (value) => {
  if (value === 0) return '0 s';
  if (Math.abs(value) < 1) return `${digits(value * 1000)} ms`;
  for (const [name, size] of [
    ['days', 86400],
    ['hours', 3600],
    ['min', 60],
  ]) {
    if (Math.abs(value) >= size) return `${digits(value / size)} ${name}`;
  }
  return `${digits(value)} s`;
};

const WRITTEN = {
  short,
  bytes,
  s: seconds,
  dtdurations: seconds,
  ms: (value) => seconds(value / 1000),
  binBps: (value) => `${bytes(value)}/s`,
  cps: (value) => `${short(value)} c/s`,
  percentunit: (value) => `${digits(value * 100)}%`,
  dateTimeFromNow: (value) => `${seconds(Math.max(0, now - value / 1000))} ago`,
};

// The end of the data stands for now.
let now = 0;

/** A value in a unit, or the name that the mappings give it. */
function written(value, unit, mappings = []) {
  if (value === null || value === undefined) return '';
  for (const mapping of mappings) {
    const found = mapping.options[String(value)];
    if (found) return found.text;
  }
  return WRITTEN[unit](value);
}
