"""States that killed writers leave, and a died Chronicle appender."""

from __future__ import annotations

import struct

from ..cyclefile import FAST_HOURLY, HOUR, NOT_COMPLETE, SMALL
from ..outbox import METADATA, STATE, OutboxImage, cycle_path
from ..sparsefiles import SparseFile
from .builder import Builder, State, plain


def torn_tail() -> State:
    builder = Builder().three()
    (torn,) = builder.image.encoded(plain(4, 400))
    builder.image.newest.file.write(builder.image.newest.tail, bytes(4) + torn[:300])
    about = "Bytes behind the tail, header word 0: killed before publishing."
    return builder.finish("torn-tail", about)


def not_complete() -> State:
    builder = Builder().three()
    (torn,) = builder.image.encoded(plain(4))
    word = struct.pack("<I", NOT_COMPLETE | len(torn))
    builder.image.newest.file.write(builder.image.newest.tail, word + torn[:40])
    about = "A header word NOT_COMPLETE at the tail: a Chronicle appender died."
    return builder.finish("not-complete", about)


def entry_behind_word1() -> State:
    builder = Builder().three()
    found = builder.publish_unbooked(plain(4))
    about = "A published entry behind word1: killed before booking."
    return builder.finish("entry-behind-word1", about, recover=lambda image: image.book(*found))


def indexed_entry_behind_word1() -> State:
    builder = Builder().several(256)
    found = builder.publish_unbooked(plain(257))
    about = "The entry behind word1 is one that is to be indexed."
    return builder.finish(
        "indexed-entry-behind-word1", about, recover=lambda image: image.book(*found)
    )


