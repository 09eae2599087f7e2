/**
 * Looks at the relay every two seconds while somebody looks at the page, and shows what it says.
 * Which outbox is shown is in the address, as #/its/path.
 */

import { Charts } from "./charts.js";
import { Figures } from "./figures.js";
import { ask, NoAnswer, RelayClock } from "./relay.js";
import { FleetList, News, showState, worstFirst } from "./summary.js";
import { showConfiguration, showDeadLetters, showTopics } from "./tables.js";
import { age, number, set, time } from "./text.js";

const BEAT_MILLIS = 1000;
const LOOK_MILLIS = 2000;
const HISTORY_MILLIS = 10000;
const LETTERS_MILLIS = 5000;
/** A relay with many outboxes takes longer to answer, and is asked less often. */
const REST_PER_LOOK = 20;
/** Of an outbox on hold nothing is known of its topics. */
const NO_TOPICS = { total: 0, by_reason: {}, topics: [] };
const NOTHING_PARKED = { topics: 0, events: 0, bytes: 0, of: [] };

const clock = new RelayClock();
const list = new FleetList();
const figures = new Figures();
const charts = new Charts();
const news = new News();

/** What is known, and since when; times are of performance.now(). */
const known = {
  status: null,
  at: null,
  perSecond: null,
  history: null,
  historyAt: 0,
  deadLetters: null,
  failing: false,
};
let selected = null;
let nextLook = 0;
let looking = false;

function select(outboxes) {
  const asked = location.hash.startsWith("#/") ? decodedHash() : null;
  const wanted = [asked, selected].find((path) => outboxes.some((outbox) => outbox.outbox === path));
  const now = wanted ?? outboxes[0]?.outbox ?? null;
  if (now !== selected) {
    selected = now;
    known.history = null;
    known.historyAt = 0;
    known.deadLetters = null;
  }
  return outboxes.find((outbox) => outbox.outbox === selected) ?? null;
}

function decodedHash() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return null;
  }
}

/** Shows all that the last answer told. */
function show() {
  const outboxes = worstFirst(known.status);
  const outbox = select(outboxes);
  set(
    document.getElementById("about"),
    `Version ${known.status.version}, up for ${age(clock.now() - known.status.started)}. As of ${time(known.status.now)}.`,
  );
  document.getElementById("none").hidden = outbox !== null;
  document.getElementById("outbox").hidden = outbox === null;
  list.show(outboxes, selected);
  if (outbox !== null) {
    showState(outbox, clock.now());
    showTopics(outbox.barred_topics ?? NO_TOPICS, outbox.parked ?? NOTHING_PARKED);
    news.tell(outbox);
    document.getElementById("served").hidden = outbox.onHold === true;
    if (!outbox.onHold) {
      known.perSecond = figures.show(outbox, known.status.now);
    }
  }
  showTitle(outboxes);
  return outbox;
}

function showTitle(outboxes) {
  const waiting = outboxes
    .filter((outbox) => outbox.summary.level !== "ok")
    .reduce((sum, outbox) => sum + (outbox.lag_events ?? 0), 0);
  const bad = outboxes.some((outbox) => outbox.summary.level !== "ok");
  document.title = known.failing
    ? "No answer - Outbox Relay"
    : `${bad ? `${number(waiting)} wait - ` : ""}Outbox Relay`;
}

/** Says that what is shown is old, and how old; the alert itself does not change every second. */
function showStale() {
  const banner = document.getElementById("stale");
  banner.hidden = !known.failing;
  document.body.classList.toggle("old", known.failing);
  set(
    banner.querySelector("[role=alert]"),
    !known.failing
      ? ""
      : known.status === null
        ? "The relay does not answer."
        : `The relay does not answer. What you see is as of ${time(known.status.now)}.`,
  );
  set(
    banner.querySelector(".since"),
    known.failing && known.at !== null ? `${age(performance.now() - known.at)} ago.` : "",
  );
}

async function showHistory(outbox) {
  if (known.history === null || performance.now() - known.historyAt >= HISTORY_MILLIS) {
    known.history = await ask("history.json", outbox.outbox);
    known.historyAt = performance.now();
  }
  if (known.history !== null && known.history.outbox === selected) {
    charts.show(withNow(known.history, outbox), known.status.now);
  }
}

/** The samples, and as the last one what is true now. */
function withNow(history, outbox) {
  const perSecond = known.perSecond ?? history.delivered_per_second.at(-1) ?? 0;
  return {
    ...history,
    at: [...history.at, known.status.now],
    lag_events: [...history.lag_events, outbox.lag_events],
    lag_bytes: [...history.lag_bytes, outbox.lag_bytes],
    oldest_age_seconds: [...history.oldest_age_seconds, outbox.oldest_age_ms / 1000],
    delivered_per_second: [...history.delivered_per_second, perSecond],
    retried_per_second: [...history.retried_per_second, null],
    troubled: [...history.troubled, outbox.trouble ? 1 : 0],
  };
}

/** They are read anew when there are more or not all were read, and now and then, as some may go. */
async function showLetters(outbox) {
  const before = known.deadLetters;
  const fresh = before !== null && performance.now() - before.asked < LETTERS_MILLIS;
  if (fresh && before.complete && before.madeSinceStart === outbox.dead_letters) {
    return;
  }
  const asked = performance.now();
  // They are read from the disk, which may hang; all else comes from memory.
  const letters = await ask("dead-letters.json", outbox.outbox).catch(() => null);
  if (letters !== null && letters.outbox === selected) {
    const text = JSON.stringify(letters);
    known.deadLetters = { ...letters, madeSinceStart: outbox.dead_letters, asked, text };
    if (text !== before?.text) {
      showDeadLetters(letters);
    }
  }
}

async function look() {
  const begun = performance.now();
  try {
    const status = await ask("status.json");
    known.status = status;
    known.at = performance.now();
    known.failing = false;
    clock.set(status.now);
    const outbox = show();
    if (outbox !== null && !outbox.onHold) {
      await showHistory(outbox);
      await showLetters(outbox);
    }
  } catch (error) {
    if (!(error instanceof NoAnswer)) {
      console.error(error);
    }
    known.failing = true;
  }
  showStale();
  if (known.status !== null) {
    showTitle(worstFirst(known.status));
  }
  const took = performance.now() - begun;
  nextLook = performance.now() + Math.max(LOOK_MILLIS, known.failing ? 0 : REST_PER_LOOK * took);
}

async function beat() {
  showStale();
  if (document.hidden || looking || performance.now() < nextLook) {
    return;
  }
  looking = true;
  try {
    await look();
  } finally {
    looking = false;
  }
}

function lookNow() {
  nextLook = 0;
  void beat();
}

document.querySelector("#configuration details").addEventListener("toggle", async () => {
  const configuration = await ask("config.json").catch(() => null);
  if (configuration !== null) {
    showConfiguration(configuration);
  }
});
document.addEventListener("visibilitychange", lookNow);
addEventListener("hashchange", () => {
  if (known.status !== null && location.hash.startsWith("#/")) {
    show();
    document.getElementById("outbox").focus();
    lookNow();
  }
});
setInterval(beat, BEAT_MILLIS);
lookNow();
