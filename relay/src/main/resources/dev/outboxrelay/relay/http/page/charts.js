/** The last hour of one outbox as charts, and as a table for whoever can't use these. */

import { age, bytes, element, number, rate, row, set, table, time } from "./text.js";

const HOUR_SECONDS = 3600;
/** A relay that has just started has no hour to show. */
const LEAST_SECONDS = 600;
const HEIGHT = 150;
const PADDING = [8, 20, 0, 0];
const SYNC = "hour";
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, power) => 2 ** power);
const ROUND_SECONDS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 86400, 604800];

const ofSeconds = (seconds) => age(seconds * 1000);

const CHARTS = [
  { title: "Events that wait", field: "lag_events", say: number },
  { title: "Bytes that wait", field: "lag_bytes", say: bytes, steps: POWERS_OF_TWO },
  { title: "Age of the oldest", field: "oldest_age_seconds", say: ofSeconds, steps: ROUND_SECONDS },
  { title: "Delivered", field: "delivered_per_second", say: rate, second: "retried_per_second", secondTitle: "sent again" },
];

/** Of the table. */
const COLUMNS = [...CHARTS, { title: "Sent again", field: "retried_per_second", say: rate }];

/** Axis labels have room for some characters only. */
function short(say, value) {
  if (say === number || say === rate) {
    return new Intl.NumberFormat("en", { notation: "compact" }).format(value);
  }
  return say(value).replace(" minutes", " min").replace(".0 ", " ").replace("bytes", "B");
}

/** Times in seconds and values, with a hole where samples are missing. */
function columns(history, fields) {
  const times = [];
  const values = fields.map(() => []);
  const longest = 3 * history.interval_ms;
  history.at.forEach((at, index) => {
    if (index > 0 && at - history.at[index - 1] > longest) {
      times.push((history.at[index - 1] + 1) / 1000);
      values.forEach((column) => column.push(null));
    }
    times.push(at / 1000);
    fields.forEach((field, column) => values[column].push(history[field][index]));
  });
  return [times, ...values];
}

