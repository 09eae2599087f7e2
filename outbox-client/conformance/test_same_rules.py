"""Both clients take and refuse the same events, file systems and defaults.

What is on disk is compared by the golden files; this is what stands before it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any

import pytest
from outbox_conformance import places

from outbox_client import Outbox, OutboxError, _outbox_directory
from outbox_client._outbox import DEFAULT_LOCK_TIMEOUT
from outbox_client._record_draft import INTERNAL_TOPICS, draft
from outbox_client._roll_rule import ROLL_BYTES

ROOM = (1 << 20) - 72 - 40
INVALID, LARGE, OK = "InvalidEvent", "EventTooLarge", "ok"

EVENTS: list[tuple[str, dict[str, Any]]] = [
    *((OK, {"topic": topic}) for topic in ("t", "t" * 249, "a.b_c-D0", "...", "__x", "-")),
    *(
        (INVALID, {"topic": topic})
        for topic in ("", ".", "..", "t" * 250, "a b", "a/b", "ä", "a\n", "a\0", "a:b", "тема")
    ),
    *((INVALID, {"topic": topic}) for topic in sorted(INTERNAL_TOPICS)),
    *((OK, {"topic": topic}) for topic in ("consumer_offsets", "__Consumer_offsets", "__a")),
    (OK, {"topic": "t", "value_bytes": ROOM - 1}),
    (LARGE, {"topic": "t", "value_bytes": ROOM}),
    (OK, {"topic": "t", "key_bytes": ROOM - 1}),
    (LARGE, {"topic": "t", "key_bytes": ROOM}),
    (LARGE, {"topic": "t", "headers": ["h"], "header_bytes": ROOM}),
    (OK, {"topic": "t", "headers": ["h"], "header_bytes": ROOM - 8}),
    (LARGE, {"topic": "t", "headers": ["h"], "header_bytes": ROOM - 7}),
    (OK, {"topic": "t", "headers": ["h"] * 128}),
    (INVALID, {"topic": "t", "headers": ["h"] * 129}),
    (OK, {"topic": "t", "headers": ["n" * 255, "ключ", "\U0001f4e6", "Outbox-x", "outbox"]}),
    (INVALID, {"topic": "t", "headers": ["n" * 256]}),
    (INVALID, {"topic": "t", "headers": ["ж" * 128]}),
    (INVALID, {"topic": "t", "headers": [""]}),
    (INVALID, {"topic": "t", "headers": ["outbox-event-id"]}),
    (INVALID, {"topic": "t", "headers": ["outbox-"]}),
    (INVALID, {"topic": "t", "headers": ["\ud800"]}),
    (OK, {"topic": "t", "timestamp": 0}),
    (OK, {"topic": "t", "timestamp": (1 << 63) - 1}),
    (INVALID, {"topic": "t", "timestamp": -1}),
    (OK, {"topic": "t", "partition": 0}),
    (OK, {"topic": "t", "partition": (1 << 31) - 1}),
    (INVALID, {"topic": "t", "partition": -1}),
]


# Set one at a time, by hands that err.
ENVIRONMENTS: list[dict[str, str]] = [
    {},
    {"OUTBOX_DIR": " "},
    {"OUTBOX_DIR": "\t/o\u00a0\u0085\x1f"},
    {"OUTBOX_DIR": "/o/../p/./q//r/"},
    {"OUTBOX_DIR": "/../o"},
    *(
        {"OUTBOX_DIR": "/o", "OUTBOX_DURABILITY": durability}
        for durability in ("", " power ", "process", "POWER", "power\0")
    ),
    *(
        {"OUTBOX_DIR": "/o", "OUTBOX_MAX_BYTES": cap}
        for cap in ("", " 7 ", "007", "0", "-1", "+1000", "1_000", "1G", "\u0667", "9" * 30)
    ),
    *(
        {"OUTBOX_DIR": "/o", "OUTBOX_TRUST_PARENT": trust}
        for trust in ("", "1", " 1", "1 ", "01", "true")
    ),
]


@pytest.fixture(scope="module")
def java() -> tuple[dict[str, str], list[str]]:
    """The Java client's rules, and what it says of the events."""
    jars = [places.CONFORMANCE_JAR, places.CLIENT_JAR]
    jackson = sorted(places.CONFORMANCE.glob("target/lib/jackson-*.jar"))
    classpath = ":".join(map(places.built, [*jars, *jackson]))
    main = "dev.outboxrelay.conformance.RulesMain"
    said = subprocess.run(
        [places.java(), *places.QUICK_JVM, "-cp", classpath, main],
        input="".join(
            json.dumps(line) + "\n" for line in [*(event for _, event in EVENTS), *ENVIRONMENTS]
        ),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    answers = len(EVENTS) + len(ENVIRONMENTS)
    rules = dict(line.split(" ", 1) for line in said[:-answers])
    return rules, said[-answers:]


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_an_event_is_taken_or_refused_alike(
    number: int, java: tuple[dict[str, str], list[str]]
) -> None:
    expected, event = EVENTS[number]
    assert (_python(event), java[1][number]) == (expected, expected), str(event)[:200]


def _python(event: dict[str, Any]) -> str:
    key = event.get("key_bytes")
    try:
        draft(
            bytes(event.get("value_bytes", 0)),
            event["topic"],
            None if key is None else bytes(key),
            [(name, bytes(event.get("header_bytes", 0))) for name in event.get("headers", ())],
            bytes(16),
            event.get("timestamp"),
            event.get("partition"),
        )
    except OutboxError as problem:
        return type(problem).__name__
    return OK


@pytest.mark.parametrize("number", range(len(ENVIRONMENTS)))
def test_an_environment_makes_the_same_settings(
    number: int, java: tuple[dict[str, str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = ENVIRONMENTS[number]
    assert java[1][len(EVENTS) + number] == _settings(environment, monkeypatch), environment


def _settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(os, "environ", environment)
    try:
        path, durability, max_bytes, _, trust_parent = Outbox()._settings
    except OutboxError as problem:
        return type(problem).__name__
    no_cap = (1 << 63) - 1
    cap = min(max_bytes or no_cap, no_cap)
    return f"{path} {durability} {cap} {json.dumps(trust_parent)}"


def test_the_same_file_systems_are_supported(java: tuple[dict[str, str], list[str]]) -> None:
    rules, _ = java
    with_warning = {"overlay"}
    mac = {"apfs"}  # Java asks the system there, Python has nothing to ask
    assert set(rules["file-systems-with-warning"].split(",")) - mac == with_warning
    assert set(rules["file-systems"].split(",")) | with_warning == {*_outbox_directory.SUPPORTED}


def test_the_same_topics_are_left_to_kafka(java: tuple[dict[str, str], list[str]]) -> None:
    rules, _ = java
    assert {*rules["internal-topics"].split(",")} == INTERNAL_TOPICS
    rule = (places.CONFORMANCE.parent / "FORMAT.md").read_text().split("none of Kafka's own", 1)[1]
    assert {*re.findall("`(__[a-z_]+)`", rule.split("\n", 1)[0])} == INTERNAL_TOPICS


def test_the_same_defaults_hold(java: tuple[dict[str, str], list[str]], outbox: str) -> None:
    rules, _ = java
    assert float(rules["lock-timeout"]) == DEFAULT_LOCK_TIMEOUT
    assert int(rules["roll-bytes"]) == ROLL_BYTES
    assert Outbox(outbox).path == outbox
