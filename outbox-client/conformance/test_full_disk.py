"""The disk is full: a clean error, nothing acknowledged is lost, and it goes on with more room."""

from __future__ import annotations

import contextlib
import os
import resource
import struct
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import checker, mounts, scanner
from outbox_conformance.clock import HOUR
from outbox_conformance.mounts import Tmpfs
from outbox_conformance.writers import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outbox_conformance.chronicle import Chronicle
    from outbox_conformance.clock import Clock
    from outbox_conformance.writers import Failure, Writer, Writers

both = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture
def small(parent: str) -> Iterator[Tmpfs]:
    """2 MiB: an empty outbox takes about 0.1, as its files are sparse."""
    reason = mounts.missing()
    if reason:
        pytest.skip(reason)
    with Tmpfs(f"{parent}/small", "size=2m,nr_inodes=100") as mounted:
        yield mounted


def _fill(writer: Writer, *, most: int = 100_000) -> Failure:
    """Append until an error; return it."""
    came_of_it = writer.append(most)
    assert came_of_it.failures, "the disk was not full after all"
    return came_of_it.failures[0]


def _fill_rest(directory: str) -> str:
    """Let another program use up what is left of the disk."""
    path = f"{directory}/ballast"
    with open(path, "wb", buffering=0) as ballast:
        for piece in (1 << 16, 4096):
            with contextlib.suppress(OSError):
                while True:
                    ballast.write(b"b" * piece)
    return path


def _counters(outbox: str) -> list[int]:
    path = f"{outbox}/append.failures"
    assert os.stat(path).st_mode & 0o7777 == 0o660
    with open(path, "rb") as file:
        data = file.read()
    assert len(data) == 512
    assert not any(data[48:])
    return list(struct.unpack_from("<6Q", data))


def _check(outbox: str, writers: Writers, chronicle: Chronicle | None, dump: str) -> None:
    scan = scanner.scan(outbox)
    assert scan.problems == []
    events = checker.from_scan(scan.records)
    assert checker.violations(events, writers.histories()) == []
    if chronicle is not None:
        assert checker.from_chronicle(chronicle.dump(outbox, dump)) == events


@both
def test_no_space_for_a_record(
    language: str, small: Tmpfs, parent: str, writers: Writers, chronicle: Chronicle
) -> None:
    outbox = f"{small.path}/outbox"
    writer = writers.start(language, outbox, "w", size=1000)
    assert _fill(writer).kind == "OutboxFull"
    for _ in range(20):
        assert [failure.kind for failure in writer.append().failures] == ["OutboxFull"]
    _check(outbox, writers, None, "")
    # Another process meets the same, and goes on from the same place once there is room.
    others = [writers.start(other, outbox, f"other-{other}", size=1000) for other in LANGUAGES]
    for other in others:
        assert _fill(other).kind == "OutboxFull"
    small.resize("size=4m")
    for every in (*others, writer):
        assert len(every.append(100).acks) == 100
    _check(outbox, writers, chronicle, f"{parent}/dump")


@pytest.mark.parametrize("counting", LANGUAGES)
@both
def test_the_first_refusal_is_counted(
    language: str, counting: str, small: Tmpfs, writers: Writers
) -> None:
    """Counters have their block from the start: a full disk could not give them one."""
    outbox = f"{small.path}/outbox"
    assert len(writers.start(language, outbox, "w").append().acks) == 1
    ballast = _fill_rest(small.path)
    writer = writers.start(counting, outbox, f"other-{counting}", size=10_000)
    for _ in range(2):
        assert [failure.kind for failure in writer.append().failures] == ["OutboxFull"]
    assert _counters(outbox) == [0, 0, 2, 0, 0, 0]
    os.remove(ballast)
    assert len(writer.append().acks) == 1
    assert _counters(outbox) == [0, 0, 2, 0, 0, 0]


@both
def test_an_outbox_of_before_gets_its_counters_when_it_is_opened(
    language: str, small: Tmpfs, writers: Writers
) -> None:
    outbox = f"{small.path}/outbox"
    for maker in LANGUAGES:
        assert len(writers.start(maker, outbox, maker).append().acks) == 1
    os.remove(f"{outbox}/append.failures")
    writer = writers.start(language, outbox, "w", size=10_000)
    assert len(writer.append().acks) == 1
    _fill_rest(small.path)
    for other in LANGUAGES:
        refused = writers.start(other, outbox, f"o-{other}", size=10_000).append().failures
        assert [failure.kind for failure in refused] == ["OutboxFull"]
    assert _counters(outbox) == [0, 0, 2, 0, 0, 0]


