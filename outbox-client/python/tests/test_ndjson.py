"""``outbox append --ndjson``: what is carried as it stands, and what is refused."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox_client._cli import main
from outbox_client._errors import InvalidEvent
from outbox_client._ndjson import events
from outbox_client._record_draft import draft
from outbox_client.testing import read_events

if TYPE_CHECKING:
    from pathlib import Path

ID = "018f3b6e-0000-7000-8000-000000000001"


@pytest.fixture(autouse=True)
def _directory(outbox_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_DIR", str(outbox_path))


def parsed(line: bytes | str) -> dict[str, Any]:
    """The keyword arguments of `Outbox.append` for one line."""
    [(number, event)] = events([(line.encode() if isinstance(line, str) else line, True)])
    assert number == 1
    return event


def refusal(line: bytes | str) -> str:
    with pytest.raises(InvalidEvent) as refused:
        parsed(line)
    return str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 12345678901234.123456789, "n": 1, "n": 2}',
        '{ "spaces"\t: [ 1 ,2 ] }',
        "1E400",
        "-0",
        "-0.0",
        "1.10",
        "9" * 5000,
        '["\\ud800", "\\u00e9", "é", "\\u0000", "\\/", "\U0001f600"]',
        "[]",
        "{}",
        "0",
        "true",
        "false",
        "[" * 500 + "]" * 500,
        '[{"value": 1}, {"value": 2}]',
    ],
)
def test_json_is_stored_as_it_stands(text: str) -> None:
    for line in (
        f'{{"value":{text}}}',
        f'{{"value": {text} , "key": "k"}}\r',
        f' {{ "key" : "k" ,\t"value" :\t{text}\t}} \r',
        f'{{"\\u0076alue":{text}}}',
    ):
        found = parsed(line)["value"]
        assert (found if isinstance(found, bytes) else found.encode()) == text.encode(), line


def test_a_string_is_its_text_and_null_is_a_tombstone() -> None:
    assert parsed('{"value": "a\\u0000\\n\\u00e9\\ud83d\\ude00"}')["value"] == "a\0\né\U0001f600"
    assert parsed('{"value": "{\\"a\\": 1}"}')["value"] == '{"a": 1}'
    assert parsed('{"value": ""}')["value"] == ""
    assert parsed('{"value": null}')["value"] is None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values, st.booleans(), st.sampled_from([None, 1]))
def test_whatever_json_it_is(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).replace(", ", " ,\t" if indent else ",")
    try:
        line = f'{{"key": null, "value": {text}, "partition": 1}}'.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate, which only an escape can hold
    found = parsed(line)["value"]
    if value is None or isinstance(value, str):
        assert found == json.loads(text)
    else:
        assert (found if isinstance(found, bytes) else found.encode()) == text.encode()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "jq -c"),
        ('{"value":', "jq -c"),
        ("nonsense", "no JSON"),
        ("[]", "no JSON object"),
        ("5", "no JSON object"),
        ('{"value": 1}{"value": 2}', "no JSON"),
        ('{"value": 1} x', "no JSON"),
        ('{"value": 1,}', "no JSON"),
        ('{"value" 1}', "no JSON"),
        ('{"value": 1 "key": "k"}', "no JSON"),
        ("{value: 1}", "no JSON"),
        ("{'value': 1}", "no JSON"),
        ('{"value": [1,]}', "no JSON"),
        ('{"value": 01}', "no JSON"),
        ('{"value": .5}', "no JSON"),
        ('{"value": +1}', "no JSON"),
        ('{"value": "\\x41"}', "no JSON"),
        ('{"value": "a\tb"}', "control character"),
        (b'{"value": "a\x00b"}', "control character"),
        (b'{"value": {"a": "\x1f"}}', "control character"),
        (b'\x00{"value": 1}', "no JSON"),
        (b'{"value": 1}\x00', "no JSON"),
        (b'{"value":\x0c1}', "no JSON"),
        ('{"value":\u00a01}', "no JSON"),
        ('{"value": \u0663}', "no JSON"),
        (b'\x1e{"value": 1}', "no JSON"),
        ('{"value": NaN}', "NaN"),
        ('{"value": {"b": [NaN]}}', "NaN"),
        ('{"value": Infinity}', "Infinity"),
        ('{"value": [-Infinity]}', "-Infinity"),
        ('{"timestamp": NaN}', "NaN"),
        ("NaN", "NaN"),
        (b'{"value": "\xff"}', "UTF-8"),
        (b'{"value": "\xed\xa0\x80"}', "UTF-8"),
        (b'{"value": "\xc0\x80"}', "UTF-8"),
        (b'\xef\xbb\xbf{"value": 1}', "byte order mark"),
        ('{"value": 1}'.encode("utf-16"), "UTF-8"),
        ('{"value": 1}'.encode("utf-16-le"), "no JSON"),
        ('{"value": ' + "[" * 200_000 + "]" * 200_000 + "}", "nested"),
        ('{"value": 1, "value": 2}', "'value' is there twice"),
        ('{"topic": "a", "value": 1, "t\\u006fpic": "b"}', "'topic' is there twice"),
        ('{"valu": 1}', "unknown field 'valu'"),
        ('{"VALUE": 1}', "unknown field 'VALUE'"),
        ('{"value": 1, "value_base64": ""}', "give one"),
        ('{"key": "", "key_base64": ""}', "give one"),
        ('{"value_base64": "x"}', "no base64"),
        ('{"value_base64": 5}', "no base64"),
        ('{"value_base64": null}', "no base64"),
        ('{"value_base64": "AAA"}', "no base64"),
        ('{"value_base64": "AB=="}', "no base64"),
        ('{"value_base64": "AA==AA=="}', "no base64"),
        ('{"value_base64": "AA= ="}', "no base64"),
        ('{"value_base64": "AA-_"}', "no base64"),
        ('{"value_base64": "é"}', "no base64"),
        ('{"key": 5}', "key must be a string"),
        ('{"key": ["k"]}', "key must be a string"),
        ('{"key_base64": "%"}', "key_base64 is no base64"),
        ('{"topic": null}', "topic"),
        ('{"topic": ["t"]}', "topic"),
        ('{"event_id": 5}', "UUID"),
        ('{"event_id": "x"}', "UUID"),
        ('{"event_id": "018f3b6e0000700080000000000000_1"}', "UUID"),
        ('{"event_id": "0x8f3b6e000070008000000000000001"}', "UUID"),
        ('{"event_id": "018f3b6e-0000-7000-8000-000000000001\\n"}', "UUID"),
        ('{"event_id": "\\u066018f3b6e-0000-7000-8000-000000000001"}', "UUID"),
        ('{"timestamp": 5.0}', "timestamp 5.0"),
        ('{"timestamp": 1e3}', "timestamp 1e3"),
        ('{"timestamp": "5"}', "timestamp '5'"),
        ('{"timestamp": true}', "timestamp True"),
        ('{"timestamp": [5]}', "timestamp"),
        ('{"timestamp": ' + "9" * 5000 + "}", "timestamp"),
        ('{"partition": 0.0}', "partition"),
        ('{"partition": "0"}', "partition"),
        ('{"headers": 5}', "headers must be"),
        ('{"headers": false}', "headers must be"),
        ('{"headers": ""}', "headers must be"),
        ('{"headers": "ab"}', "headers must be"),
        ('{"headers": [1]}', "header 1 must be"),
        ('{"headers": ["ab"]}', "header 1 must be"),
        ('{"headers": [["a", "1"], ["a"]]}', "header 2 must be"),
        ('{"headers": [["a", "1", "2"]]}', "header 1 must be"),
        ('{"headers": [null]}', "header 1 must be"),
        ('{"headers": [[1, "a"]]}', "header 1"),
        ('{"headers": {"a": 5}}', "header 'a' must be"),
        ('{"headers": {"a": true}}', "header 'a' must be"),
        ('{"headers": {"a": {"value": "1"}}}', "header 'a' must be"),
        ('{"headers": [{"name": "a"}]}', "header 'a' has no value"),
        ('{"headers": [{"value": "1"}]}', "header 1 must be"),
        ('{"headers": [{"name": "a", "value": "1", "x": 1}]}', "header 1 must be"),
        ('{"headers": [{"name": "a", "value": "1", "value": "2"}]}', "twice"),
        ('{"headers": [{"name": "a", "value": "1", "value_base64": ""}]}', "give one"),
        ('{"headers": [{"name": "a", "value_base64": "x"}]}', "no base64"),
        ('{"value_bytes": 5, "sequence": 1}', "--values"),
        ('{"corrupt": "crc", "cycle": 1, "offset": 2, "bytes": null, "detail": ""}', "corrupt"),
        ('{"number": 1, "event": null}', "damaged"),
        ('{"number": 1, "event": {"value": 1}, "value": 2}', "unknown field 'value'"),
        ('{"number": 1, "event": {"event": {"value": 1}}}', "unknown field 'event'"),
        ('{"event": [1]}', "no JSON object"),
        ('{"reason": "too-large", "value": 1}', "unknown field 'reason'"),
    ],
)
def test_what_is_no_event_is_refused(line: str | bytes, complaint: str) -> None:
    rest = {"topic": "t", "key": None, "headers": None, "event_id": None, "timestamp": None}
    with pytest.raises(InvalidEvent) as refused:
        draft(**{**rest, **parsed(line)})
    assert complaint in str(refused.value)


def test_headers_keep_order_repetitions_and_nulls() -> None:
    wanted = [("a", "1"), ("b", None), ("a", "2"), ("a", b"\xff")]
    pairs = '[["a","1"],["b",null],{"name":"a","value":"2"},{"value_base64":"/w==","name":"a"}]'
    assert parsed(f'{{"headers": {pairs}}}')["headers"] == wanted
    assert parsed('{"headers": {"a": "1", "b": null, "a": "2"}}')["headers"] == wanted[:3]
    assert parsed('{"headers": {"name": "a", "value": "1"}}')["headers"] == [
        ("name", "a"),
        ("value", "1"),
    ]
    for none in ("null", "[]", "{}"):
        assert not parsed(f'{{"headers": {none}}}').get("headers")


def test_what_the_relay_prints_is_taken() -> None:
    event = (
        '"sequence":7,"appended":5,"timestamp":6,"event_id":"' + ID + '","topic":"t","partition":2,'
        '"batch":true,"continued":true,"key_base64":"/w==","headers":[{"name":"a","value":null}],'
        '"value_bytes":1,"value":"v"'
    )
    wanted = {
        "topic": "t",
        "event_id": ID,
        "timestamp": 6,
        "partition": 2,
        "key": b"\xff",
        "headers": [("a", None)],
        "value": "v",
    }
    assert parsed("{" + event + ',"index":1,"cycle":2,"offset":3}') == wanted
    letter = (
        f'{{"number":1,"reason":"r","error":"e","at":null,"done":"replayed","event":{{{event}}}}}'
    )
    assert parsed(letter) == wanted
    replayed = '"replay_of":1,"round":1'
    assert parsed(letter.replace('"event":', replayed + ',"event":')) == wanted
    assert parsed("{" + event + "," + replayed + ',"original_topic":"t"}') == wanted
    assert parsed('{"value_bytes":null,"value":null}')["value"] is None


@pytest.mark.parametrize(
    "line",
    ['{"topic": "a b"}', '{"value": "\\ud800"}', '{"partition": -1}', '{"headers": [1]}', "{"],
)
def test_a_bad_line_ends_the_command_behind_the_good_ones(
    line: str, outbox_path: Path, standard_input: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    standard_input(f'{{"value": "good"}}\n\n{line}\n{{"value": "never"}}\n'.encode())
    assert main(["append", "--ndjson"]) == 3
    assert [event.value for event in read_events(outbox_path)] == [b"good"]
    printed = capfd.readouterr()
    assert printed.err.startswith("outbox: line 3: ")
    assert "1 event was appended" in printed.err
    assert len(printed.out.splitlines()) == 1


def test_a_refused_line_is_counted_like_any_refused_event(
    outbox_path: Path, standard_input: Any
) -> None:
    standard_input(b'{"value": 1}\n{"value": NaN}\n')
    assert main(["append", "--ndjson"]) == 3
    once = (outbox_path / "append.failures").read_bytes()
    assert any(once[-64:]) or any(once)
    standard_input(b'{"value": NaN}\n')
    assert main(["append", "--ndjson"]) == 3
    assert (outbox_path / "append.failures").read_bytes() != once


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n \t\r\n"])
def test_every_end_of_a_line_will_do(end: str, outbox_path: Path, standard_input: Any) -> None:
    standard_input(f'{{"value": 1}}\r\n{{"value": 2}}{end}'.encode())
    assert main(["append", "--ndjson"]) == 0
    assert [event.value for event in read_events(outbox_path)] == [b"1", b"2"]


def test_a_line_that_was_cut_is_refused(
    outbox_path: Path, standard_input: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = '{"value": {"a": [1, "é\\u00e9"]}, "key": "k"}'.encode()
    for cut in range(1, len(whole)):
        standard_input(b'{"value": 1}\n' + whole[:cut])
        assert main(["append", "--ndjson"]) == 3, whole[:cut]
        error = capfd.readouterr().err
        assert "line 2" in error
        assert "input ends" in error
    assert {event.value for event in read_events(outbox_path)} == {b"1"}


def test_a_line_that_no_record_can_hold_is_not_read_to_its_end(outbox_path: Path) -> None:
    # What getrusage tells of a child includes its parent, from before the exec.
    program = """
