"""What `append` returns."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uuid import UUID


class Receipt:
    """Proof that an event was appended. Immutable, hashable, comparable.

    Attributes:
        generation: of the outbox; grows when an operator adopts a copied or restored one.
        sequence: of the event within the outbox, from 1.
        durability: ``"process"`` or ``"power"``: what the event survives since `append` returned.
    """

    __slots__ = ("_event_id", "_outbox", "durability", "generation", "sequence")

    durability: str
    generation: int
    sequence: int

    def __init__(
        self, outbox: bytes, generation: int, sequence: int, event_id: bytes, durability: str
    ) -> None:
        _set(self, "_outbox", outbox)
        _set(self, "generation", generation)
        _set(self, "sequence", sequence)
        _set(self, "_event_id", event_id)
        _set(self, "durability", durability)

    # UUIDs are made on demand: importing uuid costs more than an append.

    @property
    def outbox(self) -> UUID:
        """The outbox's id."""
        return _uuid(self._outbox)  # type: ignore[attr-defined]

    @property
    def event_id(self) -> UUID:
        """The event's id, which consumers find in the header ``outbox-event-id``."""
        return _uuid(self._event_id)  # type: ignore[attr-defined]

    def _key(self) -> tuple[bytes, int, int, bytes, str]:
        return (
            self._outbox,  # type: ignore[attr-defined]
            self.generation,
            self.sequence,
            self._event_id,  # type: ignore[attr-defined]
            self.durability,
        )

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Receipt) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Receipt cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Receipt cannot be changed")

    def __reduce__(self) -> tuple[type[Receipt], tuple[bytes, int, int, bytes, str]]:
        return Receipt, self._key()

    def __repr__(self) -> str:
        return (
            f"Receipt(outbox={self.outbox}, generation={self.generation}, "
            f"sequence={self.sequence}, event_id={self.event_id}, "
            f"durability={self.durability!r})"
        )


_set = object.__setattr__


def _uuid(data: bytes) -> UUID:
    from uuid import UUID

    return UUID(bytes=data)
