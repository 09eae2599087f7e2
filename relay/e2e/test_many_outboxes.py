"""One relay serves all outboxes that its globs mean, and none of them can hold up another."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.broker import Broker
from harness.position import Position
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

TORTURE = os.environ.get("TORTURE") == "1"
# A pipeline takes 0.4 MiB beside its records.
OUTBOXES, HEAP_MIB = (100, 128) if TORTURE else (20, 64)
# Of each, so that all are more than the heap.
LARGE_EVENTS, SMALL_EVENTS = (20, 1_000) if TORTURE else (50, 3_000)
# Missing topics, events of each in each outbox, bytes of an event.
MISSING = [(5, 150, 2_000), (8, 100, 20_000)] if TORTURE else [(5, 70, 2_000)]


@pytest.fixture
def pods(tmp_path: Path) -> Path:
    """Below it, each pod has its outbox in `<pod>/outbox`."""
    directory = tmp_path / "pods"
    directory.mkdir()
    return directory


@pytest.fixture
def fleet(pods: Path, broker: Broker, tmp_path: Path) -> Iterator[Relay]:
    """A relay for all of them, not started."""
    with watching(pods, broker, tmp_path / "fleet.log") as relay:
        yield relay


def watching(pods: Path, broker: Broker, log: Path, **settings: str) -> Relay:
    return Relay(
        pods,
        broker.bootstrap,
        log=log,
        jvm=(f"-Xmx{HEAP_MIB}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        settings={"OUTBOX_DIR": "", "OUTBOX_DIRS": f"{pods}/*/outbox", **settings},
    )


def pod(pods: Path, name: str) -> Path:
    outbox = pods / name / "outbox"
    outbox.parent.mkdir()
    return outbox


def append(outbox: Path, topic: str, count: int, *, size: int = 10) -> set[bytes]:
    """The values, each with the pod's name."""
    with Outbox(outbox) as client:
        values = {
            f"{outbox.parent.name} {number} ".encode().ljust(size, b"x") for number in range(count)
        }
        for value in values:
            client.append(value, topic=topic, key=outbox.parent.name)
    return values


def delivered(broker: Broker, topic: str) -> set[bytes | None]:
    return {record.value for record in read_topic(broker.bootstrap, topic)}


def status(relay: Relay) -> tuple[dict[str, Any], dict[str, Any]]:
    """The outboxes that are served and those on hold, by the name of their pod."""
    relay.assert_running()
    told = json.loads(relay.http("/status.json")[1])
    served, on_hold = (
        {outbox["outbox"].split("/")[-2]: outbox for outbox in told[kind]}
        for kind in ("outboxes", "on_hold")
    )
    return served, on_hold


def served(relay: Relay, name: str) -> dict[str, Any]:
    """The outbox of a pod; empty while it is not served."""
    outbox = status(relay)[0].get(name, {})
    assert isinstance(outbox, dict)
    return outbox


def is_drained(relay: Relay, name: str) -> bool:
    return bool(served(relay, name).get("lag_events") == 0)


def test_two_outboxes_and_an_orphan_are_served_by_one_relay_and_so_is_one_that_appears(
    broker: Broker, fleet: Relay, pods: Path, topic: str, tmp_path: Path
) -> None:
    orphan = pod(pods, "orphan")
    values = append(orphan, "not-there-yet-" + topic, 1) | append(orphan, topic, 100)
    with Relay(orphan, broker.bootstrap, log=tmp_path / "sidecar.log") as sidecar:
        sidecar.start()
        eventually("it delivers", lambda: sidecar.status()["barred_topics"]["total"] == 1)
        sidecar.kill()
    broker.create_topic("not-there-yet-" + topic)
    fleet.start()
    assert status(fleet)[0].keys() <= {"orphan"}
    for name in ("a", "b"):
        values |= append(pod(pods, name), topic, 100)
    everything = {"orphan", "a", "b"}
    eventually(
        "all are served",
        lambda: (
            {name for name, at in status(fleet)[0].items() if at["lag_events"] == 0} == everything
        ),
    )
    assert delivered(broker, topic) | delivered(broker, "not-there-yet-" + topic) == values

    shutil.rmtree(pods / "b")
    eventually(
        "one that is removed is forgotten", lambda: status(fleet)[0].keys() == {"orphan", "a"}
    )
    assert f'outbox="{pods}/b/outbox"' not in fleet.http("/metrics")[1]
    shown = json.loads(fleet.cli("status", "--json").stdout)
    assert [at["lag_events"] for at in shown["outboxes"]] == [0, 0]
    assert fleet.stop() == 0


