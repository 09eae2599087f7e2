"""``outbox doctor``: what keeps a user from appending is found, and nothing is changed."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import exit_code, in_child

from outbox_client import Outbox, OutboxError
from outbox_client._cli import main
from outbox_client._doctor import OK, PROBLEM, WARNING, Finding, examine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

USER, GROUP, OTHERS = 61001, 61002, 61003
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def findings(path: Path | str) -> dict[str, Finding]:
    found = {finding.check: finding for finding in examine(str(path))}
    for finding in found.values():
        assert finding.grade in (OK, WARNING, PROBLEM)
        assert bool(finding.advice) == (finding.grade != OK), finding
    return found


def grades(path: Path | str) -> dict[str, str]:
    return {check: finding.grade for check, finding in findings(path).items()}


def tree(path: Path) -> list[tuple[object, ...]]:
    """All that a look might change."""
    found: list[tuple[object, ...]] = []
    for name in sorted([path, *path.rglob("*")]):
        seen = name.lstat()
        found.append((name, seen.st_mode, seen.st_uid, seen.st_gid, seen.st_size, seen.st_mtime_ns))
    return found


@pytest.fixture
def outbox_path() -> Iterator[Path]:
    """Where other users may go: pytest's own place is root's alone."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        Path(place).chmod(0o755)
        yield Path(place) / "outbox"


@pytest.fixture
def made(outbox_path: Path) -> Path:
    with Outbox(outbox_path) as outbox:
        outbox.append(b"1", topic="t")
    return outbox_path


def apart(what: Callable[[], None]) -> None:
    """In a child, which must end well."""
    pid, reading = in_child(lambda _: what())
    os.close(reading)
    assert exit_code(pid) == 0


def as_user(gid: int, groups: list[int], what: Callable[[], None]) -> None:
    """In a child: as somebody who is not root."""

    def drop() -> None:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(USER, USER, USER)
        what()

    apart(drop)


def append_fails(path: Path) -> bool:
    try:
        Outbox(path, lock_timeout=0.1).append(b"", topic="t")
    except OutboxError:
        return True
    return False


def test_an_outbox_in_order_has_no_problem_and_is_left_as_it_is(made: Path) -> None:
    before = tree(made)
    found = findings(made)
    assert tree(made) == before
    assert {check: finding.grade for check, finding in found.items()} == {
        "settings": OK,
        "user": OK,
        "group": OK,
        "mode": OK,
        "files": OK,
        "lock": OK,
        "space": OK,
        "delivery": WARNING,
    }
    assert "no relay has run" in found["delivery"].detail
    assert "1 events wait" in found["delivery"].detail


def test_one_that_is_not_there_is_not_made(outbox_path: Path) -> None:
    found = findings(outbox_path)["directory"]
    assert found.grade == WARNING
    assert "the first append makes it" in found.detail
    assert not outbox_path.exists()
    found = findings(outbox_path / "below")["directory"]
    assert (found.grade, found.detail) == (PROBLEM, f"{outbox_path} does not exist")
    assert "install -d -m 2770" in found.advice


def test_a_setting_without_meaning_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = examine(None)
    assert found.grade == PROBLEM
    assert "OUTBOX_DIR is not set" in found.detail
    monkeypatch.setenv("OUTBOX_MAX_BYTES", "1G")
    (found,) = examine("/somewhere")
    assert "OUTBOX_MAX_BYTES is '1G'" in found.detail


@pytest.mark.parametrize(
    ("bend", "check"),
    [
        (lambda path: path.chmod(0o2700), "mode"),
        (lambda path: path.chmod(0o2777), "directory"),
        (lambda path: path.parent.chmod(0o777), "directory"),
        (lambda path: (path / "queue").chmod(0o2777), "directory"),
        (lambda path: next(path.glob("queue/*.cq4")).chmod(0o666), "files"),
        (lambda path: _pipe_in_place_of(path / "outbox.state"), "files"),
        (lambda path: _pipe_in_place_of(path / "outbox.lock"), "files"),
        (lambda path: (path / "other").hardlink_to(path / "outbox.state"), "files"),
        (lambda path: _directory_in_place_of(next(path.glob("queue/*.cq4"))), "files"),
    ],
)
def test_what_an_append_refuses_is_found(made: Path, bend: Any, check: str) -> None:
    bend(made)
    assert grades(made)[check] == PROBLEM


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("bent", ["parent", "outbox"])
def test_what_is_refused_is_found_before_there_is_a_queue(
    outbox_path: Path, bent: str, there: bool
) -> None:
    """As right after a host's set-up."""
    if there:
        outbox_path.mkdir()
        outbox_path.chmod(0o2770)
    if bent == "parent":
        outbox_path.parent.chmod(0o1777)
    elif there:
        outbox_path.chmod(0o2777)
    else:
        outbox_path.symlink_to("/")
    assert any(found.grade == PROBLEM for found in examine(str(outbox_path)))
    assert append_fails(outbox_path)


