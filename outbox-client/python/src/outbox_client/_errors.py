# ruff: noqa: N818 - the names say what happened, as in the Java client
"""What can go wrong.

    OutboxError
    ├── EventTooLarge       the event's record would be longer than 1 MiB
    ├── InvalidEvent        the event cannot be recorded: topic, header, type
    ├── OutboxFull          the disk, a quota or OUTBOX_MAX_BYTES is exhausted
    ├── OutboxBusy          the writers' lock was not to be had in time
    ├── OutboxCorrupt       what is on disk cannot be continued or read
    └── OutboxUnavailable   not configured, refused, or an error of the system

Every message says what failed, which value did it, and the way out.
"""

from __future__ import annotations

from errno import EDQUOT, EFBIG, ENOSPC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uuid import UUID


class OutboxError(Exception):
    """Base of all errors of this package.

    Attributes:
        maybe_appended: True when the event was published before the failure (its fsync failed):
            it may be delivered. Append it again with the same ``event_id``, so that consumers
            can tell the copies; of a batch, all with their ``event_ids``.
    """

    maybe_appended: bool = False
    _event_ids: tuple[bytes, ...] = ()
    _errno: int | None = None

    @property
    def event_id(self) -> UUID | None:
        """The id of an event that may have been appended, of a batch the first one's, else None."""
        return next(iter(self.event_ids), None)

    @property
    def event_ids(self) -> list[UUID]:
        """The ids of all events that may have been appended, in their order."""
        from uuid import UUID

        return [UUID(bytes=event_id) for event_id in self._event_ids]


class EventTooLarge(OutboxError):
    """The event's record would exceed 1 MiB."""


class InvalidEvent(OutboxError):
    """The event cannot be recorded as it is."""


class OutboxFull(OutboxError):
    """No space: the disk, a quota, a file size limit, or ``OUTBOX_MAX_BYTES``."""


class OutboxBusy(OutboxError):
    """The writers' lock was not free within the timeout."""


class OutboxCorrupt(OutboxError):
    """What is on disk cannot be read or continued."""


class OutboxUnavailable(OutboxError):
    """The outbox is not configured, is refused as unsafe, or the system reports an error."""


def broken_invariant(number: int, what: str) -> OutboxCorrupt:
    """One of FORMAT.md's invariants does not hold: nothing may be done any more.

    Args:
        number: of the invariant.
        what: was found instead.
    """
    return OutboxCorrupt(
        f"FORMAT I{number} does not hold: {what}. Nothing was appended and nothing changed; look "
        "at the outbox with 'outbox-relay verify', and report it"
    )


def before_1970() -> OutboxUnavailable:
    """The clock cannot be right."""
    return OutboxUnavailable("the clock stands before 1970: set it. Nothing was appended")


def system_error(action: str, problem: OSError) -> OutboxError:
    """What a failed system call means to the caller.

    Args:
        action: what was tried, for the message: "cannot <action>: <reason>".
        problem: the error of the call.

    Raises:
        OSError: it was no call's but a signal handler's, like the TimeoutError of an alarm.
    """
    if problem.errno is None:
        raise problem
    reason = problem.strerror or str(problem)
    if problem.errno in (ENOSPC, EDQUOT, EFBIG):
        return OutboxFull(
            f"cannot {action}: {reason}. Nothing was appended; free space or raise the quota, "
            "then append again"
        )
    error = OutboxUnavailable(f"cannot {action}: {reason} (errno {problem.errno})")
    error._errno = problem.errno
    return error
