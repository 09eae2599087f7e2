"""Which events are refused, and with which words."""

from __future__ import annotations

import os
import threading
import uuid
from typing import Any

import pytest
from support import exit_code, in_child, read_all

from outbox_client import EventTooLarge, InvalidEvent
from outbox_client._event_ids import new_event_id
from outbox_client._record_draft import draft


def check(value: Any = b"v", topic: Any = "t", **fields: Any) -> int:
    found = draft(
        value,
        topic,
        fields.get("key"),
        fields.get("headers"),
        fields.get("event_id"),
        fields.get("timestamp"),
    )
    return found.length


@pytest.mark.parametrize("topic", ["a", "A-b_c.9", "x" * 249, "..."])
def test_a_kafka_topic_name_is_taken(topic: str) -> None:
    check(topic=topic)


@pytest.mark.parametrize(
    "topic", ["", ".", "..", "x" * 250, "a b", "a/b", "ö", "a\n", b"bytes", None, 5, ["t"]]
)
def test_another_topic_is_refused_and_named(topic: object) -> None:
    with pytest.raises(InvalidEvent, match="topic"):
        check(topic=topic)


def test_a_topic_that_brokers_let_nobody_else_write_is_refused_with_the_way_out() -> None:
    for topic in ("__consumer_offsets", "__transaction_state"):
        with pytest.raises(InvalidEvent, match=f"'{topic}' is Kafka's own.*use another topic"):
            check(topic=topic)
    check(topic="__consumer_offsets2")


@pytest.mark.parametrize("value", [b"1", "1", bytearray(b"1"), memoryview(b"1"), None])
def test_bytes_text_and_nothing_are_values(value: object) -> None:
    check(value)
    check(key=value)


@pytest.mark.parametrize("value", [5, 1.5, {"a": 1}, ["a"], object()])
def test_another_value_is_refused_with_the_way_out(value: object) -> None:
    with pytest.raises(InvalidEvent, match=r"json\.dumps"):
        check(value)
    with pytest.raises(InvalidEvent, match="key"):
        check(key=value)


def test_text_that_has_no_utf8_form_is_refused() -> None:
    for fields in ({"value": "\ud800"}, {"key": "\ud800"}, {"headers": {"a": "\ud800"}}):
        with pytest.raises(InvalidEvent, match="UTF-8"):
            check(**fields)


def test_a_value_is_a_copy() -> None:
    value = bytearray(b"before")
    made = draft(value, "t", None, None, None, None)
    value[:] = b"after!"
    assert b"tbefore" in b"".join(made.parts(1, 1, 1, None, bytes(24), 0))


def test_a_record_of_1_mib_is_the_largest() -> None:
    room = (1 << 20) - 72 - 40 - len("topic") - len("key") - (2 + 1 + 4 + 2)
    fields: dict[str, Any] = {"topic": "topic", "key": "key", "headers": {"a": "bc"}}
    assert check(bytes(room), **fields) == (1 << 20) - 40
    with pytest.raises(EventTooLarge, match=str((1 << 20) - 112)):
        check(bytes(room + 1), **fields)


def test_headers_keep_order_and_repetition() -> None:
    assert check(headers={"a": "b"}) == check(headers=[("a", b"b")])
    assert check(headers=iter([("a", "b"), ("a", None)])) > check(headers={"a": "b"})
    assert check(headers={}) == check(headers=None) == check(headers=[])
    assert check(headers=[(f"h{n}", None) for n in range(128)])


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ({"": "v"}, "1 to 255"),
        ({"ö" * 128: "v"}, "1 to 255"),
        ({"outbox-event-id": "v"}, "relay's own"),
        ({b"bytes": "v"}, "must be a str"),
        ({None: "v"}, "must be a str"),
        ({"a": 5}, "header 'a'"),
        ([("a", "b", "c")], "pairs"),
        (["ab"], "pairs"),
        (5, "mapping"),
        ([("a", None)] * 129, "128"),
    ],
)
def test_bad_headers_are_refused(headers: object, complaint: str) -> None:
    with pytest.raises(InvalidEvent, match=complaint):
        check(headers=headers)


