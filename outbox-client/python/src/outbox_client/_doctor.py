"""``outbox doctor``: whether this user can append here, and what to do if not. Changes nothing."""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import resource
import struct
import time
import warnings
from dataclasses import dataclass
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING

from outbox_client._cycle_layout import cycle_number
from outbox_client._errors import OutboxError
from outbox_client._outbox import Outbox
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._roll_rule import ROLL_BYTES
from outbox_client._safe_files import WRITABLE_BY_OTHERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OK, WARNING, PROBLEM = "ok", "warning", "problem"
# A new cycle and the largest batch; and what lasts some hours of many tasks.
LEAST_SPACE = 16 << 20
LITTLE_SPACE = 512 << 20
LOCK_SECONDS = 5.0
_SHOWN = 5
_MAY_ALL = 0o070
_NOBODYS = 0o007


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: a stable name.
        grade: ``ok``, ``warning`` (appends work, but somebody should look) or ``problem``.
        detail: what was found, with the values.
        advice: what to do; empty if there is nothing to be done.
    """

    check: str
    grade: str
    detail: str
    advice: str = ""


def examine(path: str | None, clock: Callable[[], float] = time.monotonic) -> Iterator[Finding]:
    """Look at what an append by this user would need, from the settings to the space.

    Args:
        path: of the outbox; None: ``OUTBOX_DIR``.
        clock: the monotonic one, in seconds.
    """
    try:
        outbox = Outbox(path)
    except OutboxError as problem:
        yield Finding("settings", PROBLEM, str(problem), "correct the setting")
        return
    yield Finding("settings", OK, f"the outbox is {outbox.path}")
    yield _user()
    if not os.path.lexists(outbox.path):
        yield from _not_there(outbox)
        return
    try:
        yield from _directory(outbox)
        yield _files(outbox.path)
        yield _lock(outbox.path, clock)
        yield from _space(outbox.path)
        yield from _delivery(outbox)
    except OSError as problem:
        detail = f"cannot look further: {problem.filename}: {problem.strerror}"
        yield Finding("directory", PROBLEM, detail, "see group and mode")


def _user() -> Finding:
    groups = sorted({os.getegid(), *os.getgroups()})
    names = ", ".join(_group(gid) for gid in groups)
    return Finding("user", OK, f"{_name(os.geteuid())}, in the groups {names}")


def _not_there(outbox: Outbox) -> Iterator[Finding]:
    path = outbox.path
    parent = os.path.dirname(path)
    advice = f"as root: install -d -m 2770 -o RELAY_USER -g GROUP {path}"
    if not os.path.isdir(parent):
        yield Finding("directory", PROBLEM, f"{parent} does not exist", advice)
    elif not os.access(parent, os.W_OK | os.X_OK, effective_ids=True):
        detail = f"{path} does not exist, and {_name(os.geteuid())} cannot make it in {parent}"
        yield Finding("directory", PROBLEM, detail, advice)
    else:
        found = os.stat(parent)
        gid = found.st_gid if found.st_mode & 0o2000 else os.getegid()
        detail = (
            f"{path} does not exist: the first append makes it, for the group {_group(gid)} only"
        )
        yield Finding("directory", WARNING, detail, advice)
        yield from _refusal(outbox)


def _directory(outbox: Outbox) -> Iterator[Finding]:
    yield _membership(outbox.path)
    if os.path.isdir(outbox.path) and not os.path.islink(outbox.path):
        yield _mode(outbox.path)
    os.stat(f"{outbox.path}/.")
    yield from _refusal(outbox)


def _refusal(outbox: Outbox) -> Iterator[Finding]:
    """What an append refuses about the directories, said by what makes them."""
    _, durability, _, _, trusted = outbox._settings
    directory = OutboxDirectory(outbox.path, power=durability == "power", trust_parent=trusted)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            directory.check()
            if os.path.isdir(directory.queue):
                directory.hold(sync=False).__exit__()
    except OutboxError as problem:
        yield Finding("directory", PROBLEM, str(problem), "do what it says, then look again")
        return
    for warning in told:
        yield Finding("directory", WARNING, str(warning.message), "mount a volume there")


def _membership(path: str) -> Finding:
    found = os.lstat(path)
    group = _group(found.st_gid)
    user = _name(os.geteuid())
    if os.geteuid() == 0:
        return Finding("group", OK, f"the outbox is of group {group}; root needs none")
    if found.st_gid in {os.getegid(), *os.getgroups()}:
        return Finding("group", OK, f"{user} is in {group}, the outbox's group")
    if _is_listed(found.st_gid):
        detail = f"{user} is in {group}, the outbox's group, but this process is not"
        advice = "log in anew, or restart the service: groups are read at its start"
        return Finding("group", PROBLEM, detail, advice)
    detail = f"{user} is not in {group}, the outbox's group"
    advice = f"as root: usermod -aG {group} {user}; then log in anew or restart the service"
    if group.isdigit() or user.isdigit():
        advice = (
            f"give the process the group {found.st_gid}: fsGroup or supplementalGroups of a pod, "
            "--group-add of a container"
        )
    return Finding("group", PROBLEM, detail, advice)


def _mode(path: str) -> Finding:
    mode = os.lstat(path).st_mode
    shown = f"{path} has mode {mode & 0o7777:o}"
    if mode & _MAY_ALL != _MAY_ALL:
        return Finding("mode", PROBLEM, f"{shown}: its group cannot use it", f"chmod 2770 {path}")
    if mode & _NOBODYS:
        return Finding("mode", WARNING, f"{shown}: anybody may look at it", f"chmod 2770 {path}")
    return Finding("mode", OK, f"{shown}; files get 0660, whatever the umask")


def _files(path: str) -> Finding:
    """Whether what is there already can be opened by all of the group."""
    gid = os.lstat(path).st_gid
    wrong: list[str] = []
    mine: list[str] = []
    seen = 0
    for name in _names(path):
        try:
            found = os.lstat(f"{path}/{name}")
        except FileNotFoundError:
            continue  # the relay has done with it meanwhile
        seen += 1
        directory = name == "queue" and S_ISDIR(found.st_mode)
        needed = _MAY_ALL if directory else 0o060
        if not directory and not S_ISREG(found.st_mode):
            wrong.append(f"{name} is no regular file: remove it")
        elif not directory and found.st_nlink > (2 if "/" in name else 1):  # a new cycle has two
            wrong.append(f"{name} has {found.st_nlink} links: remove the other names")
        elif found.st_gid != gid:
            wrong.append(f"{name} is of group {_group(found.st_gid)}")
        elif found.st_mode & WRITABLE_BY_OTHERS:
            wrong.append(f"{name} is world-writable")
        elif found.st_mode & needed != needed:
            # Its owner's next append mends what it opens; not an older cycle.
            whose = mine if found.st_uid == os.geteuid() else wrong
            whose.append(f"{name} has mode {found.st_mode & 0o7777:o}")
    grade = PROBLEM if wrong else WARNING
    wrong += mine
    if not wrong:
        return Finding("files", OK, f"{seen} can be used by the whole group")
    more = f", and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    advice = (
        f"find out who made them; then as root: chgrp -R {_group(gid)} {path}; "
        f"chmod -R u=rwX,g=rwX,o= {path}"
    )
    return Finding("files", grade, ", ".join(wrong[:_SHOWN]) + more, advice)


def _names(path: str) -> Iterator[str]:
    """Of what appends use: the rest is the relay's."""
    for name in ("queue", "outbox.lock", "outbox.state", "append.failures"):
        if os.path.lexists(f"{path}/{name}"):
            yield name
    try:
        with os.scandir(f"{path}/queue") as entries:
            for entry in entries:
                if entry.name == "metadata.cq4t" or cycle_number(entry.name) is not None:
                    yield f"queue/{entry.name}"
    except FileNotFoundError:
        return


