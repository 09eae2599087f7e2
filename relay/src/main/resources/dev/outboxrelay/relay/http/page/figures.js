/** What is true of one outbox now, as a list of terms and values. */

import { age, bytes, element, number, rate, set, time } from "./text.js";

function refusals(refused) {
  const reasons = Object.entries(refused ?? {}).filter(([, count]) => count > 0);
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  return [number(total), reasons.map(([reason, count]) => `${reason} ${number(count)}`).join(", ")];
}

/** Terms, each with its value and a remark. */
function terms(outbox, perSecond, now) {
  const waits = outbox.lag_events > 0;
  return {
    "Events wait": [number(outbox.lag_events), bytes(outbox.lag_bytes)],
    "The oldest for": [waits ? age(outbox.oldest_age_ms) : "–", waits ? "" : "nothing waits"],
    Delivered: [
      perSecond === null ? "…" : rate(perSecond),
      `${number(outbox.delivered)} since the start`,
    ],
    "Last delivery": outbox.last_delivery === null
      ? ["–", "none since the start"]
      : [`${age(now - outbox.last_delivery)} ago`, time(outbox.last_delivery)],
    "In flight": [number(outbox.in_flight_events), bytes(outbox.in_flight_bytes)],
    "Sent again": [number(outbox.retried), "since the start"],
    "Dead letters": [
      number(outbox.dead_letters),
      outbox.uncopied_dead_letters > 0
        ? `since the start; ${number(outbox.uncopied_dead_letters)} not in their topic yet`
        : "since the start",
    ],
    "Corrupt, missing": [
      `${number(outbox.quarantined)}, ${number(outbox.missing)}`,
      "since the start",
    ],
    "Refused appends": refusals(outbox.refused_appends),
    "Queue on disk": [
      bytes(outbox.queue_bytes),
      `${number(outbox.cycles)} ${outbox.cycles === 1 ? "file" : "files"}`,
    ],
    "Disk free": [bytes(outbox.disk_free_bytes), ""],
    Settled: [
      number(outbox.settled_sequence),
      `of ${number(outbox.appended_sequence)} sequences`,
    ],
  };
}

/** Shows them, and keeps what it needs to tell a rate. */
export class Figures {
  #list = document.getElementById("figures");
  #values = new Map();
  #before = null;

  /** Returns the events delivered per second, null where that is not known yet. */
  show(outbox, now) {
    const perSecond = this.#rate(outbox, now);
    for (const [term, [value, remark]] of Object.entries(terms(outbox, perSecond, now))) {
      const [shown, remarked] = this.#of(term);
      set(shown, value);
      set(remarked, remark);
    }
    this.#list.querySelector("[data-term='Events wait']").classList.toggle("zero", outbox.lag_events === 0);
    return perSecond;
  }

  #of(term) {
    if (!this.#values.has(term)) {
      const value = element("span", { class: "value" });
      const remark = element("span", { class: "remark" });
      this.#list.append(
        element("div", { "data-term": term }, element("dt", {}, term), element("dd", {}, value, " ", remark)),
      );
      this.#values.set(term, [value, remark]);
    }
    return this.#values.get(term);
  }

  /** Events per second since the last look; null after the first one. */
  #rate(outbox, now) {
    const before = this.#before;
    this.#before = { outbox: outbox.outbox, delivered: outbox.delivered, at: now };
    const comparable =
      before !== null && before.outbox === outbox.outbox && before.delivered <= outbox.delivered;
    return comparable && now > before.at
      ? ((outbox.delivered - before.delivered) * 1000) / (now - before.at)
      : null;
  }
}