def test_poisoned_outboxes_are_on_hold_with_their_reason_and_touch_no_other(
    broker: Broker, fleet: Relay, pods: Path, topic: str
) -> None:
    append(pod(pods, "healthy"), topic, 1)
    append(pod(pods, "no-topic"), "no-such-" + topic, 1)
    fleet.start()
    foreign = pod(pods, "foreign")
    append(foreign, topic, 10)
    eventually("it is delivered", lambda: served(fleet, "foreign").get("saved_sequence") == 10)
    fleet.kill()

    position = Position.read(foreign)
    assert position is not None
    position.forge(foreign, event_id=uuid.uuid4())
    append(foreign, topic, 1)
    damaged = pod(pods, "damaged")
    append(damaged, topic, 1)
    (damaged / "relay.position").write_bytes(b"\x01" * 8192)
    linked = pod(pods, "linked")
    append(linked, topic, 1)
    (linked / "outbox.lock").rename(linked / "elsewhere")
    (linked / "outbox.lock").symlink_to(linked / "elsewhere")
    append(pods / "healthy" / "outbox", topic, 1_000)
    fleet.start()
    eventually("the healthy one is delivered", lambda: is_drained(fleet, "healthy"))
    eventually("the others are on hold", lambda: len(status(fleet)[1]) == 3)
    reasons = {name: hold["reason"] for name, hold in status(fleet)[1].items()}
    assert reasons == {
        "foreign": "needs-operator",
        "damaged": "needs-operator",
        "linked": "unusable",
    }
    eventually("it waits", lambda: served(fleet, "no-topic")["barred_topics"]["total"] == 1)
    assert fleet.http("/healthz")[0] == 200
    metrics = fleet.http("/metrics")[1]
    assert f'outbox_relay_on_hold{{outbox="{damaged}",reason="needs-operator"}} 1' in metrics

    (damaged / "relay.position").unlink()
    eventually("what an operator mended is served", lambda: is_drained(fleet, "damaged"))
    assert fleet.output().count('event="outbox on hold"') == 3
    assert fleet.stop() == 0


