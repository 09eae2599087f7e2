"""`QueueWriter`: appends under the writers' lock, and makes durable what it appended."""

from __future__ import annotations

from _weakref import ref
from errno import EBADF, EINVAL
from time import time_ns

from outbox_client._batch_draft import BatchDraft
from outbox_client._disk import FlatDisk, forked, stop
from outbox_client._errors import (
    OutboxBusy,
    OutboxError,
    OutboxUnavailable,
    before_1970,
    system_error,
)
from outbox_client._forks import in_each_child
from outbox_client._receipt import Receipt
from outbox_client._recovery import open_session
from outbox_client._roll_rule import ROLL_BYTES
from outbox_client._writer_options import WriterOptions
from outbox_client._writers_lock import Claim, Token, leave_open, lock_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from outbox_client._disk import Disk
    from outbox_client._group_commit import GroupCommit, Published
    from outbox_client._outbox_directory import OutboxDirectory
    from outbox_client._record_draft import RecordDraft
    from outbox_client._writer_session import WriterSession


class QueueWriter:
    """Appends to one outbox. Safe for many threads."""

    def __init__(
        self,
        directory: OutboxDirectory,
        *,
        durability: str,
        max_bytes: int | None,
        lock_timeout: float,
        disk: Disk | None = None,
        clock: Callable[[], int] = time_ns,
        roll_bytes: int = ROLL_BYTES,
    ) -> None:
        """Open nothing yet: that is the first append's.

        Args:
            directory: of the outbox.
            durability: ``"process"`` or ``"power"``.
            max_bytes: cap on appended but not settled bytes; None for none.
            lock_timeout: seconds to wait for the writers' lock.
            disk: how files are changed.
            clock: nanoseconds since the epoch.
            roll_bytes: a record that would end there begins a new cycle.
        """
        self._directory = directory
        self._durability = durability
        self._lock_timeout = lock_timeout
        self._clock = clock
        self._options = WriterOptions(
            directory, disk if disk is not None else FlatDisk(), max_bytes, lock_timeout, roll_bytes
        )
        self._lock = lock_of(directory.file("outbox.lock"))
        self._lock_openings = self._lock.openings
        self._lock_losses = self._lock.losses
        # Taken out while an append runs and put back when all of it is consistent again: what an
        # exception interrupted, wherever it came from, is opened anew.
        self._session: WriterSession | None = None
        self._commit: GroupCommit | None = None
        self._failing: list[int] = []  # cycles whose fsync has failed, until they are marked so
        _writers.add(ref(self, _writers.discard))

    def __reduce__(self) -> tuple[Callable[..., QueueWriter], tuple[OutboxDirectory]]:
        from functools import partial

        options = self._options
        copy = partial(
            type(self),
            durability=self._durability,
            max_bytes=options.max_bytes,
            lock_timeout=options.lock_timeout,
            disk=options.disk,
            clock=self._clock,
            roll_bytes=options.roll_bytes,
        )
        return copy, (options.directory,)

    def append_all(self, draft: BatchDraft | RecordDraft) -> list[Receipt]:
        """Append events, all or none, with nothing between them.

        Raises:
            OutboxError: as `append`.
        """
        last = self.append(draft)
        if not isinstance(draft, BatchDraft):
            return [last]
        return [
            last.of(number, record.event_id)
            for number, record in enumerate(draft.records, 1 - draft.count)
        ]

    def append(self, draft: RecordDraft | BatchDraft) -> Receipt:
        """Append one event, or a batch: the receipt of its last.

        Raises:
            OutboxError: see the subclasses; nothing was appended, unless `maybe_appended`.
        """
        lock = self._lock
        commit = self._commit
        if commit is not None and commit.syncer is not None:
            commit.refuse_to_interrupt()
        token = Token()
        claim = Claim(token)
        try:
            try:
                session = self._session
                names = None if session is None else session.names
                lock.acquire(claim, self._lock_timeout, self._directory, self._options.disk, names)
                session, self._session = self._session, None
                options = self._options
                if lock.owner is not claim:
                    raise forked()
                if lock.openings != self._lock_openings:
                    # Perhaps the directory is another by now, and this session's was moved away.
                    if lock.losses != self._lock_losses:
                        leave_open((session, self._commit))  # closed by the same hand
                        self._lock_losses = lock.losses
                    session = None
                    self._lock_openings = lock.openings
                now = self._clock() // 1_000_000
                if now < 0:
                    raise before_1970()
                if session is None or self._failing or not session.is_current(lock, names):
                    session = self._open(options, now)
                session = session.append(draft, now)
                identity = session.identity
                sequence = session.sequence
                commit = self._commit = session.commit
                published = None if commit is None else session.published(draft.count)
                self._session = session
            except OSError as problem:
                raise system_error(f"append to {self._directory.path}", problem) from None
            finally:
                try:
                    if lock.owner is claim and lock.fd >= 0:
                        lock.kernel_call(lock.fd, lock.unlock_command, lock.unlock_argument)
                except OSError as problem:
                    if problem.errno not in (EBADF, EINVAL):
                        raise
                    # Closed meanwhile by somebody else, or never to be had: nothing is locked.
                if lock.owner is claim:
                    del lock.owner
        finally:
            try:
                if lock.owner is claim:
                    lock.release(claim)
            finally:
                del token
        if commit is not None and published is not None:
            self._make_durable(commit, published, draft)
        return Receipt(
            identity.outbox, identity.generation, sequence, draft.event_id, self._durability
        )

    def open(self) -> None:
        """Create or mend the outbox without appending.

        Raises:
            OutboxError: as `append`.
        """
        self._under_lock(self._keep_open)

    def close(self) -> None:
        """Close the files; an append under way in another thread ends first.

        Raises:
            OutboxBusy: it did not within the timeout.
        """
        lock = self._lock
        token = Token()
        claim = Claim(token)
        try:
            lock.close(claim, self._lock_timeout)
            self._session = None
            self._commit = None
        finally:
            try:
                lock.release(claim)
            finally:
                del token

    # --- after the lock ---

    def _make_durable(
        self, commit: GroupCommit, published: Published, draft: RecordDraft | BatchDraft
    ) -> None:
        try:
            commit.bring(published, self._options.disk)
        except (OSError, OutboxBusy) as problem:
            raise self._not_durable(published.cycle, draft, problem) from problem

    def _not_durable(
        self, number: int, draft: RecordDraft | BatchDraft, problem: OSError | OutboxBusy
    ) -> OutboxUnavailable:
        """What is said of events that are published, but perhaps not on stable storage."""
        reason = str(problem)
        if isinstance(problem, OSError):
            if problem.errno is None:
                raise problem  # a signal handler's TimeoutError
            reason = problem.strerror or reason
        records = draft.records if isinstance(draft, BatchDraft) else (draft,)
        which, them, ids = (
            ("the event was", "it", "event_id")
            if len(records) == 1
            else (f"the {len(records)} events were", "them", "event_ids")
        )
        error = OutboxUnavailable(
            f"{which} published but {self._directory.queue} could not be synced: {reason}. A power "
            f"cut may take {them}: append {them} again with the same {ids}, so that consumers can "
            "tell the copies"
        )
        error.maybe_appended = True
        error._event_ids = tuple(record.event_id for record in records)
        if isinstance(problem, OSError):
            try:
                self._mark_failed(number)
            except OutboxError as another:
                error.__context__ = another
        return error

    def _mark_failed(self, number: int) -> None:
        """Let no writer append to a cycle whose fsync failed.

        A later fsync could succeed without the data.
        """
        self._failing.append(number)
        self._under_lock(self._keep_open)

    def _keep_open(self, options: WriterOptions, now: int) -> None:
        self._session = self._open(options, now)

    def _open(self, options: WriterOptions, now: int) -> WriterSession:
        """Open, and mark what could not be marked before as the lock was not to be had."""
        failing = self._failing[0] if self._failing else None
        session = open_session(options, now, failing)
        if failing is not None:
            del self._failing[0]  # only under the lock; others may have been added
        return session

    def forget(self) -> None:
        """In a forked child: close what was inherited while the descriptors are still its own.

        And let appends begin anew: that of a greenlet, or of a frame that a signal handler has
        interrupted to fork, would go on without the lock.
        """
        if self._lock.losses != self._lock_losses:
            leave_open((self._session, self._commit))
        self._session = None
        self._commit = None
        old = self._options
        self._options = WriterOptions(
            old.directory, FlatDisk(), old.max_bytes, old.lock_timeout, old.roll_bytes
        )
        stop(old.disk)

    def _under_lock(self, action: Callable[[WriterOptions, int], None]) -> None:
        """Do something rare with nothing held open."""
        lock = self._lock
        token = Token()
        claim = Claim(token)
        try:
            try:
                lock.acquire(claim, self._lock_timeout, self._directory, self._options.disk)
                self._session = None
                options = self._options
                if lock.owner is not claim:
                    raise forked()
                now = self._clock() // 1_000_000
                if now < 0:
                    raise before_1970()
                action(options, now)
            finally:
                try:
                    if lock.owner is claim and lock.fd >= 0:
                        lock.kernel_call(lock.fd, lock.unlock_command, lock.unlock_argument)
                except OSError as problem:
                    if problem.errno not in (EBADF, EINVAL):
                        raise
                    # Closed meanwhile by somebody else, or never to be had: nothing is locked.
                if lock.owner is claim:
                    del lock.owner
        finally:
            try:
                lock.release(claim)
            finally:
                del token


_writers: set[ref[QueueWriter]] = set()


def _forget_sessions() -> None:
    for reference in list(_writers):
        writer = reference()
        if writer is not None:
            writer.forget()


in_each_child(_forget_sessions)
