"""What the relay's commands print as JSON goes back into an outbox, unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import outbox_client
from harness.relay import Relay
from outbox_client import Outbox

if TYPE_CHECKING:
    from harness.broker import Broker

ID = "018F3B6E-0000-7000-8000-000000000001"
LIMIT = 2_000
NOWHERE = "127.0.0.1:1"
NOT_PRINTED = 9
EVENTS: list[dict[str, Any]] = [
    {"value": b"plain"},
    {"value": None},
    {"value": b""},
    {"value": b"\x00\xff\xfe"},
    {"value": b'{"a": 12345678901234.123456789, "n": 1, "n": NaN}\r\n'},
    {"value": 'ü\u2028\u2029\u0085\U0001f600\x00\x1f\x7f\ufeff\\"/'.encode(), "key": "ключ\n"},
    {"value": b"v", "key": b""},
    {"value": b"v", "key": b"\xc3\x28\x00"},
    {
        "value": b"v",
        "headers": [("a", b"1"), ("b", None), ("a", b""), ("a", b"\xff"), ("ö=,:", "é")],
    },
    {"value": b"v", "event_id": ID, "timestamp": 0, "partition": 0},
    {"value": b"v", "timestamp": (1 << 63) - 1, "partition": (1 << 31) - 1},
    {"value": b"[" * 10_000},
    {"value": b"\0" * 1_000_000},
    {"value": b"\\u0041" * 1000, "topic": "another.Topic_-"},
]
# What is not the event's own: its place in one outbox.
OF_THE_PLACE = ("sequence", "appended", "index", "cycle", "offset")


def take(outbox: Path, lines: str) -> None:
    """Give lines to ``outbox append --ndjson``, whose topic has to come from them."""
    done = subprocess.run(
        [sys.executable, "-m", "outbox_client._cli", "append", "--ndjson", "--topic", "none"],
        input=lines.encode(),
        capture_output=True,
        check=False,
        env={
            **os.environ,
            "OUTBOX_DIR": str(outbox),
            "PYTHONPATH": str(Path(outbox_client.__file__).parents[1]),
        },
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(lines.splitlines())


def inspected(outbox: Path, tmp_path: Path, locale: str = "C.UTF-8") -> str:
    relay = Relay(
        outbox, NOWHERE, log=tmp_path / "inspect.log", settings={"LC_ALL": locale, "LANG": locale}
    )
    done = relay.cli("inspect", "--json", "--values", "--limit", "0")
    assert done.returncode == 0, done.stderr
    return done.stdout


def own(lines: str) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in lines.splitlines()]
    return [{k: v for k, v in event.items() if k not in OF_THE_PLACE} for event in events]


def test_what_inspect_prints_is_taken_unchanged(outbox: Path, tmp_path: Path) -> None:
    with Outbox(outbox) as client:
        for event in EVENTS:
            client.append(**{"topic": "t", **event})
    printed = inspected(outbox, tmp_path)
    # By what Python and others take for lines, too.
    assert len(printed.splitlines()) == len(EVENTS)
    # The locale is the terminal's; JSON is UTF-8 (RFC 8259).
    assert inspected(outbox, tmp_path, "C") == printed

    copy = tmp_path / "copy"
    take(copy, printed)
    assert own(inspected(copy, tmp_path)) == own(printed)


def test_dead_letters_are_taken_unchanged(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str, tmp_path: Path
) -> None:
    topic = broker.create_topic(topic_name, config={"max.message.bytes": str(LIMIT)})
    large = os.urandom(LIMIT * 2)
    dead: list[dict[str, Any]] = [
        {"value": b"\xff" + large, "key": b"\xfe", "partition": 0},
        {"value": None, "key": "k", "headers": [("a", large), ("b", None), ("a", "é")]},
        {"value": b"text " * LIMIT, "event_id": ID},
    ]
    with Outbox(outbox) as client:
        receipts = [client.append(topic=topic, **event) for event in dead]
        relay.start()
        assert [client.wait_delivered(receipt, 60) for receipt in receipts] == ["DEAD"] * len(dead)
    assert relay.stop() == 0
    listed = relay.cli("dead-letters", "list", "--json", "--values")
    shown = [
        relay.cli("dead-letters", "show", str(number), "--json", "--values").stdout
        for number in (1, 2, 3)
    ]
    assert listed.stdout == "".join(shown)
    wanted = own(relay.cli("inspect", "--json", "--values").stdout)
    for name, lines in (("listed", listed.stdout), ("shown", "".join(shown))):
        take(tmp_path / name, lines)
        assert own(inspected(tmp_path / name, tmp_path)) == wanted


def test_a_reader_that_has_enough_ends_a_command_without_a_stack_trace(
    outbox: Path, tmp_path: Path
) -> None:
    with Outbox(outbox) as client:
        for _ in range(2000):
            client.append(b"v", topic="t")
    relay = Relay(outbox, NOWHERE, log=tmp_path / "inspect.log")
    for redirection in ("| head -1; exit ${PIPESTATUS[0]}", "> /dev/full", ">&-"):
        done = subprocess.run(
            [
                "bash",
                "-c",
                f'"$@" {redirection}',
                "bash",
                *relay.command("inspect", "--limit", "0"),
            ],
            env=relay.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == NOT_PRINTED, done.stderr
        assert "could not be printed" in done.stderr
        assert "\tat " not in done.stderr