class Opened:
    """Counts how often a file was opened by anybody."""

    IN_OPEN = 0x20
    EVENT = 16

    def __init__(self, file: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if libc.inotify_add_watch(self._descriptor, os.fsencode(file), self.IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(file))

    def count(self) -> int:
        """Since it was last asked."""
        try:
            # Of a single file: no event has a name.
            return len(os.read(self._descriptor, 1 << 16)) // self.EVENT
        except BlockingIOError:
            return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def metrics_of(relay: Relay) -> str:
    return relay.http("/metrics")[1]


def shows_lag(relay: Relay, outbox: Path) -> bool:
    return f'outbox_relay_lag_events{{outbox="{outbox}"}}' in metrics_of(relay)


def test_an_outbox_of_another_relay_is_left_alone_and_shown_there_until_it_is_adopted(
    broker: Broker, fleet: Relay, pods: Path, topic: str, tmp_path: Path
) -> None:
    outbox = pod(pods, "a")
    with Relay(outbox, broker.bootstrap, log=tmp_path / "sidecar.log") as sidecar:
        sidecar.start()
        values = append(outbox, topic, 10)
        eventually("its position is saved", lambda: sidecar.status()["saved_sequence"] == 10)
        fleet.start()
        eventually("it is found idle", lambda: shows_lag(fleet, outbox))
        values |= append(outbox, "missing-" + topic, 1)
        eventually("it is held", lambda: status(fleet)[1].get("a", {}).get("reason") == "held")
        assert shows_lag(sidecar, outbox)
        assert not shows_lag(fleet, outbox)
        assert f'outbox_relay_on_hold{{outbox="{outbox}",reason="held"}} 1' in metrics_of(fleet)

        with Opened(outbox / "outbox.lock") as opened:
            asked = status(fleet)[1]["a"]["attempts"]
            eventually(
                "it is asked for again and again",
                lambda: status(fleet)[1]["a"]["attempts"] >= asked + 3,
            )
            assert opened.count() == 0, "each writer opens the lock"
            assert not shows_lag(fleet, outbox)
            append(outbox, "missing-" + topic, 1)
            assert opened.count() > 0, "a writer is seen"
        sidecar.kill()
    broker.create_topic("missing-" + topic)
    eventually("it is adopted", lambda: is_drained(fleet, "a"))
    assert delivered(broker, topic) | delivered(broker, "missing-" + topic) == values
    assert shows_lag(fleet, outbox)
    assert "outbox_relay_on_hold{" not in metrics_of(fleet)
    assert fleet.stop() == 0


def test_an_idle_outbox_holds_nothing_open_and_its_next_event_arrives(
    broker: Broker, pods: Path, topic: str, tmp_path: Path
) -> None:
    outbox = pod(pods, "a")
    values = append(outbox, topic, 10)
    with watching(pods, broker, tmp_path / "fleet.log", OUTBOX_IDLE_AFTER="1s") as fleet:
        fleet.start()
        eventually("it is delivered", lambda: served(fleet, "a").get("delivered") == 10)
        eventually("it is idle", lambda: served(fleet, "a")["state"] == "idle")
        assert "outbox-delivery" not in threads(fleet)
        values |= append(outbox, topic, 20)
        eventually("more arrives", lambda: delivered(broker, topic) == values)
        assert fleet.stop() == 0


def threads(relay: Relay) -> str:
    tasks = Path(f"/proc/{relay.child.pid}/task")
    return " ".join(task.joinpath("comm").read_text() for task in tasks.iterdir())


def still_in_flight(relay: Relay) -> Callable[[], int]:
    """The bytes that all windows hold, once they have not changed for a second."""
    seen: list[int] = []
    since = time.monotonic()

    def look() -> int:
        nonlocal since
        now = sum(at["in_flight_bytes"] for at in status(relay)[0].values())
        if seen[-1:] != [now]:
            seen.append(now)
            since = time.monotonic()
        return now if time.monotonic() - since > 1 else 0

    return look


def resident(relay: Relay) -> int:
    """MiB."""
    pages = Path(f"/proc/{relay.child.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") >> 20


@pytest.mark.torture
def test_an_outage_with_a_backlog_larger_than_the_heap_in_many_outboxes(
    pods: Path, topic_name: str, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """Half have large events, half have many."""
    with Broker(tmp_path / "kafka" / "data") as broker:
        topic = broker.create_topic(topic_name, partitions=3)
        outboxes = [pod(pods, f"pod-{number}") for number in range(OUTBOXES)]
        values: set[bytes] = set()
        for outbox in outboxes:
            values |= append(outbox, topic, 1)
        with watching(pods, broker, tmp_path / "fleet.log", OUTBOX_IDLE_AFTER="60s") as fleet:
            fleet.start()
            eventually("all know the topic", lambda: delivered(broker, topic) == values)
            broker.freeze()
            for large, many in zip(outboxes[::2], outboxes[1::2], strict=True):
                values |= append(large, topic, LARGE_EVENTS, size=100_000)
                values |= append(many, topic, SMALL_EVENTS, size=1_000)
            held = eventually("the windows are as full as they may be", still_in_flight(fleet))
            broker.kill()
            back = time.monotonic()
            broker.start()
            eventually(
                "all is delivered",
                lambda: all(at["lag_events"] == 0 for at in status(fleet)[0].values()),
                within=240,
                every=0.2,
            )
            took = time.monotonic() - back
            assert "OutOfMemory" not in fleet.output()
            assert delivered(broker, topic) == values
            backlog = sum(len(value) for value in values) >> 20
            measured(
                f"{OUTBOXES} outboxes, {backlog} MiB waiting, {held >> 20} MiB in flight, "
                f"-Xmx{HEAP_MIB}m: delivered {took:.0f} s after the broker's start, "
                f"{resident(fleet)} MiB resident"
            )
            assert backlog > HEAP_MIB
            assert fleet.stop() == 0


@pytest.mark.parametrize(("topics", "events", "size"), MISSING)
def test_topics_that_are_missing_to_many_outboxes_fit_into_the_heap_and_so_do_their_lanes(
    pods: Path, broker: Broker, tmp_path: Path, topics: int, events: int, size: int
) -> None:
    """A parked topic's outbox, a lane and its producer: of each there could be one per topic."""
    late = [f"late-{number}-{uuid.uuid4()}" for number in range(topics)]
    with watching(pods, broker, tmp_path / "fleet.log", OUTBOX_PARK_AFTER="500ms") as fleet:
        fleet.start()
        appended: dict[str, list[str]] = {each: [] for each in late}
        for number in range(20):
            with Outbox(pod(pods, f"pod-{number}")) as client:
                for event in range(events):
                    for each in late:
                        value = f"{number} {event} ".encode().ljust(size, b"x")
                        receipt = client.append(value, topic=each, key=f"pod-{number}")
                        appended[each].append(str(receipt.event_id))
        eventually(
            "all is parked", lambda: parked_events(fleet) == 20 * topics * events, within=120
        )
        for each in late:
            broker.create_topic(each, partitions=3)
        eventually(
            "all is delivered",
            lambda: parked_events(fleet) == 0 and len(status(fleet)[0]) == 20,
            within=240,
            every=0.5,
        )
        assert "out of memory" not in fleet.output()
        for each in late:
            got = [record.event_id for record in read_topic(broker.bootstrap, each)]
            assert sorted(got) == sorted(appended[each])
        assert fleet.stop() == 0


def parked_events(relay: Relay) -> int:
    """In all outboxes."""
    return sum(at["parked"]["events"] for at in status(relay)[0].values())


UID = 1000650077


@pytest.mark.parametrize("limit", [80, 55])
def test_outboxes_for_which_there_are_no_threads_wait_and_the_others_are_served(
    broker: Broker, tmp_path: Path, limit: int
) -> None:
    """A limit of pids, as of a pod; the relay ended, again and again, and served nobody."""
    if os.geteuid() != 0:
        pytest.skip("a user with a limit of processes of his own needs root")
    place = Path(tempfile.mkdtemp(prefix="outbox-threads-", dir="/var/tmp"))
    user = ("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups")
    try:
        place.chmod(0o755)
        topic = broker.create_topic(f"t-{uuid.uuid4()}")
        expected: set[bytes | None] = set()
        outboxes = [place / f"pod{number}" / "outbox" for number in range(30)]
        for outbox in outboxes:
            outbox.parent.mkdir()
            expected |= append(outbox, topic, 20)
            for path in (outbox.parent, *outbox.parent.rglob("*")):
                os.chown(path, UID, UID)
        with Relay(
            place,
            broker.bootstrap,
            log=tmp_path / "limited.log",
            settings={
                "OUTBOX_DIR": "",
                "OUTBOX_DIRS": f"{place}/*/outbox",
                "OUTBOX_IDLE_AFTER": "1s",
            },
            wrapper=(*user, "prlimit", f"--nproc={limit}"),
        ) as relay:
            relay.start()
            eventually(
                "all are delivered",
                lambda: not relay.running or delivered(broker, topic) == expected,
                within=240,
            )
            assert relay.running
            output = relay.output()
            assert "no thread for" in output
            assert "TasksMax" in output
    finally:
        shutil.rmtree(place)
