"""Events appended while Kafka is up, killed and back again, and every one of them counted.

Starts a real broker, the relay and writers in Python and Java, each a process of its own; kills the
broker with SIGKILL, goes on appending, starts it again; then reads the whole topic and compares it
with what was appended. `demo.py --help` tells the options.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from live import Kafka, Live
from report import table

from harness.broker import Broker
from harness.check import check
from harness.ledger import LedgerTail
from harness.relay import Relay
from harness.topics import read_topic
from harness.writers import Traffic, Writer

if TYPE_CHECKING:
    from collections.abc import Callable

TOPIC = "workflow-events"
PARTITIONS = 3
PYTHON_WRITERS = 2
WARM_UP_SECONDS = 2.0
LIVENESS_SECONDS = 120.0
INTERRUPTED = 130


class Demo:
    """The parts of one run, and the phases that they go through."""

    def __init__(self, directory: Path, rate: float) -> None:
        ledgers = directory / "ledgers"
        ledgers.mkdir()
        self._traffic = Traffic(directory / "outbox", TOPIC, ledgers, rate=rate)
        self._broker = Broker(directory / "kafka")
        self._relay = Relay(
            self._traffic.outbox, self._broker.bootstrap, log=directory / "relay.log"
        )
        python = [Writer.python(f"python-{n + 1}", self._traffic) for n in range(PYTHON_WRITERS)]
        self._writers = [*python, Writer.java("java-1", self._traffic)]
        self._live = Live(self._relay, LedgerTail(ledgers))

    def run(self, seconds: float) -> bool:
        """Go through all phases; whether every event arrived, in order and unchanged."""
        self._live.say("Starting Kafka, the relay and the writers")
        self._broker.start()
        self._broker.create_topic(TOPIC, PARTITIONS)
        self._relay.start()
        for writer in self._writers:
            writer.start()
        self._phase(Kafka.WARM_UP, LIVENESS_SECONDS, until=self._all_write)
        self._phase(Kafka.WARM_UP, WARM_UP_SECONDS)

        third = seconds / 3
        self._phase(Kafka.UP, third)
        self._broker.kill()
        self._live.say("Kafka killed with SIGKILL; the writers go on")
        self._phase(Kafka.DOWN, third)
        self._broker.start(wait=False)
        self._live.say("Kafka starts again on its data")
        self._phase(Kafka.STARTING, LIVENESS_SECONDS, until=self._broker.is_ready)
        self._live.say("Kafka is back")
        self._phase(Kafka.UP, third)

        for writer in self._writers:
            writer.stop()
        self._live.say("The writers have stopped")
        self._phase(Kafka.UP, LIVENESS_SECONDS, until=self._relay.is_drained)
        relay_exit = self._relay.stop()
        self._live.say("The relay has stopped; reading the whole topic")
        ledgers = self._traffic.read()
        found = check(ledgers, read_topic(self._broker.bootstrap, TOPIC))
        problems = found.problems(duplicates_allowed=True)
        if relay_exit != 0:
            problems.append(f"the relay stopped with exit code {relay_exit}, not 0")
        print(table(ledgers, found, self._live.timeline))
        for problem in problems:
            print(f"PROBLEM: {problem}")
        return not problems

    def _all_write(self) -> bool:
        return len(self._traffic.read().writers) == len(self._writers)

    def _phase(
        self, kafka: Kafka, seconds: float, *, until: Callable[[], bool] | None = None
    ) -> None:
        """Show what happens for `seconds`, or `until` something is so; it fails if it never is."""
        for _ in self._live.phase(kafka, seconds, until):
            self._relay.assert_running()

    def end(self) -> None:
        """End every process that still runs."""
        for writer in self._writers:
            writer.kill_if_running()
        self._relay.kill_if_running()
        self._broker.kill_if_running()


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    directory = Path(tempfile.mkdtemp(prefix="outbox-demo-"))
    demo = Demo(directory, arguments.rate)
    try:
        return 0 if demo.run(arguments.seconds) else 1
    except KeyboardInterrupt:
        print("\nInterrupted: ending all processes")
        return INTERRUPTED
    finally:
        with contextlib.suppress(KeyboardInterrupt):
            demo.end()
        if arguments.keep:
            print(f"Outbox, ledgers and logs are kept in {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--seconds",
        type=float,
        default=30.0,
        help="how long events are appended, a third each with Kafka up, down and back; default 30",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=200.0,
        help="events per second of each of the three writers; default 200; 0: no limit",
    )
    parser.add_argument("--keep", action="store_true", help="keep the outbox, ledgers and logs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
