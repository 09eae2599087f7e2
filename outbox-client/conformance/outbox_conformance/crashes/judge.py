"""What must hold of an outbox after a crash, before and after somebody has gone on."""

from __future__ import annotations

import itertools
import os
import re
import struct
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import identity, scanner
from ..scanner import Scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..outbox import Published
    from ..writers import Ack
    from .oplog import Attempt

_VALUE = re.compile(rb'\{"writer":"([^"]*)","n":(\d+),')

Name = tuple[str, int]


@dataclass(frozen=True)
class Known:
    """What is known of a crash, whatever it left.

    Attributes:
        attempts: all events that somebody had begun to append.
        kept: those that must have survived, by name.
        sequences: that the kept were given.
        killed: whether it was a kill.
        sound: whether nothing may be damaged, as there were only kills.
        readable: records that were on stable storage before the log began.
    """

    attempts: dict[Name, Attempt]
    kept: frozenset[Name]
    killed: bool
    sound: bool = False
    readable: tuple[Published, ...] = ()


def known_at(attempts: Iterable[Attempt], point: int, *, killed: bool) -> Known:
    """Return what is known when so many operations were done."""
    begun = {name_of(each): each for each in attempts if each.began <= point}
    kept = frozenset(
        name
        for name, each in begun.items()
        if each.acked is not None and each.acked <= point and (each.power or killed)
    )
    return Known(begun, kept, killed, sound=killed)


def name_of(attempt: Attempt) -> Name:
    """Return what an event is called."""
    return attempt.writer, attempt.number


def read(outbox: str) -> Scan:
    """Return what a reader finds, nothing if there is no outbox."""
    return scanner.scan(outbox) if os.path.isdir(f"{outbox}/queue") else Scan()


def event(published: Published) -> Name:
    """Return which event a record holds.

    Raises:
        ValueError: one that nobody appended.
    """
    found = _VALUE.match(published.record.value or b"")
    if found is None or (published.record.key or b"") != found[1]:
        raise ValueError(f"no writer of ours made {published}")
    return found[1].decode(), int(found[2])


def settled(outbox: str) -> int:
    """Return the sequence up to which the relay looks at nothing any more."""
    position = identity.read_position(outbox)
    return 0 if position is None else position.sequence


def unsynced(outbox: str, found: Scan) -> list[str]:
    """Name what is wrong with the synced range: all that it covers must be there (FORMAT I13)."""
    state = identity.read_file(f"{outbox}/outbox.state").ljust(272, b"\0")
    upper, lower = struct.unpack_from("<QQ", state, 256)
    cycle, first, to = upper >> 32, lower & 0xFFFFFFFF, upper & 0xFFFFFFFF
    if not upper or lower >> 32 != to ^ cycle:
        return []
    there = {each.offset for each in found.records if each.cycle == cycle}
    wrong = [f"I13: {to:#x} of {cycle} is not there, and synced"] if to not in there else []
    return wrong + [
        f"I13: {problem}, between {first:#x} and {to:#x} which are synced"
        for problem in found.problems
        if problem.cycle == cycle and first <= problem.offset <= to
    ]


def violations(
    known: Known, before: Scan, after: Scan, appended: dict[Name, Ack], up_to: int = 0
) -> list[str]:
    """Name all that must not be.

    Args:
        known: of the crash.
        before: what a reader found in what it left.
        after: what one found when others had gone on.
        appended: what these were told.
        up_to: what the relay had settled before.
    """
    found = [
        *_state(known, before, "before recovery"),
        *_state(known, after, "after recovery", appended),
        *_recovery(before, after, appended),
    ]
    found += [
        f"I4: {name} has sequence {ack.sequence}, and the relay has settled {up_to}"
        for name, ack in appended.items()
        if ack.sequence <= up_to
    ]
    if known.sound:
        found += [f"a kill left {problem}" for problem in before.problems]
        found += [f"after a kill there is {problem}" for problem in after.problems]
    return found


def _state(
    known: Known, scan: Scan, when: str, appended: dict[Name, Ack] | None = None
) -> Iterator[str]:
    if scan.stopped is not None:
        yield f"{when} readers stop: {scan.stopped}"
    names = []
    for published in scan.records:
        try:
            name = event(published)
        except ValueError as nobody:
            yield f"phantom {when}: {nobody}"
            continue
        names.append(name)
        attempt = known.attempts.get(name)
        if attempt is None:
            if appended is None or name not in appended:
                yield f"phantom {when}: {name}"
        elif published.record.value != attempt.value:
            yield f"phantom {when}: {name} with other bytes"
        elif attempt.sequence and published.record.sequence != attempt.sequence:
            yield f"{name} {when} has sequence {published.record.sequence}, not {attempt.sequence}"
    for name, count in Counter(names).items():
        if count > 1:
            yield f"doubled {when}: {name}"
    for name in sorted(known.kept - set(names)):
        yield f"lost {when}: {name}"
    yield from _lost_records(known.readable, scan.records, when)
    yield from _numbers(scan.records, when)
    yield from _batches(known, set(names), when)


def _lost_records(
    wanted: Iterable[Published], found: Sequence[Published], when: str
) -> Iterator[str]:
    there = {(each.cycle, each.offset): each.record for each in found}
    for each in wanted:
        if there.get((each.cycle, each.offset)) != each.record:
            yield f"I5 {when}: {event(each)} at {each.cycle}/0x{each.offset:x} was readable"


def _numbers(records: Sequence[Published], when: str) -> Iterator[str]:
    for one, other in itertools.pairwise(records):
        if other.record.sequence <= one.record.sequence:
            yield f"I4 {when}: sequence {other.record.sequence} behind {one.record.sequence}"
        if other.index <= one.index:
            yield f"I4 {when}: index {other.index:x} behind {one.index:x}"
        if (
            one.cycle == other.cycle
            and one.record.sequence - one.record.entry != other.record.sequence - other.record.entry
        ):
            yield f"I4 {when}: another difference from entry {other.record.entry} on"


def _batches(known: Known, names: set[Name], when: str) -> Iterator[str]:
    batches: dict[int, set[Name]] = {}
    for name, attempt in known.attempts.items():
        if attempt.batch is not None:
            batches.setdefault(attempt.batch, set()).add(name)
    for batch, members in batches.items():
        there = members & names
        if there and there != members:
            yield f"I10 {when}: of batch {batch} only {sorted(there)}"


def _recovery(before: Scan, after: Scan, appended: dict[Name, Ack]) -> Iterator[str]:
    yield from _lost_records(before.records, after.records, "after recovery")
    count = len(before.records)
    if after.records[:count] != before.records:
        # A relay that had delivered these goes on behind the last of them.
        yield "a reader would have missed what recovery brought to light"
    rest = after.records[count:]
    theirs = []
    last = 0
    for published in rest:
        try:
            name = event(published)
        except ValueError:
            continue  # told already
        if name in appended:
            theirs.append(name)
            ack = appended[name]
            if (published.record.sequence, str(published.record.event_id)) != ack:
                yield f"{name} is not what was acknowledged: {published}, {ack}"
            last = published.cycle
    if last != max((each.cycle for each in after.records), default=0):
        yield "the last append is not in the newest cycle"
    if theirs != list(appended):
        yield f"of the appends after the crash, {list(appended)}, there are {theirs}"
