/** What changes rarely: topics that can't be written, dead letters, and the configuration. */

import { element, number, row, set, table, time } from "./text.js";

const TOPIC_COLUMNS = ["Topic", "Reason", "Since", "Attempts", "What to do", "What Kafka said"];
const COLUMNS = ["Number", "Given up", "Reason", "Topic", "What Kafka said", "Event id", "Sequence"];

let toldTopics = null;

/** The topics that have been barred for longest, and how many there are. */
export function showBarredTopics(barred) {
  const place = document.getElementById("barred-topics");
  const [, count, rows] = place.children;
  place.hidden = barred.total === 0;
  const more = barred.total - barred.topics.length;
  const reasons = Object.entries(barred.by_reason)
    .map(([reason, of]) => `${reason}: ${number(of)}`)
    .join(", ");
  set(
    count,
    `${reasons}. ` +
      (more > 0 ? `The ${number(barred.topics.length)} that wait for longest, and ${number(more)} more:` : ""),
  );
  const told = JSON.stringify(barred.topics);
  if (told !== toldTopics) {
    // Only news touches the table: somebody may be copying from it.
    toldTopics = told;
    rows.replaceChildren(table(TOPIC_COLUMNS, barred.topics.map((topic) => row(
      topic.topic,
      topic.reason,
      time(topic.since),
      number(topic.attempts),
      topic.do,
      topic.error,
    ))));
  }
}

/** The latest dead letters with their reasons. Values are not shown, here or anywhere over HTTP. */
export function showDeadLetters(letters) {
  const reasons = Object.entries(letters.reasons)
    .map(([reason, count]) => `${reason}: ${number(count)}`)
    .join(", ");
  set(
    document.getElementById("dead-letter-reasons"),
    letters.total === 0
      ? "There are none."
      : `${number(letters.total)} in the outbox${letters.complete ? "" : " so far, still reading"}. ${reasons}.` +
        (letters.total > letters.latest.length ? ` The latest ${letters.latest.length}:` : ""),
  );
  const place = document.getElementById("dead-letters");
  place.hidden = letters.total === 0;
  place.replaceChildren(table(COLUMNS, letters.latest.map((letter) => row(
    number(letter.number),
    letter.at === null ? "unreadable" : time(letter.at),
    letter.reason,
    letter.topic ?? "its bytes are damaged",
    letter.error,
    letter.event_id ?? "",
    letter.sequence === null ? "" : number(letter.sequence),
  ))));
}

export function showConfiguration(configuration) {
  const rows = [
    ...Object.entries(configuration.outbox),
    ...Object.entries(configuration.kafka),
  ].map(([name, value]) => row(element("code", {}, name), element("code", {}, value)));
  document
    .querySelector("#configuration details > div")
    .replaceChildren(table(["Setting", "Value"], rows));
}