def test_settings_are_read_as_an_append_reads_them(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (" ", "1" * 5000):
        monkeypatch.setenv("OUTBOX_MAX_BYTES", value)
        assert PROBLEM not in grades(made).values()


def test_a_file_system_without_writing_is_a_problem(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = list(os.statvfs(made))
    fields[8] |= os.ST_RDONLY
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))
    found = findings(made)["space"]
    assert (found.grade, found.detail) == (PROBLEM, f"{made} is mounted read-only")


def _pipe_in_place_of(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _directory_in_place_of(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o770)


def test_a_link_is_found(made: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(made)
    found = findings(link)["directory"]
    assert found.grade == PROBLEM
    assert "symbolic link" in found.detail


@needs_root
def test_who_is_not_in_the_group_is_told_so_and_by_which_command(made: Path) -> None:
    for name in (made, *made.rglob("*")):
        os.chown(name, 0, GROUP)
    as_user(OTHERS, [], lambda: _expect(made, "group", PROBLEM, f"the group {GROUP}: fsGroup"))
    as_user(OTHERS, [], lambda: _same(append_fails(made)))
    as_user(OTHERS, [GROUP], lambda: _expect(made, "group", OK, ""))
    as_user(OTHERS, [GROUP], lambda: _same(not append_fails(made)))


@needs_root
def test_files_that_the_group_cannot_use_are_named(made: Path) -> None:
    for name in (made, *made.rglob("*")):
        os.chown(name, 0, GROUP)
    (made / "outbox.state").chmod(0o600)
    os.chown(next(made.glob("queue/*.cq4")), 0, OTHERS)
    as_user(OTHERS, [GROUP], lambda: _expect(made, "files", PROBLEM, f"chgrp -R {GROUP}"))
    as_user(OTHERS, [GROUP], lambda: _same(append_fails(made)))


def test_a_file_of_this_user_s_own_is_for_the_group_too(made: Path) -> None:
    next(made.glob("queue/*.cq4")).chmod(0o600)
    found = findings(made)["files"]
    assert found.grade == WARNING
    assert "has mode 600" in found.detail


def test_what_is_not_the_outbox_s_is_nobody_s_problem(made: Path) -> None:
    (made / "queue" / "\x1b[2J\n.cq4").touch(mode=0o600)
    assert findings(made)["files"].grade == OK


@needs_root
def test_who_may_not_make_the_outbox_is_told(outbox_path: Path) -> None:
    as_user(OTHERS, [], lambda: _expect(outbox_path, "directory", PROBLEM, "install -d"))
    as_user(OTHERS, [], lambda: _same(append_fails(outbox_path)))


def _expect(path: Path, check: str, grade: str, advice: str) -> None:
    found = findings(path)[check]
    assert found.grade == grade, found
    assert advice in found.advice


def _same(held: bool) -> None:
    assert held


def test_a_lock_that_is_held_on_is_a_problem(made: Path) -> None:
    times = iter([0.0, 1.0, 6.0])
    with (made / "outbox.lock").open("r+b") as file:

        def look() -> None:
            found = {finding.check: finding for finding in examine(str(made), lambda: next(times))}
            assert found["lock"].grade == PROBLEM
            assert f"process {os.getppid()}" in found["lock"].detail

        fcntl.lockf(file, fcntl.LOCK_EX, 1)
        apart(look)
    assert grades(made)["lock"] == OK


def test_a_cap_that_is_reached_is_a_problem(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_MAX_BYTES", "300")
    assert "cap" not in grades(made)
    monkeypatch.setenv("OUTBOX_MAX_BYTES", "10")
    assert grades(made)["cap"] == PROBLEM
    assert append_fails(made)


def test_a_limit_of_file_sizes_is_a_problem(made: Path) -> None:
    def look() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        assert grades(made)["file size"] == PROBLEM

    apart(look)


def test_little_space_is_a_warning_and_none_a_problem(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(made)

    def with_free(free: int) -> None:
        fields = list(real)
        fields[4] = free // real.f_frsize
        monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))

    for free, grade in ((1 << 30, OK), (100 << 20, WARNING), (1 << 20, PROBLEM)):
        with_free(free)
        assert grades(made)["space"] == grade


def test_the_command_prints_and_exits_with_what_it_found(
    made: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--dir", str(made)]) == 0
    printed = capfd.readouterr().out
    assert printed.startswith(f"ok       settings       the outbox is {made}\n")
    assert "                        → start a relay" in printed
    made.chmod(0o2700)
    assert main(["doctor", "--dir", str(made), "--json"]) == 14
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {line["check"]: line["grade"] for line in lines}["mode"] == PROBLEM
