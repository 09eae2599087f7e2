"""Bugs planted in the relay, one at a time, and the seed of the simulation that finds each.

    python relay/e2e/planted_bugs.py [NAME …]

needs what `mvn -Pbench -DskipTests package` has built. Prints a row for each, as the page
simulation.md has them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

RELAY = Path(__file__).resolve().parent.parent
SOURCES = RELAY / "src/main/java/dev/outboxrelay/relay"
SEEDS = 30_000
THREADS = os.cpu_count() or 1
FILES_SEEDS = 1_500
SEARCH = "dev.outboxrelay.relay.simulation.Search"
FILES_SEARCH = "dev.outboxrelay.relay.simulation.FilesSearch"
OPENED = ["sun.nio.ch", "java.lang", "java.lang.reflect", "java.io", "java.util"]
FOUND = re.compile(r"found: seed=(\d+) history=(\w+) (.*)")


@dataclass(frozen=True)
class Bug:
    """What is planted: in one file, one text instead of another."""

    name: str
    file: str
    right: str
    wrong: str
    on_files: bool = False
    """Whether the histories on real files are those that find it."""

    def source(self) -> str:
        text = (SOURCES / self.file).read_text()
        if text.count(self.right) != 1:
            raise ValueError(
                f"{self.name}: {self.file} has {text.count(self.right)} of what is to be replaced"
            )
        return text.replace(self.right, self.wrong)


BUGS = [
    Bug(
        "the position passes what is not acked",
        "deliver/Window.java",
        "first != null && first.isDone() && acks",
        "first != null && (first.isDone() || first.awaitsKafka()) && acks",
    ),
    Bug(
        "the position is saved before the events are synced",
        "settle/PositionStore.java",
        "    files.syncCycles(settled.next().cycle());\n",
        "",
    ),
    Bug(
        "the position is saved before what was parked is synced",
        "settle/PositionStore.java",
        "      parked.sync();\n",
        "      parked.held();\n",
    ),
    Bug(
        "outcomes are not written before the position",
        "settle/PositionStore.java",
        "    files.appendOutcomes(undelivered);\n",
        "",
    ),
    Bug(
        "outcomes are forgotten when a position can't be saved",
        "settle/Saving.java",
        "      nextSaveNanos = now + RETRY_NANOS;\n",
        "      nextSaveNanos = now + RETRY_NANOS;\n      undelivered.saved();\n",
    ),
    Bug(
        "what comes of a parked event is not told",
        "deliver/Ledger.java",
        "settlement.ofSource(record.source().sequence(), record.outcome());",
        "record.source().sequence();",
    ),
    Bug(
        "a lane tells what becomes of events before they count as parked",
        "settle/PositionStore.java",
        "sources.stream().allMatch(range -> range.last() <= saved)",
        "sources.stream().allMatch(range -> range.last() <= saved + 3)",
    ),
    Bug(
        "what is lost is waited for",
        "park/ParkedArrivals.java",
        "!lost.isLost(parked.sequence(), source.sequence())",
        "!(lost.isLost(parked.sequence(), source.sequence()) && source.sequence() < 0)",
    ),
    Bug(
        "a topic is open again before its lane is empty",
        "deliver/route/Route.java",
        "if (lanes.isEmpty(topic, parkedUpTo)) {",
        "if (progress instanceof Lanes.Progress.Delivering) {",
    ),
    Bug(
        "a lane counts as empty before that is saved",
        "pipeline/ParkedLanes.java",
        "status.savedSequence() >= parked.topic(topic).orderedSequence()",
        "status.settledSequence() >= parked.topic(topic).orderedSequence()",
        on_files=True,
    ),
    Bug(
        "a lane counts as empty while an event is on its way there",
        "pipeline/ParkedLanes.java",
        "if (parked.lastParked(topic) < lastSequence) {",
        "if (parked.lastParked(topic) < 0) {",
    ),
    Bug(
        "a topic is parked while something of it is on its way",
        "deliver/Feeder.java",
        "if (park.begins() && window.mayRepeat(record.topic())) {",
        'if (park.begins() && window.mayRepeat("")) {',
    ),
    Bug(
        "events pass others of their topic that wait",
        "deliver/Feeder.java",
        "boolean waits = !room.isEmpty() && room.holds(record.topic());",
        "boolean waits = false;",
    ),
    Bug(
        "a bar is never lifted",
        "deliver/route/Route.java",
        "      state = barred.ready();\n",
        "      state = barred;\n",
    ),
    Bug(
        "barred topics are not asked for again",
        "deliver/route/Routes.java",
        "    Question due = questions.next(bars.areMany(), now);\n",
        "    Question due = bars.all().isEmpty() ? questions.next(false, now) : null;\n",
    ),
    Bug(
        "brokers are not made acquainted with a new producer",
        "deliver/route/Route.java",
        "return target != TopicSource.ANY && introductions.isNeeded(target, now);",
        "return target == Integer.MAX_VALUE && introductions.isNeeded(target, now);",
    ),
    Bug(
        "a rewind goes on where reading was",
        "deliver/Senders.java",
        "    arrivals.rewind(settled == null ? Bookmark.START : settled.bookmark());\n",
        "",
    ),
    Bug(
        "a dead letter counts before it is durable",
        "settle/Jobs.java",
        "      boolean isNew = deadLetters.add(record, dead.verdict());\n",
        "      record.done();\n      boolean isNew = deadLetters.add(record, dead.verdict());\n",
    ),
    Bug(
        "an event counts as parked before it is there",
        "settle/Jobs.java",
        "      var unused = parked.add(parking.record());\n",
        "      parking.record().done();\n      var unused = parked.add(parking.record());\n",
    ),
    Bug(
        "what fails once is not tried again",
        "settle/Jobs.java",
        "          facts.failed(job.part(), e);\n",
        "          facts.failed(job.part(), e);\n          waiting.remove();\n",
    ),
    Bug(
        "bytes that are no longer held count on",
        "settle/PositionStore.java",
        "return heldBytes() != savedHeldBytes;",
        "return heldBytes() > savedHeldBytes;",
    ),
    Bug(
        "a lane begins while it still runs",
        "pipeline/ParkedLanes.java",
        " && !ending.contains(topic);",
        ";",
    ),
    Bug(
        "a producer that died is not replaced",
        "deliver/Answers.java",
        "    senders.interrupted(null, new Verdict.RebuildAndRewind(why), now);\n",
        "    if (cluster == null) {\n"
        "      senders.interrupted(null, new Verdict.RebuildAndRewind(why), now);\n    }\n",
    ),
    Bug(
        "an event is given up for its batch",
        "deliver/Failures.java",
        "(dead.certain() || record.isAlone())",
        "(dead.certain() || !record.isDiscarded())",
    ),
    Bug(
        "a position counts as saved though it could not be",
        "settle/Saving.java",
        "      facts.failed(Part.POSITION, e);\n      heldBack",
        "      facts.failed(Part.POSITION, e);\n      saved = upTo;\n      heldBack",
    ),
    Bug(
        "a question whose answer is no is not over",
        "deliver/Answers.java",
        "        routes.unavailable(unavailable.topic());\n",
        "",
    ),
    Bug(
        "what waits is kept over a rewind",
        "deliver/Feeder.java",
        "    room.clear();\n",
        "",
    ),
    Bug(
        "the names of parked cycles are not synced",
        "park/ParkedSync.java",
        "    disk.syncDirectory(paths.queue(), DiskStep.LINK);\n",
        "",
        on_files=True,
    ),
    Bug(
        "the name of a parked topic is not synced",
        "park/ParkedDirectory.java",
        "    disk.syncDirectory(held.path(), DiskStep.LINK);\n",
        "",
        on_files=True,
    ),
    Bug(
        "what is parked is not looked for after a kill",
        "park/ParkedOutbox.java",
        "if (sequence > lastFound) {",
        "if (sequence > 0) {",
        on_files=True,
    ),
    Bug(
        "dead letters are not synced",
        "deadletter/DeadLetters.java",
        "return inMemory ? Durability.PROCESS : Durability.POWER;",
        "return inMemory ? Durability.POWER : Durability.PROCESS;",
        on_files=True,
    ),
    Bug(
        "a dead letter is marked as replayed before its event is durable",
        "control/Replay.java",
        "boolean safe = tried(topic, () -> place.parked().syncOf(topic));",
        "boolean safe = !topic.isEmpty();",
        on_files=True,
    ),
    Bug(
        "what was replayed before a kill is not looked for",
        "control/Replay.java",
        "if (again && !there.containsKey(topic)) {",
        "if (again && topic.isEmpty()) {",
        on_files=True,
    ),
    Bug(
        "clients are not told that what was parked is given up",
        "control/DiscardTask.java",
        "    place.outcomes().append(dead(ours));\n",
        "    dead(ours);\n",
        on_files=True,
    ),
    Bug(
        "what may come again is given up",
        "control/DiscardTask.java",
        "source.sequence() > saved;",
        "source.sequence() > saved + 100;",
        on_files=True,
    ),
    Bug(
        "a request is removed before its answer is there",
        "control/Answering.java",
        "    files.write(to, ControlFiles.ANSWER, content);\n"
        "    files.remove(to, ControlFiles.TAKEN);\n"
        "    files.remove(to, ControlFiles.REQUEST);\n",
        "    files.remove(to, ControlFiles.TAKEN);\n"
        "    files.remove(to, ControlFiles.REQUEST);\n"
        "    files.write(to, ControlFiles.ANSWER, content);\n",
        on_files=True,
    ),
]


def classpath() -> str:
    parts = [
        RELAY / "target/test-classes",
        RELAY / "target/classes",
        RELAY.parent / "outbox-client/java/target/classes",
        RELAY / "target/outbox-relay.jar",
    ]
    return os.pathsep.join(map(str, parts))


def search(classes: str, first: int, seeds: int) -> subprocess.CompletedProcess[str]:
    """Runs histories of so many seeds; ends with 1 if one of them fails."""
    command = ["java", "-Xmx512m", "-cp", classes, SEARCH, str(first), str(seeds), str(THREADS)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def search_on_files(classes: str, first: int, seeds: int) -> subprocess.CompletedProcess[str]:
    """The same on real files, one after the other."""
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
    exported = ["--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED"]
    quiet = ["-Dchronicle.analytics.disable=true", "-Dchronicle.announcer.disable=true"]
    flags = [*opened, *exported, *quiet, "--enable-native-access=ALL-UNNAMED"]
    command = ["java", "-Xmx512m", *flags, "-cp", classes, FILES_SEARCH, str(first), str(seeds)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def find(bug: Bug) -> str:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as build:
        source = Path(build) / Path(bug.file).name
        source.write_text(bug.source())
        classes = Path(build) / "classes"
        command = ["javac", "-nowarn", "-proc:none", "-d", str(classes), "-cp", classpath()]
        subprocess.run([*command, str(source)], check=True, capture_output=True)
        search_here = search_on_files if bug.on_files else search
        seeds = FILES_SEEDS if bug.on_files else SEEDS
        ran = search_here(f"{classes}{os.pathsep}{classpath()}", 1, seeds)
    seed = FOUND.search(ran.stdout)
    took = re.search(r"([\d.]+) s$", ran.stdout.strip())
    seconds = took.group(1) if took else "?"
    if seed is None:
        return f"| {bug.name} | `{bug.file}` | **not found** in {seeds} seeds | | {seconds} |"
    says = re.sub(r"\s+", " ", seed.group(3)).removeprefix("AssertionError: ")
    says = says[:90].replace("|", "/")
    where = f"{seed.group(1)} of `{seed.group(2)}`"
    return f"| {bug.name} | `{bug.file}` | {where} | {says} | {seconds} |"


def main() -> int:
    wanted = sys.argv[1:]
    missed = 0
    for bug in BUGS:
        if not wanted or bug.name in wanted:
            row = find(bug)
            missed += "**not found**" in row
            print(row, flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