import sys
from outbox_client._cli import main
code = main(["append", "--ndjson"])
sys.stderr.write(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
sys.exit(code)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    written = 0
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b'{"value": 1}\n{"value": "')
        while written < 300 << 20:
            written += process.stdin.write(b"x" * (1 << 20)) or 0
    process.stdin.close()
    error = process.stderr.read().decode()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    assert process.returncode == 3, error
    assert "line 2" in error
    assert written < 20 << 20
    assert int(error.split()[-1]) < 100 << 10  # KiB
    assert len(read_events(outbox_path)) == 1


def test_a_value_of_very_many_small_parts_takes_no_more_memory_than_it_is_worth(
    outbox_path: Path,
) -> None:
    line = b'{"value": [' + b"[]," * (7 << 18) + b"[]]}\n"
    command = [sys.executable, "-m", "outbox_client._cli", "append", "--ndjson"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done = subprocess.run(command, input=line, capture_output=True, check=False)
    assert done.returncode == 3, done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert after < max(before + 1, 160 << 10)


def test_the_largest_strings_are_taken_however_they_are_written(
    outbox_path: Path, standard_input: Any
) -> None:
    size = 1_000_000
    escaped = '{"value": "' + "\\u0041" * size + '"}\n'
    encoded = json.dumps({"value_base64": base64.b64encode(b"\xff" * size).decode()})
    plain = '{"value": [' + " " * size + "]}\n"
    standard_input((escaped + plain + encoded).encode())
    assert main(["append", "--ndjson"]) == 0
    values = [event.value for event in read_events(outbox_path)]
    assert values == [b"A" * size, b"[" + b" " * size + b"]", b"\xff" * size]


ATOMIC = ["append", "--ndjson", "--atomic", "--topic", "t"]


def test_an_atomic_input_is_appended_as_a_whole(
    outbox_path: Path, standard_input: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    standard_input(b'{"value": 1}\n\n{"value": {"a" : 2}, "topic": "u"}\n{"value": 3}')
    assert main(ATOMIC) == 0
    assert [(event.topic, event.value) for event in read_events(outbox_path)] == [
        ("t", b"1"),
        ("u", b'{"a" : 2}'),
        ("t", b"3"),
    ]
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines()] == ["1", "2", "3"]


@pytest.mark.parametrize("data", [b"", b"\n \n"])
def test_an_atomic_input_may_be_empty(
    data: bytes, standard_input: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    standard_input(data)
    assert main(ATOMIC) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("{", "no JSON"),
        ('{"value": NaN}', "NaN"),
        ('{"topic": "a b"}', "topic 'a b'"),
        ('{"value": "\\ud800"}', "UTF-8"),
        ('{"partition": -1}', "partition -1"),
        ('{"value": "' + "x" * (1 << 20) + '"}', "at most"),
    ],
)
def test_one_bad_line_of_an_atomic_input_means_nothing_of_it(
    bad: str,
    complaint: str,
    outbox_path: Path,
    standard_input: Any,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["append", "first"]) == 0
    counted = (outbox_path / "append.failures").read_bytes()
    standard_input(f'{{"value": 1}}\n\n{bad}\n{{"value": 3}}\n'.encode())
    assert main(ATOMIC) == 3
    error = capfd.readouterr().err
    assert error.startswith("outbox: line 3: "), error
    assert complaint in error
    assert "event 2" not in error
    assert "0 events were appended" in error
    assert [event.value for event in read_events(outbox_path)] == [b"first"]
    assert (outbox_path / "append.failures").read_bytes() != counted


@pytest.mark.parametrize(
    ("line", "lines", "complaint"),
    [
        (b'{"value": 1}\n', 10_001, "at most 10000 events"),
        (b'{"value": "' + b"x" * 1_000_000 + b'"}\n', 9, "with line 9 the batch takes"),
    ],
)
def test_an_atomic_input_has_limits_and_is_not_read_beyond_them(
    line: bytes,
    lines: int,
    complaint: str,
    outbox_path: Path,
    standard_input: Any,
    capfd: pytest.CaptureFixture[str],
) -> None:
    standard_input(line * lines * 4)
    assert main(ATOMIC) == 3
    assert complaint in capfd.readouterr().err
    assert os.lseek(0, 0, os.SEEK_CUR) < len(line) * (lines + 1) + (1 << 17)
    assert not outbox_path.exists() or not read_events(outbox_path)
    standard_input(line * (lines - 1))
    assert main(ATOMIC) == 0
    assert len(read_events(outbox_path)) == lines - 1
