"""What `append` returns."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uuid import UUID


class Receipt:
    """Proof that an event was appended. Read-only, hashable, comparable, can be pickled."""

    __slots__ = ("_durability", "_event_id", "_generation", "_outbox", "_sequence")

    def __init__(
        self, outbox: bytes, generation: int, sequence: int, event_id: bytes, durability: str
    ) -> None:
        self._outbox = outbox
        self._generation = generation
        self._sequence = sequence
        self._event_id = event_id
        self._durability = durability

    def of(self, further: int, event_id: bytes) -> Receipt:
        """That of another event of the same batch.

        Args:
            further: by how much its sequence is higher.
            event_id: of it.
        """
        sequence = self._sequence + further
        return Receipt(self._outbox, self._generation, sequence, event_id, self._durability)

    # UUIDs are made on demand: importing uuid costs more than an append.

    @property
    def outbox(self) -> UUID:
        """The outbox's id."""
        from uuid import UUID

        return UUID(bytes=self._outbox)

    @property
    def generation(self) -> int:
        """Of the outbox; grows when an operator adopts a copied or restored one."""
        return self._generation

    @property
    def sequence(self) -> int:
        """Of the event within the outbox, from 1."""
        return self._sequence

    @property
    def event_id(self) -> UUID:
        """The event's id, which consumers find in the header ``outbox-event-id``."""
        from uuid import UUID

        return UUID(bytes=self._event_id)

    @property
    def durability(self) -> str:
        """``"process"`` or ``"power"``: what the event survives since `append` returned."""
        return self._durability

    def _key(self) -> tuple[bytes, int, int, bytes, str]:
        return self._outbox, self._generation, self._sequence, self._event_id, self._durability

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Receipt) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple[type[Receipt], tuple[bytes, int, int, bytes, str]]:
        return Receipt, self._key()

    def __repr__(self) -> str:
        return (
            f"Receipt(outbox={self.outbox}, generation={self.generation}, "
            f"sequence={self.sequence}, event_id={self.event_id}, "
            f"durability={self.durability!r})"
        )