def _lock(path: str, clock: Callable[[], float]) -> Finding:
    name = f"{path}/outbox.lock"
    until = clock() + LOCK_SECONDS
    while True:
        try:
            holder = _holder(name)
        except FileNotFoundError:
            return Finding("lock", OK, "no append was made yet")
        except OSError as problem:
            return Finding("lock", PROBLEM, f"cannot open {name}: {problem.strerror}", "see files")
        if holder is None:
            return Finding("lock", OK, "free, or free within seconds")
        if clock() >= until:
            who = f"process {holder}" if holder > 0 else "a process that the kernel does not name"
            advice = f"see who has it open, and what that one waits for: fuser -v {name}"
            return Finding("lock", PROBLEM, f"held by {who} for {LOCK_SECONDS:.0f} s", advice)
        time.sleep(0.02)


def _holder(path: str) -> int | None:
    """The process that holds a lock of that file: asked, not tried. -1 if the kernel does not say.

    In this process, which has no lock there, so that closing the file gives none back.
    """
    with open(path, "rb", opener=_without_link) as file:
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
        kind, _, _, _, pid = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else pid


def _without_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe would wait


def _space(path: str) -> Iterator[Finding]:
    found = os.statvfs(path)
    free = found.f_bavail * found.f_frsize
    advice = "free space, or give the outbox a file system of its own (ops/sizing.md)"
    shown = f"{free >> 20} MiB are free for {_name(os.geteuid())}"
    if found.f_flag & os.ST_RDONLY:
        detail = f"{path} is mounted read-only"
        yield Finding("space", PROBLEM, detail, "see dmesg for errors of the disk, then remount it")
    elif free < LEAST_SPACE:
        yield Finding("space", PROBLEM, shown, advice)
    elif found.f_files and found.f_favail < 16:
        yield Finding("space", PROBLEM, f"{found.f_favail} inodes are free", advice)
    elif free < LITTLE_SPACE:
        yield Finding("space", WARNING, shown, advice)
    else:
        yield Finding("space", OK, shown)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit not in (resource.RLIM_INFINITY, -1) and limit < ROLL_BYTES:
        detail = f"this process may write files of {limit} bytes, cycles have up to {ROLL_BYTES}"
        yield Finding("file size", PROBLEM, detail, "raise it: ulimit -f, LimitFSIZE=")


def _delivery(outbox: Outbox) -> Iterator[Finding]:
    if not os.path.lexists(f"{outbox.path}/outbox.state"):
        yield Finding("delivery", OK, "nothing was appended yet")
        return
    try:
        status = outbox.status()
    except OutboxError as problem:
        yield Finding("delivery", PROBLEM, str(problem), "do what it says, then look again")
        return
    waiting = f"{status.lag_events} events wait, {status.lag_bytes} bytes"
    cap = outbox._settings[2]
    if cap and status.lag_bytes >= cap:
        detail = f"{waiting}: OUTBOX_MAX_BYTES allows {cap}"
        yield Finding("cap", PROBLEM, detail, "see the relay: outbox-relay status, doctor")
    if status.delivery is None:
        advice = "start a relay for this directory (OUTBOX_DIR or OUTBOX_DIRS of its service)"
        yield Finding("delivery", WARNING, f"{waiting}; no relay has run here yet", advice)
    else:
        yield Finding("delivery", OK, f"{waiting}; for what holds them up ask outbox-relay doctor")


def _is_listed(gid: int) -> bool:
    """Whether the system's database has this user in a group."""
    try:
        user = pwd.getpwuid(os.geteuid())
        return gid in os.getgrouplist(user.pw_name, user.pw_gid)
    except KeyError:
        return False


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