def first_entry_behind_word1() -> State:
    builder = Builder()
    builder.image.begin_cycle(builder.image.clock // HOUR, 0)
    found = builder.publish_unbooked(plain(1))
    about = "The only record is not booked: word1 is 0."
    return builder.finish(
        "first-entry-behind-word1", about, recover=lambda image: image.book(*found)
    )


def word2_differs() -> State:
    builder = Builder().three()
    found = builder.publish_unbooked(plain(4))
    builder.image.write_state()
    builder.image.newest.book_word2(found[0].offset, found[0].record.entry)
    about = "word2 is one record ahead of word1: killed between the two."
    return builder.finish("word2-differs", about, recover=lambda image: image.book(*found))


def torn_sequence() -> State:
    builder = Builder().three()
    found = builder.publish_unbooked(plain(4))
    builder.image.files[STATE].write(64, struct.pack("<Q", builder.image.next_sequence))
    about = "The next sequence is written, its complement is not: killed between the two."
    return builder.finish("torn-sequence", about, recover=lambda image: image.book(*found))


def index_page_missing() -> State:
    builder = Builder()
    image = builder.image
    image.layout = SMALL
    builder.several(128)
    image.layout = FAST_HOURLY
    for number in range(129, 133):
        image.clock += 1
        (found,) = image.publish(plain(number))
        image.write_state()
        image.newest.book_word2(found.offset, found.record.entry)
        image.newest.book_word1(found.offset)
    about = "The index page of entry 128 is missing (disk full); entry 132 appends it."
    return builder.finish("index-page-missing", about)


def eof_without_successor() -> State:
    builder = Builder().three()
    builder.image.newest.end()
    about = "EOF in the newest cycle and no newer one: killed during a roll."
    return builder.finish(
        "eof-without-successor", about, recover=lambda image: image.roll(end=False)
    )


def leftover_tmp() -> State:
    builder = Builder().three()
    builder.image.newest.end()
    next_cycle = cycle_path(builder.image.newest.cycle + 1).removeprefix("queue/")
    leftover = f"queue/.{next_cycle}.tmp"
    builder.image.files[leftover] = SparseFile(b"half of a cycle file", 4096)

    def recover(image: OutboxImage) -> None:
        del image.files[leftover]
        image.roll(end=False)

    about = "The temporary file of a roll that was killed before it was linked."
    return builder.finish("leftover-tmp", about, recover=recover)


def unlisted_cycle() -> State:
    builder = Builder().three()
    image = builder.image
    state, listing = image.files[STATE], image.files[METADATA]
    mod_count = image.mod_count
    image.roll()
    image.files[STATE], image.files[METADATA] = state, listing

    def recover(recovered: OutboxImage) -> None:
        recovered.mod_count = mod_count + 1
        recovered.write_metadata()

    about = "A cycle that neither the listing nor the state knows: killed after it was linked."
    return builder.finish("unlisted-cycle", about, recover=recover)


def leftover_tmp_longer() -> State:
    builder = Builder().three()
    leftover = f"queue/.{cycle_path(builder.image.newest.cycle + 1).removeprefix('queue/')}.tmp"
    builder.image.files[leftover] = SparseFile(b"more than a new file holds".rjust(0x20000))

    def recover(image: OutboxImage) -> None:
        del image.files[leftover]

    about = "A temporary file holds bytes where a new cycle file has none; the hour is over."
    return builder.finish("leftover-tmp-longer", about, recover=recover, later=HOUR)


def leftover_tmp_of_another_cycle() -> State:
    builder = Builder().three()
    leftover = f"queue/.{cycle_path(builder.image.newest.cycle - 3).removeprefix('queue/')}.tmp"
    builder.image.files[leftover] = SparseFile(b"half of a cycle file", 4096)

    def recover(image: OutboxImage) -> None:
        del image.files[leftover]

    about = "A temporary file of a cycle that is none, and none will be: it goes all the same."
    return builder.finish("leftover-tmp-of-another-cycle", about, recover=recover)


def cycle_with_two_links() -> State:
    builder = Builder().three()
    image = builder.image
    state, listing = image.files[STATE], image.files[METADATA]
    image.roll()
    image.files[STATE], image.files[METADATA] = state, listing
    path = cycle_path(image.newest.cycle)
    builder.links[f"queue/.{path.removeprefix('queue/')}.tmp"] = path

    def recover(recovered: OutboxImage) -> None:
        recovered.write_metadata()

    about = "A new cycle file still has its temporary name, too: killed after it was linked."
    return builder.finish("cycle-with-two-links", about, recover=recover)


def unlisted_cycle_of_another_hour() -> State:
    builder = Builder().three()
    image = builder.image
    state, listing = image.files[STATE], image.files[METADATA]
    image.clock += 48 * HOUR
    image.roll()
    image.files[STATE], image.files[METADATA] = state, listing

    def recover(recovered: OutboxImage) -> None:
        recovered.write_metadata()

    about = (
        "The clock has leapt two days ahead, and the cycle begun for it is not in the state: its "
        "cycle hour is the clock's, not that of the cycle which the state speaks of."
    )
    return builder.finish("unlisted-cycle-of-another-hour", about, recover=recover)


def missing_eof_and_an_unbooked_entry() -> State:
    builder = Builder().several(2)
    older = builder.image.newest
    (found,) = builder.publish_unbooked(plain(3))
    problems = builder.problem("missing-eof", older.tail)
    builder.image.clock += HOUR
    builder.image.roll(end=False)
    builder.append(plain(4))
    about = "The cycle before the newest has no EOF, and its last entry is not booked."

    def recover(_image: OutboxImage) -> None:
        older.book(found.offset, found.record.entry)
        older.end()

    return builder.finish(
        "missing-eof-and-an-unbooked-entry", about, recover=recover, problems=problems
    )


def two_index_pages_missing() -> State:
    builder = Builder()
    image = builder.image
    image.layout = SMALL
    builder.several(128)
    image.layout = FAST_HOURLY
    for number in range(129, 257):
        image.clock += 1
        (found,) = image.publish(plain(number))
        image.newest.book_word2(found.offset, found.record.entry)
        image.newest.book_word1(found.offset)
    image.write_state()
    about = (
        "Entries 128 to 255 have no index page (disk full); entry 256 belongs into the third, "
        "which is the only one that it appends."
    )
    return builder.finish("two-index-pages-missing", about, chronicle=False)


STATES = [
    torn_tail,
    not_complete,
    entry_behind_word1,
    indexed_entry_behind_word1,
    first_entry_behind_word1,
    word2_differs,
    torn_sequence,
    index_page_missing,
    eof_without_successor,
    leftover_tmp,
    unlisted_cycle,
    leftover_tmp_longer,
    leftover_tmp_of_another_cycle,
    cycle_with_two_links,
    unlisted_cycle_of_another_hour,
    missing_eof_and_an_unbooked_entry,
    two_index_pages_missing,
]
