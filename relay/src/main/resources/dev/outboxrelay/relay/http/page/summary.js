/** Which outboxes there are and how they are: the list, worst first, and the sentence about one. */

import { age, bytes, element, number, say, set, time } from "./text.js";

const LEVELS = { ok: "Fine", waiting: "Waits", action: "Act" };
const RANKS = { ok: 0, waiting: 2, action: 3 };

function rank(outbox) {
  const noticed = outbox.notices?.length > 0 ? 1 : 0;
  return Math.max(RANKS[outbox.summary.level] ?? 0, noticed);
}

/** All that the relay tells of, worst first. */
export function worstFirst(status) {
  const onHold = (status.on_hold ?? []).map((hold) => ({ ...hold, onHold: true }));
  return [...onHold, ...status.outboxes].sort(
    (one, other) =>
      rank(other) - rank(one) ||
      (other.oldest_age_ms ?? 0) - (one.oldest_age_ms ?? 0) ||
      (other.lag_events ?? 0) - (one.lag_events ?? 0) ||
      one.outbox.localeCompare(other.outbox),
  );
}

function showLevel(target, outbox) {
  const level = outbox.summary.level;
  target.dataset.level = level === "ok" && rank(outbox) > 0 ? "notice" : level;
  set(target, level === "ok" && rank(outbox) > 0 ? "Look" : (LEVELS[level] ?? level));
}

/** The list; shown only where there are several. */
export class FleetList {
  #section = document.getElementById("fleet");
  #body = this.#section.querySelector("tbody");
  #rows = new Map();

  show(outboxes, selected) {
    this.#section.hidden = outboxes.length < 2;
    for (const outbox of outboxes) {
      this.#fill(this.#rowOf(outbox.outbox), outbox, outbox.outbox === selected);
    }
    const present = new Set(outboxes.map((outbox) => outbox.outbox));
    for (const [path, row] of this.#rows) {
      if (!present.has(path)) {
        row.remove();
        this.#rows.delete(path);
      }
    }
    this.#sort(outboxes);
  }

  #rowOf(path) {
    if (!this.#rows.has(path)) {
      const link = element("a", { href: `#${encodeURI(path)}` }, path);
      const cells = ["number", "number", "number"].map((name) => element("td", { class: name }));
      const row = element(
        "tr",
        {},
        element("td", {}, element("span", { class: "level" })),
        element("th", { scope: "row" }, link),
        ...cells,
      );
      this.#rows.set(path, row);
      this.#body.append(row);
    }
    return this.#rows.get(path);
  }

  #fill(row, outbox, selected) {
    const [level, name, events, oldest, queue] = row.children;
    showLevel(level.firstChild, outbox);
    if (selected) {
      name.firstChild.setAttribute("aria-current", "true");
    } else {
      name.firstChild.removeAttribute("aria-current");
    }
    set(events, outbox.onHold ? "" : number(outbox.lag_events));
    set(oldest, outbox.lag_events > 0 ? age(outbox.oldest_age_ms) : "");
    set(queue, outbox.onHold ? "" : bytes(outbox.queue_bytes));
  }

  /** Rows stay where they are while somebody walks through them. */
  #sort(outboxes) {
    if (this.#body.contains(document.activeElement)) {
      return;
    }
    outboxes.forEach((outbox, place) => {
      const row = this.#rows.get(outbox.outbox);
      if (this.#body.children[place] !== row) {
        this.#body.insertBefore(row, this.#body.children[place] ?? null);
      }
    });
  }
}

/** The sentence about one outbox, and what else is to know. */
export function showState(outbox, now) {
  const state = document.getElementById("state");
  const { level, text, since, do: todo } = outbox.summary;
  state.dataset.level = level;
  set(document.getElementById("outbox-name"), outbox.outbox);
  showLevel(state.querySelector(".level"), outbox);
  set(state.querySelector(".text"), text);
  set(
    state.querySelector(".since"),
    level === "ok" ? "" : `Since ${time(since)}, for ${age(now - since)}.`,
  );
  say(state.querySelector(".todo"), todo);
  const error = outbox.trouble?.error ?? outbox.error;
  const attempts = outbox.trouble?.attempts ?? outbox.attempts;
  say(state.querySelector(".error"), error ? `${error} (attempts: ${number(attempts)})` : "");
  showNotices(outbox.notices ?? []);
}

function showNotices(notices) {
  const list = document.getElementById("notices");
  const lines = notices.map((notice) => `${notice.text} ${notice.do}`);
  if (lines.join("\n") !== [...list.children].map((item) => item.textContent).join("\n")) {
    list.replaceChildren(...lines.map((line) => element("li", {}, line)));
  }
  list.hidden = lines.length === 0;
}

/** Tells a screen reader when an outbox comes into another state and stays there for two looks. */
export class News {
  #target = document.getElementById("news");
  #outbox = null;
  #told = null;
  #before = null;

  tell(outbox) {
    const { level, text } = outbox.summary;
    const state = level === "ok" ? "ok" : text;
    if (this.#outbox !== outbox.outbox) {
      // It was chosen just now, and is read out as it is.
      this.#outbox = outbox.outbox;
      this.#told = state;
    } else if (state !== this.#told && state === this.#before) {
      this.#told = state;
      this.#target.textContent = `${outbox.outbox}: ${text}`;
    }
    this.#before = state;
  }
}