/** From and to of each stretch of trouble, in seconds. */
function troubles(history) {
  const spans = [];
  history.at.forEach((at, index) => {
    const seconds = at / 1000;
    if (!history.troubled[index]) {
      return;
    }
    if (index > 0 && history.troubled[index - 1]) {
      spans[spans.length - 1][1] = seconds;
    } else {
      spans.push([seconds, seconds + history.interval_ms / 1000]);
    }
  });
  return spans;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

class Chart {
  #kind;
  #figure;
  #place = element("div", { role: "img" });
  #readout = element("span", { class: "readout" });
  #history = null;
  #now = 0;
  #plot = null;

  constructor(kind, parent) {
    this.#kind = kind;
    const key = kind.second
      ? element("span", { class: "second" }, kind.secondTitle)
      : null;
    this.#figure = element(
      "figure",
      {},
      element("figcaption", {}, element("span", { class: "title" }, kind.title), " ", this.#readout, " ", key),
      this.#place,
    );
    this.#say("no sample yet");
    parent.append(this.#figure);
    new ResizeObserver(() => this.#fit()).observe(this.#place);
  }

  show(history, nowMillis) {
    this.#history = history;
    this.#now = nowMillis / 1000;
    const fields = [this.#kind.field, this.#kind.second].filter(Boolean);
    const data = columns(history, fields);
    if (this.#plot === null) {
      this.#plot = new globalThis.uPlot(this.#options(fields.length), data, this.#place);
    } else {
      this.#plot.setData(data);
    }
    this.#describe();
  }

  /** Colours are fixed when a plot is made. */
  recolour() {
    this.#plot?.destroy();
    this.#plot = null;
    if (this.#history !== null) {
      this.show(this.#history, this.#now * 1000);
    }
  }

  #fit() {
    const width = this.#place.clientWidth;
    if (width > 0 && this.#plot !== null && this.#plot.width !== width) {
      this.#plot.setSize({ width, height: HEIGHT });
    }
  }

  #begin() {
    const first = (this.#history.at[0] ?? 0) / 1000;
    return Math.max(this.#now - HOUR_SECONDS, Math.min(first, this.#now - LEAST_SECONDS));
  }

  #say(text) {
    set(this.#readout, text);
    this.#place.setAttribute("aria-label", `${this.#kind.title}: ${text}`);
  }

  #describe() {
    const values = this.#history[this.#kind.field];
    if (values.length === 0) {
      this.#say("no sample yet");
      return;
    }
    const highest = values.indexOf(Math.max(...values));
    const now = this.#kind.say(values.at(-1));
    const most = `at most ${this.#kind.say(values[highest])} at ${time(this.#history.at[highest])}`;
    this.#place.setAttribute("aria-label", `${this.#kind.title} in the last hour: now ${now}, ${most}`);
    if (this.#plot?.cursor.idx == null) {
      set(this.#readout, `${now}, ${most}`);
    }
  }

  #follow(plot) {
    const index = plot.cursor.idx;
    const value = index == null ? null : plot.data[1][index];
    if (value == null) {
      this.#describe();
    } else {
      set(this.#readout, `${this.#kind.say(value)} at ${time(plot.data[0][index] * 1000)}`);
    }
  }

  #shade(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = colour("--shade");
    for (const [from, to] of troubles(this.#history)) {
      const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
      ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
    }
    ctx.restore();
  }

  #options(count) {
    const axis = {
      stroke: colour("--muted"),
      grid: { stroke: colour("--grid"), width: 1 },
      ticks: { show: false },
      font: "12px system-ui, sans-serif",
    };
    const lines = ["--line", "--second-line"].slice(0, count).map((name, place) => ({
      stroke: colour(name),
      fill: place === 0 ? colour("--fill") : undefined,
      width: 1.5,
      dash: place === 0 ? undefined : [4, 3],
      points: { show: false },
    }));
    return {
      width: Math.max(1, this.#place.clientWidth),
      height: HEIGHT,
      padding: PADDING,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: SYNC } },
      scales: {
        x: { range: () => [this.#begin(), this.#now] },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
      },
      axes: [
        { ...axis, size: 28, values: (_, splits) => splits.map((split) => CLOCK.format(split * 1000)) },
        {
          ...axis,
          size: 58,
          incrs: this.#kind.steps,
          values: (_, splits) => splits.map((split) => short(this.#kind.say, split)),
        },
      ],
      series: [{}, ...lines],
      hooks: {
        drawClear: [(plot) => this.#shade(plot)],
        setCursor: [(plot) => this.#follow(plot)],
      },
    };
  }
}

/** All charts of the outbox that is shown. */
export class Charts {
  #charts;
  #details = document.getElementById("hour");
  #history = null;

  constructor() {
    const place = document.getElementById("charts");
    this.#charts = CHARTS.map((kind) => new Chart(kind, place));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
      this.#charts.forEach((chart) => chart.recolour()));
    this.#details.addEventListener("toggle", () => this.#tabulate());
  }

  show(history, nowMillis) {
    this.#history = history;
    this.#charts.forEach((chart) => chart.show(history, nowMillis));
    this.#tabulate();
  }

  /** The highest value of each minute, newest first; made only while somebody looks. */
  #tabulate() {
    if (!this.#details.open || this.#history === null) {
      return;
    }
    const minutes = new Map();
    this.#history.at.forEach((at, index) => {
      const minute = Math.floor(at / 60000) * 60000;
      minutes.set(minute, [...(minutes.get(minute) ?? []), index]);
    });
    const rows = [...minutes].reverse().map(([minute, indexes]) =>
      row(
        time(minute),
        ...COLUMNS.map(({ field, say }) =>
          say(Math.max(...indexes.map((index) => this.#history[field][index])))),
      ));
    this.#details
      .querySelector("div")
      .replaceChildren(table(["Minute", ...COLUMNS.map(({ title }) => title)], rows));
  }
}
