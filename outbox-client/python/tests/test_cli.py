"""The ``outbox`` command: what it prints and how it exits."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from test_full import write_position

from outbox_client import Outbox
from outbox_client._cli import main
from outbox_client.testing import read_events

if TYPE_CHECKING:
    from pathlib import Path

    from outbox_client._group_commit import Published


@pytest.fixture(autouse=True)
def _directory(outbox_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_DIR", str(outbox_path))


def test_init_creates_and_says_which(outbox_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    printed = capfd.readouterr().out
    assert str(outbox_path) in printed
    assert main(["init", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["path"] == str(outbox_path)
    assert found["outbox"] in printed


def test_append_takes_the_value_from_the_argument(
    outbox_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["append", "välue", "--topic", "orders", "--key", "k", "--header", "a=b=c"]
    assert main([*arguments, "--timestamp", "5", "--partition", "2"]) == 0
    (event,) = read_events(outbox_path)
    assert (event.topic, event.key, event.value) == ("orders", b"k", "välue".encode())
    assert event.headers == (("a", b"b=c"),)
    assert event.timestamp == 5
    assert event.partition == 2
    assert capfd.readouterr().out == f"1 {event.event_id}\n"


@pytest.mark.parametrize("arguments", [["append"], ["append", "-"]])
def test_append_takes_the_value_from_standard_input(
    arguments: list[str], outbox_path: Path, standard_input: Any
) -> None:
    standard_input(b"\x00binary\n")
    assert main(arguments) == 0
    assert read_events(outbox_path)[0].value == b"\x00binary\n"


def test_behind_two_dashes_everything_is_the_value(
    outbox_path: Path, standard_input: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = ["-", "--", "--help", "-5", ""]
    for line in lines:
        standard_input(b"the rest of the file")
        assert main(["append", "--topic", "t", "--", line]) == 0
    assert [event.value for event in read_events(outbox_path)] == [line.encode() for line in lines]
    assert capfd.readouterr().err == ""


def test_append_prints_a_receipt_as_json(
    outbox_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    identity = "018f3b6e-0000-7000-8000-000000000001"
    assert main(["append", "v", "--event-id", identity, "--durability", "power", "--json"]) == 0
    receipt = json.loads(capfd.readouterr().out)
    assert receipt == {
        "outbox": receipt["outbox"],
        "generation": 1,
        "sequence": 1,
        "event_id": identity,
        "durability": "power",
    }


def test_append_can_append_a_tombstone(outbox_path: Path) -> None:
    assert main(["append", "--tombstone", "--key", "k"]) == 0
    assert read_events(outbox_path)[0].value is None


def test_the_topic_comes_from_the_environment(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["append", "1"])
    monkeypatch.setenv("OUTBOX_TOPIC", "events-{environment}")
    main(["append", "2"])
    monkeypatch.setenv("ENVIRONMENT", "prod")
    main(["append", "3"])
    topics = [event.topic for event in read_events(outbox_path)]
    assert topics == ["workflow-events", "events-dev", "events-prod"]


def test_ndjson_is_one_event_a_line(
    outbox_path: Path, standard_input: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = [
        {"value": "text", "topic": "a", "key": "k", "timestamp": 5},
        {"value": {"b": [1, None], "ö": "ü"}, "headers": {"h": "v", "n": None}},
        {"value_base64": "AAH/", "headers": [["r", "1"], ["r", "2"]]},
        {"value": None, "event_id": "018f3b6e-0000-7000-8000-000000000001"},
        {},
        {"value": 0},
        {"value": False, "partition": 3},
    ]
    text = "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    standard_input(text.encode())
    assert main(["append", "--ndjson", "--topic", "t"]) == 0
    events = read_events(outbox_path)
    assert [event.value for event in events] == [
        b"text",
        '{"b": [1, null], "ö": "ü"}'.encode(),
        b"\x00\x01\xff",
        None,
        None,
        b"0",
        b"false",
    ]
    assert [event.topic for event in events] == ["a", "t", "t", "t", "t", "t", "t"]
    assert events[0].key == b"k"
    assert events[0].timestamp == 5
    assert [event.partition for event in events] == [None] * 6 + [3]
    assert events[1].headers == (("h", b"v"), ("n", None))
    assert events[2].headers == (("r", b"1"), ("r", b"2"))
    assert str(events[3].event_id) == "018f3b6e-0000-7000-8000-000000000001"
    assert len(capfd.readouterr().out.splitlines()) == 7


def test_status_as_text_and_as_json(outbox_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outbox = Outbox()
    receipt = outbox.append(b"", topic="t")
    assert main(["status"]) == 0
    text = capfd.readouterr().out
    assert "waiting        1 events, " in text
    assert "parked         0 bytes" in text
    assert "the relay has not run yet" in text
    write_position(outbox_path, receipt.outbox.bytes, sequence=1, held_bytes=77)
    assert main(["status", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["outbox"] == str(receipt.outbox)
    assert found["held_bytes"] == 77
    assert found["lag_events"] == 0
    assert found["delivery"] == "at-least-once"


def test_wait_exits_by_outcome(outbox_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    receipt = Outbox().append(b"", topic="t")
    assert main(["wait", "1", "--timeout", "0"]) == 13
    write_position(outbox_path, receipt.outbox.bytes, sequence=1)
    assert main(["wait", "1", "--json"]) == 0
    printed = capfd.readouterr().out.splitlines()
    assert printed == ["PENDING", '{"sequence":1,"outcome":"DELIVERED"}']


@pytest.mark.parametrize(
    ("arguments", "environment", "code"),
    [
        ([], {}, 2),
        (["append", "x", "--ndjson"], {}, 2),
        (["wait", "0"], {}, 2),
        (["wait", "x"], {}, 2),
        (["wait", "1", "--timeout", "-1"], {}, 2),
        (["append", "x", "--header", "novalue"], {}, 3),
        (["append", "x", "--topic", "a b"], {}, 3),
        (["append", "x" * (1 << 20)], {}, 3),
        (["append", "x"], {"OUTBOX_MAX_BYTES": "1"}, 4),
        (["append", "x"], {"OUTBOX_DIR": ""}, 6),
        (["append", "x", "--dir", "relative"], {}, 6),
        (["status"], {}, 6),
    ],
)
def test_errors_exit_with_their_code(
    arguments: list[str],
    environment: dict[str, str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert usage_code(arguments) == code
    assert capfd.readouterr().err


def test_a_busy_lock_and_a_corrupt_queue_have_codes(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from outbox_client import OutboxBusy, OutboxCorrupt, OutboxUnavailable
    from outbox_client._queue_writer import QueueWriter

    maybe = OutboxUnavailable("fsync")
    maybe.maybe_appended = True
    maybe._event_ids = (bytes(16),)
    for problem, code in ((OutboxBusy("b"), 5), (OutboxCorrupt("c"), 7), (maybe, 8)):

        def fail(self: QueueWriter, draft: object, problem: Exception = problem) -> None:
            raise problem

        monkeypatch.setattr(QueueWriter, "append", fail)
        assert main(["append", "x"]) == code
    error = capfd.readouterr().err
    assert "event id 00000000-0000-0000-0000-000000000000" in error
    assert "appended" not in error


@pytest.mark.parametrize(
    ("atomic", "told"),
    [([], "1 event was appended before it, 1 may be"), (["--atomic"], "3 events may be appended")],
)
def test_what_may_be_appended_is_told_with_all_ids(
    atomic: list[str],
    told: str,
    outbox_path: Path,
    standard_input: Any,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    from outbox_client._group_commit import GroupCommit

    def fail(self: GroupCommit, published: Published, disk: object) -> None:
        if published.sequence > 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(GroupCommit, "bring", fail)
    standard_input(b'{"value": 1}\n{"value": 2}\n{"value": 3}\n')
    assert main(["append", "--ndjson", "--durability", "power", *atomic]) == 8
    error = capfd.readouterr().err.splitlines()
    there = [f"outbox: event id {event.event_id}" for event in read_events(outbox_path)]
    assert error[1:] == [*there[-3 if atomic else -1 :], f"outbox: {told}"]


@pytest.mark.parametrize(
    "option",
    [
        ["--key", "k"],
        ["--header", "a=b"],
        ["--event-id", "018f3b6e-0000-7000-8000-000000000001"],
        ["--timestamp", "5"],
        ["--partition", "1"],
    ],
)
def test_with_ndjson_what_each_line_says_itself_is_no_option(
    option: list[str], outbox_path: Path, standard_input: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    standard_input(b'{"value": 1}\n')
    assert usage_code(["append", "--ndjson", *option]) == 2
    assert option[0] in capfd.readouterr().err
    assert not outbox_path.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["append", "x", "--timestamp", "1_0"],
        ["append", "x", "--timestamp", "٣"],
        ["append", "x", "--timestamp", " 5"],
        ["append", "x", "--partition", "1_0"],
        ["append", "x", "--atomic"],
        ["wait", "1_0"],
        ["wait", "1", "--timeout", "1_0"],
        ["wait", "1", "--timeout", "nan"],
        ["wait", str(1 << 64)],
    ],
)
def test_a_number_is_its_digits(arguments: list[str]) -> None:
    assert usage_code(arguments) == 2


def test_an_event_id_that_others_read_otherwise_is_refused(
    capfd: pytest.CaptureFixture[str],
) -> None:
    for odd in ("0x8f3b6e000070008000000000000001", "018f3b6e0000700080000000000000_1"):
        assert main(["append", "x", "--event-id", odd]) == 3
        assert odd in capfd.readouterr().err


def test_the_bytes_of_arguments_are_carried_in_any_locale(outbox_path: Path) -> None:
    given = {
        "value": b"v\xff\xc3\xa4",
        "key": b"\xe4\xf6",
        "header": "ä=".encode() + b"\xfc",
    }
    command: list[str | bytes] = [sys.executable, "-m", "outbox_client._cli", "append"]
    command += [given["value"], "--key", given["key"], "--header", given["header"]]
    for number, locale in enumerate(("C.UTF-8", "C", "en_US.ISO-8859-1", "POSIX")):
        environment = {**os.environ, "LC_ALL": locale}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        event = read_events(outbox_path)[number]
        assert event.value == given["value"], locale
        assert event.key == given["key"], locale
        assert event.headers == (("ä", b"\xfc"),), locale


def test_more_than_a_record_holds_is_not_read_from_standard_input(
    standard_input: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    standard_input(b"x" * (4 << 20))
    assert main(["append"]) == 3
    assert "standard input" in capfd.readouterr().err
    assert os.lseek(0, 0, os.SEEK_CUR) < 2 << 20


def usage_code(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as usage:
        return int(usage.code or 0)


def test_help_and_version(capfd: pytest.CaptureFixture[str]) -> None:
    for arguments, wanted in (
        (["--help"], "exit codes:"),
        (["append", "--help"], "value_base64"),
        (["--version"], "outbox 0"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert wanted in capfd.readouterr().out
