"""Whatever the owner of one outbox does with what is theirs, the others do not notice."""

from __future__ import annotations

import contextlib
import functools
import json
import multiprocessing
import os
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest

from harness.hostile import DONE, NOBODY, be_hostile
from harness.position import Position
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox, OutboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typing_extensions import Self

    from harness.broker import Broker

TORTURE = os.environ.get("TORTURE") == "1"
SECONDS, NAMES = (60, 1_000_000) if TORTURE else (15, 50_000)
SEED = int(os.environ.get("SEED", "1"))
VICTIMS = ("a", "b", "c")
BATCH = 100
MOST_WAITING = 5_000
TOO_LARGE = b"x" * 2_000  # for its topic, so that the relay keeps dead letters all the time


def settled(outbox: Path) -> int:
    position = Position.read(outbox)
    return 0 if position is None else position.sequence


class Victim:
    """An outbox whose writer keeps the relay busy, and remembers what was acked."""

    def __init__(self, outbox: Path, topic: str) -> None:
        self.outbox = outbox
        self.topic = topic
        self.acked: list[bytes] = []
        self.errors: list[Exception] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        name = self.outbox.parent.name
        with Outbox(self.outbox) as client:
            while not self._stop.is_set():
                if len(self.acked) - settled(self.outbox) > MOST_WAITING:
                    self._stop.wait(0.005)
                    continue
                values = [
                    f"{name} {len(self.acked) + i} ".encode().ljust(200, b".") for i in range(BATCH)
                ]
                try:
                    client.append_all(
                        [{"value": v, "topic": self.topic, "key": name} for v in values]
                    )
                except OutboxError as error:
                    self.errors.append(error)
                    return
                self.acked += values

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def rate(victims: list[Victim], wait: Callable[[float], None], seconds: float) -> float:
    """Events that are delivered in a second, of all together."""
    before, started = sum(settled(v.outbox) for v in victims), time.monotonic()
    wait(seconds)
    return (sum(settled(v.outbox) for v in victims) - before) / (time.monotonic() - started)


@contextlib.contextmanager
def appending(outbox: Path, topic: str) -> Iterator[None]:
    """The neighbour's tasks, which go on whatever their owner does."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.02):
            with contextlib.suppress(OutboxError, OSError), Outbox(outbox) as client:
                for _ in range(10):
                    client.append("neighbour", topic=topic, key="neighbour")
                    client.append(TOO_LARGE, topic=topic, key="neighbour")
            give_to_its_owner(outbox.parent)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def pods(tmp_path: Path) -> Path:
    """Below it, each pod has its outbox in `<pod>/outbox`."""
    directory = tmp_path / "pods"
    directory.mkdir()
    for name in (*VICTIMS, "neighbour"):
        (directory / name).mkdir()
    return directory


def give_to_its_owner(pod: Path) -> None:
    """What root has appended; by names within directories that are held."""
    if os.getuid() != 0:
        return
    with contextlib.suppress(OSError):
        for _, directories, files, held in os.fwalk(pod):
            for name in (*directories, *files):
                with contextlib.suppress(OSError):
                    if os.stat(name, dir_fd=held, follow_symlinks=False).st_uid == 0:
                        os.chown(name, NOBODY, NOBODY, dir_fd=held, follow_symlinks=False)


def device_for(pod: Path) -> None:
    """What only root can make; its owner may link and move it."""
    if os.getuid() == 0:
        os.mknod(pod / "device", 0o666 | 0o020000, os.makedev(1, 5))  # /dev/zero, without an end
        os.chown(pod, NOBODY, NOBODY)
        os.chown(pod / "device", NOBODY, NOBODY)


def remove(directory: Path) -> bool:
    """Who serves it may make a file there meanwhile: that is an `OSError`."""
    shutil.rmtree(directory)
    return True


def begin_anew(pod: Path, topic: str) -> None:
    """Nothing that its owner has bent is left."""
    for path in pod.iterdir():
        if path.is_dir() and not path.is_symlink():
            eventually(f"{path.name} is removed", functools.partial(remove, path))
        else:
            path.unlink()
    with Outbox(pod / "outbox") as client:
        client.append("neighbour", topic=topic)
    give_to_its_owner(pod)


def names(outbox: Path) -> set[str]:
    return {str(path.relative_to(outbox)) for path in outbox.rglob("*")}


def test_the_others_lose_nothing_receive_nothing_and_go_on(
    broker: Broker,
    pods: Path,
    topic: str,
    tmp_path: Path,
    measured: Callable[[str], None],
) -> None:
    neighbour = pods / "neighbour"
    device_for(neighbour)
    others_topic = broker.create_topic(topic + "-neighbour", config={"max.message.bytes": "1000"})
    victims = [Victim(pods / name / "outbox", topic) for name in VICTIMS]
    relay = Relay(
        pods,
        broker.bootstrap,
        log=tmp_path / "fleet.log",
        settings={"OUTBOX_DIR": "", "OUTBOX_DIRS": f"{pods}/*/outbox"},
    )
    with Outbox(neighbour / "outbox") as client:
        client.append("neighbour", topic=others_topic)
    give_to_its_owner(neighbour)

    with relay, contextlib.ExitStack() as writers:
        relay.start()
        tasks = writers.enter_context(contextlib.ExitStack())
        tasks.enter_context(appending(neighbour / "outbox", others_topic))
        for victim in victims:
            writers.enter_context(victim)
        eventually("all are served", lambda: all(settled(v.outbox) > 1_000 for v in victims))
        quiet = rate(victims, time.sleep, SECONDS / 3)
        child = multiprocessing.get_context("fork").Process(
            target=be_hostile,
            args=(neighbour, [v.outbox for v in victims], NAMES, SEED, SECONDS),
        )
        child.start()
        try:
            beside = rate(victims, child.join, 20 * SECONDS)
            assert child.exitcode == 0
            done = json.loads((neighbour / DONE).read_text())
            assert sum(count for move, count in done.items() if " " not in move) >= SECONDS, done
        finally:
            child.kill()
        relay.assert_running()
        tasks.close()
        begin_anew(neighbour, others_topic)
        eventually(
            "nothing that served it waits for ever", lambda: settled(neighbour / "outbox") == 1
        )
        writers.close()
        measured(
            f"hostile neighbour: {beside:,.0f} events/s of the others, {quiet:,.0f} beside a quiet "
            f"one: ratio {beside / quiet:.2f} (target 0.80), {SECONDS} s, seed {SEED}, "
            f"{sum(done.values())} moves"
        )
        assert [v.errors for v in victims] == [[], [], []]
        eventually(
            "all of theirs is delivered",
            lambda: all(settled(v.outbox) == len(v.acked) for v in victims),
        )
        relay.assert_running()

    found = [record.value for record in read_topic(broker.bootstrap, topic)]
    acked = [value for victim in victims for value in victim.acked]
    assert len(found) == len(set(found))
    assert set(found) == set(acked)
    assert {r.value for r in read_topic(broker.bootstrap, others_topic)} <= {b"neighbour"}
    for victim in victims:
        own = names(victim.outbox) - {f"queue/{p.name}" for p in victim.outbox.glob("queue/*.cq4")}
        assert own <= {
            "queue",
            "queue/metadata.cq4t",
            "outbox.lock",
            "outbox.state",
            "append.failures",
            "relay.cluster",
            "relay.lock",
            "relay.position",
            "relay.troubles",
            "relay.outcomes",
        }
        alone = Relay(victim.outbox, broker.bootstrap, log=tmp_path / "cli.log")
        verified = alone.cli("verify")
        assert verified.returncode == 0, verified.stdout
