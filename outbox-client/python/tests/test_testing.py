"""The helper for users' tests."""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path

import pytest
from support import HOUR, Clock, event, new_writer

from outbox_client import Outbox, OutboxCorrupt, OutboxUnavailable
from outbox_client._cycle_layout import cycle_name
from outbox_client.testing import TemporaryOutbox, read_events, temporary_outbox


def test_a_temporary_outbox_shows_what_was_appended() -> None:
    with temporary_outbox() as outbox:
        assert outbox.events() == []
        Outbox().append('{"id": 1}', topic="orders", key="1", headers={"a": "b"}, timestamp=7)
        outbox.outbox.append(None, topic="orders")
        first, second = outbox.events()
        assert first.topic == "orders"
        assert first.key == b"1"
        assert first.json() == {"id": 1}
        assert first.header("a") == b"b"
        assert first.headers == (("a", b"b"),)
        assert (first.sequence, first.timestamp) == (1, 7)
        assert first.append_time > 7
        assert first.event_id.version == 7
        assert second.value is None
        assert second.json() is None
        with pytest.raises(KeyError):
            second.header("a")
        path = outbox.path
    assert not Path(path).parent.exists()


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_outbox() as outbox:
        assert os.environ["OUTBOX_DIR"] == outbox.path
    assert "OUTBOX_DIR" not in os.environ
    monkeypatch.setenv("OUTBOX_DIR", "/before")
    with temporary_outbox():
        assert os.environ["OUTBOX_DIR"] != "/before"
    assert os.environ["OUTBOX_DIR"] == "/before"
    with temporary_outbox(set_environment=False):
        assert os.environ["OUTBOX_DIR"] == "/before"


def test_it_can_be_a_fixture_where_warnings_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    from outbox_client import _outbox_directory

    monkeypatch.setattr(_outbox_directory, "file_system", lambda path, device: "overlay")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with temporary_outbox() as outbox:
            assert isinstance(outbox, TemporaryOutbox)
            outbox.outbox.append(b"", topic="t")


def test_events_are_read_over_cycles(outbox_path: Path) -> None:
    clock = Clock()
    writer = new_writer(outbox_path, clock=clock, roll_bytes=0x10110 + 600)
    for number in range(20):
        writer.append(event(number))
    assert [found.event_id.int for found in read_events(outbox_path)] == list(range(20))
    assert [found.sequence for found in read_events(str(outbox_path))] == list(range(1, 21))


@pytest.mark.parametrize(
    ("offset", "data", "complaint"),
    [
        (0x10110 + 4 + 130, b"\xff", "CRC"),
        (0x10110, b"\xf0\xff\xff\x3f", "hostile length"),
        (0x10110, b"\x08\x00\x00\x00", "hostile length"),
        (0, bytes(8), "the header is not as it was made at 0x0"),
        (0x10110 + 4, b"X", "magic"),
    ],
)
def test_damage_is_an_error_that_says_where(
    offset: int, data: bytes, complaint: str, outbox_path: Path
) -> None:
    writer = new_writer(outbox_path, clock=Clock())
    for number in range(3):
        writer.append(event(number))
    assert len(read_events(outbox_path)) == 3
    with (outbox_path / "queue" / cycle_name(HOUR)).open("rb+") as file:
        file.seek(offset)
        file.write(data)
    with pytest.raises(OutboxCorrupt, match=f"{cycle_name(HOUR)}.*{complaint}"):
        read_events(outbox_path)


def test_an_outbox_that_is_not_there_is_unavailable(outbox_path: Path) -> None:
    with pytest.raises(OutboxUnavailable):
        read_events(outbox_path)


def test_the_package_carries_its_types() -> None:
    import outbox_client

    marker = Path(outbox_client.__file__).with_name("py.typed")
    assert stat.S_ISREG(marker.stat().st_mode)