def test_headers_that_alone_fill_a_record_are_refused_early() -> None:
    with pytest.raises(EventTooLarge, match="headers alone"):
        check(headers=[("a", bytes(1 << 20))] * 2)


def test_an_event_id_may_be_given_in_three_ways() -> None:
    identity = uuid.uuid4()
    for given in (identity, str(identity), identity.bytes, identity.hex):
        assert draft(b"", "t", None, None, given, None).event_id == identity.bytes


@pytest.mark.parametrize(
    "event_id",
    [
        "x",
        b"short",
        5,
        "",
        # What int() takes for 128 bits, and others for something else.
        "0x8f3b6e000070008000000000000001",
        "018f3b6e-0000-7000-8000-0000000000_1",
        "018f3b6e0000700080000000000000_1",
        " 18f3b6e-0000-7000-8000-000000000001",
        "+18f3b6e-0000-7000-8000-000000000001",
        "\u066018f3b6e-0000-7000-8000-000000000001",
        "\u066018f3b6e000070008000000000000001",
        "018f3b6e-0000-7000-8000-000000000001\n",
    ],
)
def test_another_event_id_is_refused(event_id: object) -> None:
    with pytest.raises(InvalidEvent, match="UUID"):
        check(event_id=event_id)


@pytest.mark.parametrize("timestamp", [-1, 1.5, "1", True, 1 << 63])
def test_a_timestamp_is_milliseconds(timestamp: object) -> None:
    with pytest.raises(InvalidEvent, match="milliseconds"):
        check(timestamp=timestamp)


def test_a_long_offender_is_cut_short_in_the_message() -> None:
    with pytest.raises(InvalidEvent) as caught:
        check(topic="x" * 10_000)
    assert len(str(caught.value)) < 300


def test_made_up_topics_do_not_fill_the_memory() -> None:
    from outbox_client import _record_draft

    for number in range(3000):
        check(topic=f"topic-{number}")
    assert len(_record_draft._known_topics) <= 1024


def test_event_ids_are_in_the_order_of_time() -> None:
    ids = [uuid.UUID(bytes=new_event_id()) for _ in range(1000)]
    times = [identity.int >> 80 for identity in ids]
    assert times == sorted(times)
    assert len(set(ids)) == 1000


def random_parts(count: int) -> list[bytes]:
    return [new_event_id()[6:] for _ in range(count)]


def test_event_ids_have_the_bits_of_version_7_and_the_others_at_random() -> None:
    ids = [int.from_bytes(new_event_id(), "big") for _ in range(1000)]
    fixed = 0xF << 76 | 0b11 << 62
    assert {found & fixed for found in ids} == {7 << 76 | 0b10 << 62}
    ones = zeros = 0
    for found in ids:
        ones |= found
        zeros |= ~found
    assert ones & zeros & ((1 << 80) - 1) == ((1 << 80) - 1) & ~fixed


def test_threads_share_no_random_bytes() -> None:
    parts: list[bytes] = []

    def run() -> None:
        parts.extend(random_parts(10_000))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(parts)) == 40_000


def send_parts(pipe: int) -> None:
    assert os.write(pipe, b"".join(random_parts(100)))


def received_parts(pipe: int) -> set[bytes]:
    data = read_all(pipe)
    assert len(data) == 1000
    return {data[start : start + 10] for start in range(0, 1000, 10)}


def test_a_forked_child_shares_no_random_bytes_with_its_parent() -> None:
    new_event_id()
    pid, pipe = in_child(send_parts)
    assert not received_parts(pipe) & set(random_parts(100))
    assert exit_code(pid) == 0


def test_nor_does_one_that_a_handler_forks_while_random_bytes_are_fetched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parent = os.getpid()
    reading, writing = os.pipe()
    children = []
    fetch = os.urandom

    def fetch_and_fork(length: int) -> bytes:
        monkeypatch.undo()
        data = fetch(length)
        children.append(os.fork())
        return data

    monkeypatch.setattr(os, "urandom", fetch_and_fork)
    while not children:
        new_event_id()  # the one that is interrupted is what both go on with
    if os.getpid() != parent:
        send_parts(writing)
        os._exit(0)
    os.close(writing)
    assert not received_parts(reading) & set(random_parts(100))
    assert exit_code(children[0]) == 0
