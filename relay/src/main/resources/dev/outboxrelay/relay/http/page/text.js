/** How things are said, and how they get into the page: as text, never as markup. */

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];
const NUMBER = new Intl.NumberFormat("en");
const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DATE_AND_TIME = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** An element with attributes and children; a string becomes a text node. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Sets the text, and hides the element if there is none. */
export function say(target, text) {
  target.hidden = !text;
  set(target, text ?? "");
}

/** Touches the page only if the text is another one. */
export function set(target, text) {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

export function number(value) {
  return NUMBER.format(value);
}

/** Like the command line: 1.5 MiB. */
export function bytes(value) {
  let unit = 0;
  let scaled = value;
  while (scaled >= 1024 && unit < UNITS.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} bytes` : `${scaled.toFixed(1)} ${UNITS[unit]}`;
}

/** Like the command line: 40 s, 3 minutes, 5 hours, 2 days. */
export function age(millis) {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  if (seconds >= 48 * 3600) {
    return `${Math.floor(seconds / 86400)} days`;
  } else if (seconds >= 7200) {
    return `${Math.floor(seconds / 3600)} hours`;
  }
  return seconds >= 120 ? `${Math.floor(seconds / 60)} minutes` : `${seconds} s`;
}

export function rate(perSecond) {
  return `${perSecond >= 10 || perSecond === 0 ? number(Math.round(perSecond)) : perSecond.toFixed(1)}/s`;
}

/** The time of day, with the date if that is not today's. */
export function time(millis) {
  const at = new Date(millis);
  const today = at.toDateString() === new Date().toDateString();
  return (today ? TIME : DATE_AND_TIME).format(at);
}

/** A row of a table. The first cell is its heading. */
export function row(...cells) {
  return element(
    "tr",
    {},
    ...cells.map((cell, column) =>
      column === 0 ? element("th", { scope: "row" }, cell) : element("td", {}, cell)),
  );
}

/** A table with a heading for each column. */
export function table(columns, rows) {
  const headings = columns.map((column) => element("th", { scope: "col" }, column));
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...headings)),
    element("tbody", {}, ...rows),
  );
}
