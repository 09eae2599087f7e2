"""Logs as they would be if writers were wrong: what the states of these must be found to break."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .oplog import Enter, Log, Operation, Sync, Write

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

#: Where a record has its flags, and the one of them that says that its batch goes on.
_FLAGS, _BATCH = 9, 16

#: An operation, and the index that it had in the log.
Step = tuple[int, Operation]


def edited(log: Log, edit: Callable[[list[Step]], list[Step]]) -> Log:
    """Return a log with other operations, or in another order; acks come when theirs are done."""
    steps = edit(list(enumerate(log.operations)))

    def done(before: int) -> int:
        """How many are done when all of the first are that are still there."""
        return max((at + 1 for at, (was, _) in enumerate(steps) if was < before), default=0)

    def begun(before: int) -> int:
        return next((at for at, (was, _) in enumerate(steps) if was >= before), len(steps))

    attempts = [
        replace(
            each,
            began=begun(each.began),
            acked=None if each.acked is None else done(each.acked),
        )
        for each in log.attempts
    ]
    return replace(
        log,
        operations=[operation for _, operation in steps],
        attempts=attempts,
        start=done(log.start),
    )


def without_syncs(log: Log, label: str) -> Log:
    """Return a log in which nobody waits for the disk where they say so.

    Args:
        log: of an outbox.
        label: "payload": an ack in power mode does not; "link": a roll does not wait for the name
            of the new cycle; "settled": the relay does not before it notes its position.
    """
    return edited(
        log,
        lambda steps: [
            step for step in steps if not (isinstance(step[1], Sync) and step[1].label == label)
        ],
    )


def without_sync_of_the_queue(log: Log) -> Log:
    """A writer in power mode goes on in a cycle whose name nobody has synced."""
    (queue,) = (
        each.target for each in log.operations if isinstance(each, Enter) and each.name == "queue"
    )
    kept = _first(log.operations[log.start :], "payload") + log.start
    return edited(
        log,
        lambda steps: [
            (at, each)
            for at, each in steps
            if not (log.start <= at < kept and isinstance(each, Sync) and each.node == queue)
        ],
    )


def _first(operations: list[Operation], label: str) -> int:
    return next((at for at, each in enumerate(operations) if each.label == label), 0)


def published_first(log: Log) -> Log:
    """The header word is stored before the record is written."""

    def edit(steps: list[Step]) -> list[Step]:
        found = list(steps)
        for at, (was, payload) in enumerate(steps):
            if isinstance(payload, Write) and payload.label == "payload":
                rest = replace(payload, offset=payload.offset + 4, data=payload.data[4:])
                found[at : at + 2] = [steps[at + 1], (was, rest)]
        return found

    return edited(log, edit)


def batches_published_last(log: Log) -> Log:
    """The header word that is 0 in the write of a batch is its last, and stored then."""

    def edit(payload: Write, publish: Write) -> tuple[Write, Write]:
        length = int.from_bytes(publish.data, "little")
        last = _last_word(payload.data, length)
        data = publish.data + payload.data[4:last] + bytes(4) + payload.data[last + 4 :]
        word = payload.data[last : last + 4]
        return (
            replace(payload, data=data),
            replace(publish, offset=payload.offset + last, data=word),
        )

    return _with_batches(log, edit)


def batches_published_by_the_write(log: Log) -> Log:
    """All header words of a batch are final in the write."""

    def edit(payload: Write, publish: Write) -> tuple[Write, Write]:
        return replace(payload, data=publish.data + payload.data[4:]), publish

    return _with_batches(log, edit)


def _with_batches(log: Log, edit: Callable[[Write, Write], tuple[Write, Write]]) -> Log:
    def edited_steps(steps: list[Step]) -> list[Step]:
        found = list(steps)
        for at, (was, payload) in enumerate(steps):
            if isinstance(payload, Write) and payload.label == "payload" and _is_batch(payload):
                then, publish = steps[at + 1]
                assert isinstance(publish, Write)
                first, second = edit(payload, publish)
                found[at : at + 2] = [(was, first), (then, second)]
        return found

    return edited(log, edited_steps)


def _is_batch(payload: Write) -> bool:
    return bool(payload.data[4 + _FLAGS] & _BATCH)


def _last_word(data: bytes, first: int) -> int:
    """Where the last header word stands in what is written of a batch."""
    at = 0
    following = 4 + first
    while data[at + 4 + _FLAGS] & _BATCH:
        at = following
        following = at + 4 + int.from_bytes(data[at : at + 4], "little")
    return at


def booked_first(log: Log) -> Log:
    """The state's next sequence and word1 are stored before the record is there."""

    def edit(steps: list[Step]) -> list[Step]:
        found = list(steps)
        for at, (_, payload) in enumerate(steps):
            if isinstance(payload, Write) and payload.label == "payload":
                append = steps[at : at + 6]
                early = [each for each in append if each[1].label in ("state", "word2", "word1")]
                found[at : at + 6] = [*early, *append[:2]]
        return found

    return edited(log, edit)


def overlapped(log: Log, chance: random.Random) -> Log:
    """Let each fdatasync come while the next append is under way, as the lock is free by then.

    Nothing is wrong with this one.
    """

    def edit(steps: list[Step]) -> list[Step]:
        found: list[Step] = []
        late: list[tuple[int, Step]] = []
        for step in steps:
            late = [(left - 1, each) for left, each in late]
            if late and (isinstance(step[1], Sync) or late[0][0] < 0):
                found += [each for _, each in late]
                late = []
            if isinstance(step[1], Sync) and step[1].label == "payload":
                late = [(chance.randrange(1, 9), step)]
            else:
                found.append(step)
        return found + [each for _, each in late]

    return edited(log, edit)
