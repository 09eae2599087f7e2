"""States with batches, whole and in part."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ..cyclefile import FAST_HOURLY, HOUR, SMALL
from .builder import NEXT, Builder, State, event_id, fail_and_roll, plain, several

if TYPE_CHECKING:
    from ..outbox import OutboxImage

BATCH = (
    NEXT,
    dataclasses.replace(NEXT, event_id=event_id(0x10000), topic="another", partition=3),
    dataclasses.replace(NEXT, event_id=event_id(0x10001), value=None),
)


def batch() -> State:
    builder = Builder()
    builder.append(*several(1, 2))
    builder.several(1)
    builder.append(*several(4, 3))
    builder.append(*several(7, 2), after=HOUR)
    about = "Batches: one that begins a cycle, one behind a single record, one in the next cycle."
    return builder.finish("batch", about, writable=True)


def batch_over_index_slots() -> State:
    builder = Builder().several(254)
    builder.append(*several(255, 5))
    about = "A batch of entries 254 to 258: the second index slot is that of a record within it."
    return builder.finish("batch-over-index-slots", about, writable=True)


def append_batch() -> State:
    about = "Nothing was appended yet, and a batch is."
    return Builder().finish("append-batch", about, events=BATCH)


def append_batch_rolls() -> State:
    builder = Builder().three()
    first, second, _ = builder.image.encoded(*BATCH)
    builder.roll_bytes = builder.image.newest.tail + 8 + len(first) + len(second) + 4
    about = "Two of the records would fit into the cycle, three do not: all are in the next."
    return builder.finish("append-batch-rolls", about, events=BATCH)


def append_batch_needs_a_page() -> State:
    builder = _small(126)
    about = "The batch's last record is entry 128, whose index page is missing: it comes behind it."
    return builder.finish("append-batch-needs-a-page", about, events=BATCH)


def append_batch_over_a_missing_page() -> State:
    builder = _small(127)
    about = "The batch's second record is entry 128, whose index page is missing: it gets none."
    return builder.finish("append-batch-over-a-missing-page", about, events=BATCH)


def batch_over_a_missing_page() -> State:
    builder = _small(126)
    builder.append(*several(127, 6))
    about = (
        "A batch of entries 126 to 131: entry 128 got no index page, as that would stand within "
        "the batch; entry 132 appends it."
    )
    return builder.finish("batch-over-a-missing-page", about)


def _small(count: int) -> Builder:
    builder = Builder()
    builder.image.layout = SMALL
    builder.several(count)
    builder.image.layout = FAST_HOURLY
    return builder


def _with_an_unpublished_batch() -> tuple[Builder, int]:
    """And where it would end."""
    builder = Builder().three()
    image = builder.image
    tail, entries = image.newest.tail, image.newest.entries
    image.newest.write(*image.encoded(*several(4, 3, size=200)))
    image.newest.file.write(tail, bytes(4))
    end = image.newest.tail
    image.newest.tail, image.newest.entries = tail, entries
    return builder, end


def unpublished_batch() -> State:
    builder, _ = _with_an_unpublished_batch()
    about = "A batch is written but for its first header word: killed before publishing."
    return builder.finish("unpublished-batch", about)


def unpublished_batch_in_a_failed_cycle() -> State:
    builder, end = _with_an_unpublished_batch()
    builder.image.next_sequence = 7
    builder.image.fail_newest()
    about = (
        "The same in a cycle that was marked failed then: what a search finds behind its tail are "
        "the other records of that batch. Readers pass over them; their sequences are not given."
    )
    return builder.finish(
        "unpublished-batch-in-a-failed-cycle",
        about,
        recover=lambda image: image.roll(end=False, newest_end=end),
        chronicle=False,
        problems_after=builder.problem("missing-eof", builder.image.newest.tail),
    )


def unbooked_batch() -> State:
    builder = Builder().several(254)
    found = builder.publish_unbooked(*several(255, 3))
    about = "A whole batch behind word1, over an index slot: killed before booking."
    return builder.finish("unbooked-batch", about, recover=lambda image: image.book(*found))


def batch_torn_in_the_middle() -> State:
    builder = Builder().three()
    builder.append(*several(4, 4))
    builder.damage(6)
    builder.lost |= {4, 5, 7}
    builder.several(1)
    problems = [
        *builder.problem("incomplete-batch", builder.offset(4)),
        *builder.problem("crc", builder.offset(6)),
        *builder.problem("incomplete-batch", builder.offset(7)),
    ]
    about = "The third record of a batch is damaged: none of the batch is delivered."
    return builder.finish(
        "batch-torn-in-the-middle",
        about,
        problems=problems,
        problems_after=problems,
        chronicle=False,
    )


def unbooked_batch_torn_in_the_middle() -> State:
    builder = Builder().three()
    head = builder.publish_unbooked(*several(4, 4))[:2]
    builder.damage(6)
    builder.lost |= {4, 5, 7}
    problems = [
        *builder.problem("incomplete-batch", builder.offset(4)),
        *builder.problem("crc", builder.offset(6)),
        *builder.problem("incomplete-batch", builder.offset(7)),
    ]
    after = [*problems, *builder.problem("missing-eof", builder.image.newest.tail)]

    def recover(image: OutboxImage) -> None:
        image.book(*head)
        fail_and_roll()(image)

    about = (
        "The same behind word1: the two before the damage are booked, the cycle is failed, and the "
        "sequence of the last is not given again."
    )
    return builder.finish(
        "unbooked-batch-torn-in-the-middle",
        about,
        recover=recover,
        problems=problems,
        problems_after=after,
        chronicle=False,
    )


def batch_without_its_last() -> State:
    builder = Builder().three()
    head = builder.publish_unbooked(*several(4, 3))[:2]
    image = builder.image
    image.newest.file.write(builder.offset(6), bytes(builder.end(6) - builder.offset(6)))
    builder.lost = {4, 5, 6}
    problems = builder.problem("incomplete-batch", builder.offset(4))
    after = [*problems, *builder.problem("missing-eof", builder.offset(6))]

    def recover(recovered: OutboxImage) -> None:
        recovered.next_sequence = 6
        recovered.book(*head)
        fail_and_roll(builder.end(5))(recovered)

    about = "The last record of an unbooked batch is zero: a power cut. The cycle is failed."
    return builder.finish(
        "batch-without-its-last",
        about,
        recover=recover,
        problems=problems,
        problems_after=after,
        chronicle=False,
    )


def batch_without_its_first() -> State:
    builder = Builder().three()
    builder.append(*several(4, 3))
    file = builder.image.newest.file
    file.write(builder.offset(4), bytes(builder.end(4) - builder.offset(4)))
    builder.lost = {4, 5, 6}
    builder.append(plain(7))
    problems = builder.problem("chain-ends-before-word1", builder.offset(4))
    about = "The first record of a batch is zero: the rest of it is passed over."
    return builder.finish(
        "batch-without-its-first",
        about,
        problems=problems,
        problems_after=problems,
        chronicle=False,
    )


STATES = [
    batch,
    batch_over_index_slots,
    append_batch,
    append_batch_rolls,
    append_batch_needs_a_page,
    append_batch_over_a_missing_page,
    batch_over_a_missing_page,
    unpublished_batch,
    unpublished_batch_in_a_failed_cycle,
    unbooked_batch,
    batch_torn_in_the_middle,
    unbooked_batch_torn_in_the_middle,
    batch_without_its_last,
    batch_without_its_first,
]
