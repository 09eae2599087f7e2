"""What is not safe to use is refused, with the reason and the way out."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from support import (
    HOUR,
    HOUR_NS,
    Clock,
    Reached,
    event,
    exit_code,
    fail,
    in_child,
    new_writer,
    numbers,
)

from outbox_client import Outbox, OutboxFull, OutboxUnavailable, _outbox_directory
from outbox_client._cycle_layout import cycle_name
from outbox_client._outbox_directory import OutboxDirectory, file_system

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outbox_client._outbox_directory import HeldDirectories
    from outbox_client._safe_files import Folder

OTHER_GROUP = 12345

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def made(outbox_path: Path) -> Path:
    """An outbox with one event."""
    writer = new_writer(outbox_path, clock=Clock())
    writer.append(event(0))
    writer.close()
    return outbox_path


def refused(path: Path, reason: str) -> None:
    with pytest.raises(OutboxUnavailable, match=reason):
        new_writer(path, clock=Clock()).append(event(1))


# --- settings ---


def test_no_directory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", "  "):
        if value is not None:
            monkeypatch.setenv("OUTBOX_DIR", value)
        with pytest.raises(OutboxUnavailable, match="OUTBOX_DIR is not set"):
            Outbox()


@pytest.mark.parametrize("path", ["outbox", "./outbox", "", b"/bytes", 5, "/a\0b"])
def test_a_path_must_be_absolute_text(path: object) -> None:
    with pytest.raises(OutboxUnavailable, match="path"):
        Outbox(path)  # type: ignore[arg-type]


def test_settings_come_from_the_environment(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTBOX_DIR", f" {outbox_path}/ ")
    monkeypatch.setenv("OUTBOX_DURABILITY", "power")
    monkeypatch.setenv("OUTBOX_MAX_BYTES", "300")
    outbox = Outbox()
    assert outbox.path == str(outbox_path)
    assert outbox.append(b"", topic="t").durability == "power"
    with pytest.raises(OutboxFull, match="OUTBOX_MAX_BYTES allows 300"):
        outbox.append(bytes(300), topic="t")
    assert Outbox(durability="process", max_bytes=10_000).append(bytes(300), topic="t").sequence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OUTBOX_DURABILITY", "fsync"),
        ("OUTBOX_MAX_BYTES", "1G"),
        ("OUTBOX_MAX_BYTES", "0"),
        ("OUTBOX_MAX_BYTES", "-5"),
    ],
)
def test_a_setting_without_meaning_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(OutboxUnavailable, match=f"{name} is '{value}'"):
        Outbox("/nowhere")


def test_a_cap_of_any_size_is_one(outbox_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOX_MAX_BYTES", "0" * 5000 + "300")
    with pytest.raises(OutboxFull, match="OUTBOX_MAX_BYTES allows 300"):
        Outbox(outbox_path).append(bytes(300), topic="t")
    monkeypatch.setenv("OUTBOX_MAX_BYTES", "1" * 5000)
    assert Outbox(outbox_path).append(bytes(300), topic="t").sequence == 1
    monkeypatch.setenv("OUTBOX_MAX_BYTES", "0" * 5000)
    with pytest.raises(OutboxUnavailable, match="must be a positive number"):
        Outbox(outbox_path)


@pytest.mark.parametrize(
    "settings", [{"durability": "x"}, {"max_bytes": 0}, {"max_bytes": 1.5}, {"lock_timeout": -1}]
)
def test_an_argument_without_meaning_is_named(settings: dict[str, object]) -> None:
    with pytest.raises(OutboxUnavailable, match=next(iter(settings))):
        Outbox("/nowhere", **settings)  # type: ignore[arg-type]


def test_a_system_without_posix_files_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys, "byteorder", "big")
    with pytest.raises(OutboxUnavailable, match="needs Linux"):
        Outbox("/nowhere")


# --- directories ---


def test_only_the_last_part_of_the_path_is_created(tmp_path: Path) -> None:
    refused(tmp_path / "a" / "b", "does not exist: create it")
    assert not (tmp_path / "a").exists()


def test_modes_do_not_depend_on_the_umask(outbox_path: Path) -> None:
    for mask in (0o000, 0o022, 0o077, 0o777):
        before = os.umask(mask)
        try:
            path = outbox_path.with_name(f"outbox-{mask:o}")
            new_writer(path, clock=Clock()).append(event(0))
        finally:
            os.umask(before)
        assert path.stat().st_mode & 0o7777 == 0o2770
        assert (path / "queue").stat().st_mode & 0o7777 == 0o2770
        files = [file for file in path.rglob("*") if file.is_file()]
        assert len(files) == 5
        assert {file.stat().st_mode & 0o7777 for file in files} == {0o660}


def test_a_world_writable_parent_is_refused_unless_trusted(outbox_path: Path) -> None:
    outbox_path.parent.chmod(0o1777)
    refused(outbox_path, "OUTBOX_TRUST_PARENT=1")
    new_writer(outbox_path, clock=Clock(), trust_parent=True).append(event(0))


def test_a_trusted_parent_is_named_in_the_environment(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox_path.parent.chmod(0o777)
    with pytest.raises(OutboxUnavailable, match="world-writable"):
        Outbox(outbox_path).append(b"", topic="t")
    monkeypatch.setenv("OUTBOX_TRUST_PARENT", "1")
    Outbox(outbox_path).append(b"", topic="t")


def test_a_symbolic_link_is_refused_as_outbox(made: Path) -> None:
    link = made.with_name("link")
    link.symlink_to(made)
    refused(link, "symbolic link")


def test_a_file_is_refused_as_outbox(outbox_path: Path) -> None:
    outbox_path.touch()
    refused(outbox_path, "not a directory")


def test_a_world_writable_directory_is_refused(made: Path) -> None:
    (made / "queue").chmod(0o777)
    refused(made, "queue is world-writable")
    (made / "queue").chmod(0o2770)
    made.chmod(0o777)
    refused(made, "outbox is world-writable")


# --- files ---


@pytest.fixture(params=["outbox.lock", "outbox.state", "queue/metadata.cq4t", "cycle"])
def file(request: pytest.FixtureRequest, made: Path) -> Path:
    name = str(request.param)
    return made / "queue" / cycle_name(HOUR) if name == "cycle" else made / name


def test_a_symbolic_link_is_refused(made: Path, file: Path) -> None:
    target = made.with_name("target")
    file.rename(target)
    size = target.stat().st_size
    file.symlink_to(target)
    refused(made, "symbolic link")
    assert target.stat().st_size == size


def test_a_second_link_is_refused(made: Path, file: Path) -> None:
    os.link(file, made.with_name("second"))
    refused(made, "2 links")


def test_a_file_that_others_may_write_is_refused(made: Path, file: Path) -> None:
    file.chmod(0o666)
    refused(made, "chmod 660")


def test_a_pipe_is_refused_and_not_waited_for(made: Path, file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o660)
    refused(made, "no regular file")


@needs_root
def test_a_file_of_another_group_is_refused(made: Path, file: Path) -> None:
    os.chown(file, -1, OTHER_GROUP)
    refused(made, f"belongs to group {OTHER_GROUP}")


@needs_root
def test_files_get_the_group_of_the_outbox(outbox_path: Path) -> None:
    outbox_path.mkdir(mode=0o770)
    os.chown(outbox_path, -1, OTHER_GROUP)
    new_writer(outbox_path, clock=Clock()).append(event(0))
    assert {path.stat().st_gid for path in outbox_path.rglob("*")} == {OTHER_GROUP}


@needs_root
def test_a_user_without_rights_is_told_so(made: Path) -> None:
    def run(pipe: int) -> None:
        os.setgid(65534)
        os.setgroups([])
        os.setuid(65534)
        with pytest.raises(OutboxUnavailable, match="Permission denied"):
            new_writer(made).append(event(1))

    pid, _ = in_child(run)
    assert exit_code(pid) == 0


def test_too_many_open_files_are_named(made: Path) -> None:
    def run(pipe: int) -> None:
        writer = new_writer(made)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        with pytest.raises(OutboxUnavailable, match="Too many open files"):
            writer.append(event(1))

    pid, _ = in_child(run)
    assert exit_code(pid) == 0


# --- file systems ---


def test_the_file_system_is_found(tmp_path: Path) -> None:
    kind = file_system(str(tmp_path), tmp_path.stat().st_dev)
    shown = subprocess.run(
        ["findmnt", "-n", "-o", "FSTYPE", "-T", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert kind == shown.stdout.strip()
    assert file_system("/proc", os.stat("/proc").st_dev) == "proc"


def test_a_device_that_is_not_mounted_is_found_by_path() -> None:
    assert file_system("/proc/self", os.makedev(4095, 1)) == "proc"


@pytest.mark.parametrize(
    ("kind", "reason"), [("nfs4", "is on nfs4: use a local"), ("btrfs", "btrfs"), ("fuse", "fuse")]
)
def test_another_file_system_is_refused(
    kind: str, reason: str, outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_outbox_directory, "file_system", lambda path, device: kind)
    refused(outbox_path, reason)


def test_overlayfs_is_allowed_with_a_warning(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_outbox_directory, "file_system", lambda path, device: "overlay")
    with pytest.warns(RuntimeWarning, match="overlayfs"):
        new_writer(outbox_path).append(event(0))


def test_power_on_tmpfs_is_refused(outbox_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_outbox_directory, "file_system", lambda path, device: "tmpfs")
    with pytest.raises(OutboxUnavailable, match="no power cut survives"):
        new_writer(outbox_path, durability="power").append(event(0))
    new_writer(outbox_path).append(event(0))


def test_an_unknown_file_system_is_allowed(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_outbox_directory, "file_system", lambda path, device: None)
    new_writer(outbox_path).append(event(0))


# --- power ---


def test_power_syncs_once_for_each_append(outbox_path: Path) -> None:
    disk = Reached()
    writer = new_writer(outbox_path, durability="power", disk=disk)
    for number in range(5):
        assert writer.append(event(number)).durability == "power"
    assert disk.calls["fdatasync", "payload"] == 5
    process = Reached()
    new_writer(outbox_path, disk=process).append(event(5))
    assert process.calls["fdatasync", "payload"] == 0


def test_a_failed_fsync_says_maybe_and_ends_the_use_of_the_cycle(outbox_path: Path) -> None:
    def fail_fsync() -> None:
        if disk.calls["fdatasync", "payload"] == 2:
            fail(errno.EIO)()

    class Fails(Reached):
        __slots__ = ()

        def fdatasync(self, fd: int, what: str) -> None:
            super().fdatasync(fd, what)
            fail_fsync()

    disk = Fails()
    writer = new_writer(outbox_path, clock=Clock(), durability="power", disk=disk)
    writer.append(event(0))
    with pytest.raises(OutboxUnavailable, match="same event_id") as caught:
        writer.append(event(1))
    assert caught.value.maybe_appended
    assert caught.value.event_id is not None
    assert caught.value.event_id.int == 1
    other = new_writer(outbox_path, clock=Clock())
    other.append(event(2))
    writer.append(event(3))
    assert numbers(outbox_path) == [0, 1, 2, 3]
    names = sorted(path.name for path in (outbox_path / "queue").glob("*.cq4"))
    assert names == [cycle_name(HOUR), cycle_name(HOUR + 1)]


def test_another_error_was_not_appended(outbox_path: Path) -> None:
    with pytest.raises(OutboxUnavailable) as caught:
        Outbox(outbox_path.with_name("a") / "b").append(b"", topic="t")
    assert not caught.value.maybe_appended
    assert caught.value.event_id is None


def test_a_queue_that_became_a_link_is_neither_followed_nor_changed(
    outbox_path: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    new_writer(victim, clock=Clock()).append(event(1))
    before = {file.name: file.read_bytes() for file in (victim / "queue").iterdir()}
    clock = Clock()
    writer = new_writer(outbox_path, clock=clock)
    writer.append(event(2))
    (outbox_path / "queue").rename(outbox_path / "queue.aside")
    (outbox_path / "queue").symlink_to(victim / "queue")
    clock.now += HOUR_NS
    with pytest.raises(OutboxUnavailable, match="symbolic link"):
        writer.append(event(3))
    assert {file.name: file.read_bytes() for file in (victim / "queue").iterdir()} == before


def test_a_queue_that_becomes_a_link_behind_the_look_at_it_is_not_followed(
    outbox_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    new_writer(victim, clock=Clock()).open()
    new_writer(outbox_path, clock=Clock()).open()
    queue = outbox_path / "queue"
    check = OutboxDirectory._check

    def check_and_bend(self: OutboxDirectory, path: str, within: Folder | None) -> None:
        check(self, path, within)
        if path == str(queue):
            queue.rename(outbox_path / "queue.aside")
            queue.symlink_to(victim / "queue")

    monkeypatch.setattr(OutboxDirectory, "_check", check_and_bend)
    with pytest.raises(OutboxUnavailable, match=r"cannot open .*queue"):
        OutboxDirectory(str(outbox_path)).hold()


def test_a_queue_that_is_replaced_in_the_middle_of_a_roll_is_not_written_to(
    outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    writer = new_writer(outbox_path, clock=clock)
    writer.append(event(1))
    queue = outbox_path / "queue"
    hold = OutboxDirectory.hold
    holds = 0

    def hold_and_replace(self: OutboxDirectory) -> HeldDirectories:
        nonlocal holds
        holds += 1
        if holds == 2:  # the first is for opening, the second for the new cycle
            queue.rename(outbox_path / "queue.aside")
            queue.mkdir(0o770)
            queue.chmod(0o2770)
        return hold(self)

    (cycle,) = queue.glob("*.cq4")
    before = cycle.read_bytes()
    monkeypatch.setattr(OutboxDirectory, "hold", hold_and_replace)
    clock.now += HOUR_NS
    with pytest.raises(OutboxUnavailable, match="was replaced"):
        writer.append(event(2))
    assert list(queue.iterdir()) == []
    assert (outbox_path / "queue.aside" / cycle.name).read_bytes() == before, "not even an EOF"


@pytest.mark.parametrize("call", ["fchmod", "fchown"])
def test_a_file_that_could_not_be_given_mode_and_group_is_not_left_behind(
    call: str, outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_writer(outbox_path).open()
    (outbox_path / "outbox.state").unlink()

    def refuse(*arguments: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        if call == "fchown":
            patched.setattr(os, "fstat", _of_another_group(os.fstat))
        with pytest.raises(OutboxUnavailable):
            new_writer(outbox_path).append(event(1))
    assert not (outbox_path / "outbox.state").exists()
    new_writer(outbox_path).append(event(2))


def _of_another_group(fstat: Callable[[int], os.stat_result]) -> Callable[[int], Any]:
    """As where neither the setgid bit nor the user's own group gives the outbox's."""

    def look(fd: int) -> Any:
        found = fstat(fd)
        if os.readlink(f"/proc/self/fd/{fd}").endswith("outbox.state"):
            fields = list(found)
            fields[5] += 1
            return os.stat_result(fields)
        return found

    return look
