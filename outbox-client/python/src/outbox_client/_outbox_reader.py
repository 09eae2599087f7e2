"""Looking at an outbox without a lock and without changing anything."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from outbox_client._chain_walk import BrokenChainError, find_tail
from outbox_client._cycle_file import CycleFile
from outbox_client._cycle_layout import cycle_name
from outbox_client._disk import Disk
from outbox_client._errors import OutboxUnavailable, system_error
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client._outcomes_file import DeliveryOutcome, outcome_of
from outbox_client._position_file import MODES, Position, read_position
from outbox_client._safe_files import File, NotRegularError, read
from outbox_client._state_file import STATE_BYTES, OutboxState
from outbox_client._wire_fields import UnparsableError

if TYPE_CHECKING:
    from uuid import UUID

    from outbox_client._receipt import Receipt

_SHORTEST_PAUSE = 1e-3
_LONGEST_PAUSE = 50e-3


@dataclass(frozen=True)
class Status:
    """A look at an outbox, taken while writers and the relay may be at work.

    Attributes:
        path: of the outbox.
        outbox: its id.
        generation: grows when an operator adopts a copied or restored outbox.
        next_sequence: of the next event.
        settled_sequence: of the last event that the relay has settled, 0 = none.
        lag_events: appended and not settled.
        lag_bytes: appended and not settled. With what is parked and in dead letters, that is what
            ``OUTBOX_MAX_BYTES`` caps.
        held_bytes: settled in the queue and kept by the relay in parked topics, as of its last
            saved position.
        cycles: numbers of the cycle files, ascending.
        newest_cycle: None before the first event.
        delivery: ``at-least-once`` or ``exactly-once`` as the relay has noted it; None before it
            ever ran.
    """

    path: str
    outbox: UUID
    generation: int
    next_sequence: int
    settled_sequence: int
    lag_events: int
    lag_bytes: int
    held_bytes: int
    cycles: tuple[int, ...]
    newest_cycle: int | None
    delivery: str | None


class OutboxReader:
    """Reads the small files beside the queue."""

    def __init__(self, path: str) -> None:
        self._directory = OutboxDirectory(path)

    def status(self) -> Status:
        """Count what waits for delivery.

        Raises:
            OutboxUnavailable: there is no outbox, or it cannot be read.
        """
        from uuid import UUID

        state = self._state()
        identity = state.identity(self._directory.file("outbox.state"))
        sequence = state.next_sequence()
        if identity is None or sequence is None:
            raise OutboxUnavailable(
                f"{self._directory.file('outbox.state')} is damaged: the next append mends it"
            )
        position = self._position(identity.outbox)
        settled = position.sequence if position is not None else 0
        settled_bytes = position.settled_bytes if position is not None else 0
        cycles = self._directory.cycles()
        return Status(
            path=self._directory.path,
            outbox=UUID(bytes=identity.outbox),
            generation=identity.generation,
            next_sequence=sequence,
            settled_sequence=settled,
            lag_events=max(0, sequence - 1 - settled),
            lag_bytes=max(0, self._appended_bytes(state, identity.outbox) - settled_bytes),
            held_bytes=position.held_bytes if position is not None else 0,
            cycles=tuple(cycles),
            newest_cycle=cycles[-1] if cycles else None,
            delivery=MODES[position.mode] if position and position.mode < len(MODES) else None,
        )

    def wait_delivered(self, receipt: Receipt, timeout: float) -> DeliveryOutcome:
        """Poll until the event is settled or the time is over.

        Raises:
            ValueError: the receipt is of another outbox.
            OutboxUnavailable: the outbox cannot be read.
        """
        deadline = monotonic() + timeout
        outbox = receipt.outbox
        identity = self._state().identity(self._directory.file("outbox.state"))
        if identity is not None and identity.outbox != outbox.bytes:
            from uuid import UUID

            raise ValueError(
                f"the receipt is of outbox {outbox}, but {self._directory.path} is outbox "
                f"{UUID(bytes=identity.outbox)}"
            )
        pause = _SHORTEST_PAUSE
        while True:
            position = self._position(outbox.bytes)
            if position is not None and position.sequence >= receipt.sequence:
                return self._outcome(receipt.sequence)
            left = deadline - monotonic()
            if left <= 0:
                return DeliveryOutcome.PENDING
            time.sleep(min(pause, left))  # looked up each time: it may be patched by now
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _outcome(self, sequence: int) -> DeliveryOutcome:
        path = self._directory.file("relay.outcomes")
        try:
            return outcome_of(path, sequence)
        except OSError as problem:
            raise system_error(f"read {path}", problem) from None
        except NotRegularError:
            raise OutboxUnavailable(f"{path} is not a regular file: remove it") from None

    def _position(self, outbox: bytes) -> Position | None:
        path = self._directory.file("relay.position")
        try:
            position = read_position(path)
        except OSError as problem:
            raise system_error(f"read {path}", problem) from None
        except NotRegularError:
            raise OutboxUnavailable(f"{path} is not a regular file: remove it") from None
        return position if position is not None and position.outbox == outbox else None

    def _state(self) -> OutboxState:
        path = self._directory.file("outbox.state")
        try:
            return OutboxState(read(path, STATE_BYTES)[0])
        except OSError as problem:
            raise system_error(f"read {path}", problem) from None
        except NotRegularError:
            raise OutboxUnavailable(f"{path} is not a regular file: remove it") from None

    def _appended_bytes(self, state: OutboxState, outbox: bytes) -> int:
        newest = state.newest_cycle()
        if newest is None:
            return 0
        path = f"{self._directory.queue}/{cycle_name(newest.number)}"
        try:
            with File(path, "r") as file:
                cycle = CycleFile(newest.number, file, outbox)
                try:
                    end = find_tail(cycle, None, Disk()).offset
                except BrokenChainError as broken:
                    # Where the chain tells nothing: up to the last entry that writers have noted.
                    noted, size = cycle.words64[cycle.word1], os.fstat(file.fd).st_size
                    end = max(broken.tail.offset, noted if noted < size else 0)
        except (FileNotFoundError, UnparsableError):
            return newest.base
        except OSError as problem:
            raise system_error(f"read {path}", problem) from None
        except NotRegularError:
            raise OutboxUnavailable(f"{path} is not a regular file: remove it") from None
        return newest.base + end - cycle.layout.first