@both
def test_no_space_for_the_counters_is_no_error(
    language: str, small: Tmpfs, writers: Writers
) -> None:
    outbox = f"{small.path}/outbox"
    assert len(writers.start(language, outbox, "w").append().acks) == 1
    os.remove(f"{outbox}/append.failures")
    _fill_rest(small.path)
    # What is there of the tail's page takes a small one.
    for other in LANGUAGES:
        assert len(writers.start(other, outbox, f"o-{other}", size=40).append().acks) == 1


@both
def test_no_space_for_a_roll(
    language: str, small: Tmpfs, parent: str, clock: Clock, writers: Writers, chronicle: Chronicle
) -> None:
    outbox = f"{small.path}/outbox"
    writer = writers.start(language, outbox, "w", clock_offset_file=clock.path)
    assert len(writer.append(300).acks) == 300
    ballast = _fill_rest(small.path)
    clock.advance(HOUR)
    for _ in range(5):
        assert [failure.kind for failure in writer.append().failures] == ["OutboxFull"]
    os.remove(ballast)
    for every in (writer, *(writers.start(other, outbox, f"o-{other}") for other in LANGUAGES)):
        assert len(every.append(10).acks) == 10
    _check(outbox, writers, chronicle, f"{parent}/dump")


@both
def test_no_space_to_create_an_outbox(
    language: str, small: Tmpfs, parent: str, writers: Writers, chronicle: Chronicle
) -> None:
    outbox = f"{small.path}/outbox"
    ballast = _fill_rest(small.path)
    writer = writers.start(language, outbox, "w")
    for _ in range(3):
        assert [failure.kind for failure in writer.append().failures] == ["OutboxFull"]
    os.remove(ballast)
    for every in (writer, *(writers.start(other, outbox, f"o-{other}") for other in LANGUAGES)):
        assert len(every.append(10).acks) == 10
    _check(outbox, writers, chronicle, f"{parent}/dump")


@both
@pytest.mark.parametrize("left", range(9))
def test_no_inodes(
    language: str,
    left: int,
    small: Tmpfs,
    parent: str,
    writers: Writers,
    chronicle: Chronicle,
) -> None:
    """An outbox is three directories and some files: each of them may be the one too many."""
    outbox = f"{small.path}/outbox"
    used = os.statvfs(small.path)
    small.resize(f"nr_inodes={used.f_files - used.f_ffree + left}")
    writer = writers.start(language, outbox, "w")
    failures = [failure.kind for failure in writer.append().failures]
    assert failures in ([], ["OutboxFull"])
    assert failures or left > 6
    small.resize("nr_inodes=100")
    for every in (writer, *(writers.start(other, outbox, f"o-{other}") for other in LANGUAGES)):
        assert len(every.append(3).acks) == 3
    _check(outbox, writers, chronicle, f"{parent}/dump")


@both
def test_file_size_limit(
    language: str, outbox: str, parent: str, writers: Writers, chronicle: Chronicle
) -> None:
    """RLIMIT_FSIZE: a cycle file is 80 MiB long from the start."""
    limited = writers.start(language, outbox, "limited")
    limited.await_ready()
    soft, hard = resource.prlimit(limited.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(limited.process.pid, resource.RLIMIT_FSIZE, (1 << 20, hard))
    for _ in range(3):
        assert [failure.kind for failure in limited.append().failures] == ["OutboxFull"]
    other = next(other for other in LANGUAGES if other != language)
    assert len(writers.start(other, outbox, "other").append(10).acks) == 10
    resource.prlimit(limited.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
    assert len(limited.append(10).acks) == 10
    _check(outbox, writers, chronicle, f"{parent}/dump")


@both
def test_file_size_limit_within_a_cycle(
    language: str, outbox: str, parent: str, writers: Writers, chronicle: Chronicle
) -> None:
    """The file may not grow beyond its first chunk."""
    writer = writers.start(language, outbox, "w", size=1_000_000)
    assert len(writer.append(1).acks) == 1
    pid = writer.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (80 << 20, hard))
    assert _fill(writer, most=100).kind == "OutboxFull"
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
    assert len(writer.append(10).acks) == 10
    _check(outbox, writers, chronicle, f"{parent}/dump")
