"""Who holds the writers' lock within one process.

A holder has a `Token`, to which nothing refers but one variable of its frame. What others see is
its `Claim`, a weak reference: it is dead when the frame is gone, and then the claim is abandoned.
That is true of threads, of greenlets (which share a thread, and whose frames are on no thread's
stack while they are suspended), and of those that died or were killed. It is abandoned, too, when
the thread is gone: somebody may still keep a greenlet of it, which nobody can resume.
"""

from __future__ import annotations

import sys
from _thread import _local
from _weakref import ref

from outbox_client._errors import OutboxBusy
from outbox_client._lock_deadline import stops_the_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType


class _Life:
    __slots__ = ("__weakref__",)


class _Thread(_local):
    """The calling thread; the calling greenlet where this module was imported behind a patch.

    Attributes:
        alive: is dead when the thread is.
    """

    def __init__(self) -> None:
        self._life = _Life()
        self.alive = ref(self._life)


_thread = _Thread()


class Token:
    """Lives as long as its holder may hold the lock.

    Attributes:
        thread: dead when the holder's thread is, and the same for all tokens of one thread.
    """

    __slots__ = ("__weakref__", "thread")

    def __init__(self) -> None:
        self.thread = _thread.alive


class Claim(ref[Token]):
    """A holder's token, as seen by others."""

    def abandoned(self) -> bool:
        """Whether the holder is gone."""
        token = self()
        return token is None or token.thread() is None

    def inherited_by(self, claim: Claim) -> bool:
        """Whether *claim* alone may remove this one, which was abandoned.

        That is the first living one that asked. So one that is interrupted before it removes this
        one keeps nobody else from it.
        """
        heirs: list[Claim] = vars(self).setdefault("heirs", [])
        heirs.append(claim)
        return next(heir for heir in heirs if not heir.abandoned()) is claim

    def refuse_to_wait(self, path: str) -> None:
        """Refuse to wait where the holder cannot go on before the caller does.

        Args:
            path: of the outbox.

        Raises:
            OutboxBusy: the caller has interrupted the holder, or has stopped it together with the
                whole thread.
        """
        token = self()
        same_thread = token is not None and token.thread is _thread.alive
        del token
        if not same_thread:
            return
        if self._is_below(sys._getframe()):
            raise OutboxBusy(
                f"this thread is inside an append to {path} already, which a signal handler or "
                "finalizer has interrupted: append after it returned"
            )
        if stops_the_thread() and not self.abandoned():
            raise OutboxBusy(
                f"another greenlet of this thread is inside an append to {path} and cannot go on "
                "while this one waits: let time.sleep switch greenlets (gevent.monkey.patch_all, "
                "eventlet.monkey_patch), or append again after it returned"
            )

    def _is_below(self, frame: FrameType | None) -> bool:
        """Whether one of the frames that wait for this one to return is the holder's."""
        while frame is not None:
            if "claim" in frame.f_code.co_varnames and frame.f_locals.get("claim") is self:
                return True
            frame = frame.f_back
        return False
