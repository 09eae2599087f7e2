/** What changes rarely: topics that can't be written or are parked, dead letters, and the configuration. */

import { bytes, element, number, row, set, table, time } from "./text.js";

const TOPIC_COLUMNS = ["Topic", "Reason", "Parked events", "Since", "Attempts", "What to do", "What Kafka said"];
const COLUMNS = ["Number", "Given up", "Reason", "Topic", "What Kafka said", "Event id", "Sequence"];

let toldTopics = null;

/** The topics that have been barred for longest, those with most parked events, and how many there are. */
export function showTopics(barred, parked) {
  const place = document.getElementById("barred-topics");
  const [, count, rows] = place.children;
  place.hidden = barred.total === 0 && parked.topics === 0;
  set(count, [howMany(barred), howMuch(parked)].filter((part) => part !== "").join(" "));
  const told = JSON.stringify([barred.topics, parked.of]);
  if (told !== toldTopics) {
    // Only news touches the table: somebody may be copying from it.
    toldTopics = told;
    const allBarred = barred.topics.length === barred.total;
    const named = new Set(barred.topics.map((topic) => topic.topic));
    rows.replaceChildren(table(TOPIC_COLUMNS, [
      ...barred.topics.map((topic) => row(
        topic.topic,
        topic.reason,
        parkedOf(topic.topic, parked),
        time(topic.since),
        number(topic.attempts),
        topic.do,
        topic.error,
      )),
      ...parked.of.filter((topic) => !named.has(topic.topic)).map((topic) => row(
        topic.topic,
        // Of the many that can't be written only some are named.
        allBarred ? "can be written, is delivered" : "",
        number(topic.events),
        "",
        "",
        "",
        "",
      )),
    ]));
  }
}

function howMany(barred) {
  if (barred.total === 0) {
    return "";
  }
  const more = barred.total - barred.topics.length;
  const reasons = Object.entries(barred.by_reason)
    .map(([reason, of]) => `${reason}: ${number(of)}`)
    .join(", ");
  return `${reasons}.` +
    (more > 0 ? ` The ${number(barred.topics.length)} that wait for longest, and ${number(more)} more:` : "");
}

function howMuch(parked) {
  return parked.topics === 0
    ? ""
    : `Parked: ${number(parked.events)} events of ${number(parked.topics)} topics, ${bytes(parked.bytes)}.`;
}

/** Those that are not named have no more than the least of those that are. */
function parkedOf(topic, parked) {
  const known = parked.of.find((of) => of.topic === topic);
  if (known !== undefined) {
    return number(known.events);
  }
  return parked.topics > parked.of.length ? `at most ${number(parked.of.at(-1).events)}` : "0";
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
