"""What a writer holds open between appends."""

from __future__ import annotations

from outbox_client._record_codec import Prologue
from outbox_client._state_file import FAILED_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from outbox_client._cycle_file import CycleFile
    from outbox_client._state_file import Identity, StateFile


class OpenQueue:
    """The state and, if it can be appended to, the newest cycle.

    Attributes:
        state: the mapped state file.
        identity: of the outbox.
        newest: number of the newest cycle, None while there has been none.
        cycle: the newest cycle; None when the next append has to begin a new one.
        last: offset of its last booked record, 0 while there is none.
        tail: offset of the free header word behind the last entry.
        entry: number of the last record within the cycle, -1 while there is none.
        sequence: of the last record that was appended through this object.
        base: bytes in all cycles before it.
        hour: the hour in which it was begun.
        next_base: base of the next cycle while `cycle` is None.
        limit: up to there a record can be appended to `cycle` without further ado, from the moment
            `since` until before `until` (milliseconds).
        seen: what was in the state behind the last append through this object.
        seen_failed: which cycles had failed when this was opened.
    """

    __slots__ = (
        "base",
        "cycle",
        "entry",
        "hour",
        "identity",
        "last",
        "limit",
        "newest",
        "next_base",
        "seen",
        "seen_failed",
        "sequence",
        "since",
        "state",
        "tail",
        "until",
    )

    def __init__(self, state: StateFile, identity: Identity, newest: int | None) -> None:
        self.state = state
        self.identity = identity
        self.newest = newest
        self.cycle: CycleFile | None = None
        self.last = 0
        self.tail = 0
        self.entry = -1
        self.sequence = 0
        self.base = 0
        self.hour = 0
        self.next_base = 0
        self.limit = 0
        self.since = 0
        self.until = 0
        self.seen = b""
        self.seen_failed = b""

    def appended_bytes(self) -> int:
        """Bytes in all cycles, to compare with the settled bytes of the position."""
        if self.cycle is None:
            return self.next_base
        return self.base + self.tail - self.cycle.layout.first

    def prologue(self) -> Prologue:
        """What the first record of the newest cycle repeats."""
        return Prologue(self.identity.outbox, self.identity.generation, self.base, self.hour)

    def note_state(self) -> None:
        """Remember which cycles have failed, to see later that another has."""
        self.seen_failed = self.state.map[FAILED_BYTES]

    def close_cycle(self) -> None:
        """Append no more to this cycle; the next append begins another."""
        self.next_base = self.appended_bytes()
        self.cycle = None
