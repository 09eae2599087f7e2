"""What writers in `power` mode do whose syncs serve each other: two of any clients, and more of the
reference client's, which can be stopped at more steps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..clock import HOUR
from .group_stage import Stage
from .recorded_reference import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from .group_clients import Client
    from .oplog import Log


def _before_the_sync(stage: Stage) -> None:
    one, other = stage.actor(), stage.actor()
    stage.expect(one.append(100))
    stage.expect(other.append(300))
    one.publish(100)
    other.publish(60, 500, 100)
    stage.expect(one.finish())
    stage.expect(other.is_served())
    other.publish(700)
    one.at("lock", lambda: other_one.publish(100, 60))
    other_one = stage.actor()
    one.publish(100)
    one.at("range", lambda: stage.expect(other_one.is_served()))
    stage.expect(one.finish())
    stage.expect(other.is_served())


def _after_word1(stage: Stage) -> None:
    one, other, third = stage.actor(), stage.actor(), stage.actor()
    for each in (one, other, third):
        stage.expect(each.append(100))
    one.at("word1", lambda: other.publish(500, 60))
    one.at("synced", lambda: third.publish(300))
    stage.expect(one.append(100))
    stage.expect(not other.is_served())
    stage.expect(third.finish())
    stage.expect(one.append(60))


def _over_a_roll(stage: Stage) -> None:
    one, other = stage.actor(), stage.actor()
    stage.expect(one.append(100))
    stage.expect(other.append(100))
    one.publish(700)
    stage.now += HOUR
    other.publish(300)
    stage.expect(other.finish())
    stage.expect(other.append(2000))
    stage.expect(not one.is_served())
    other.publish(100)
    stage.expect(one.append(60))
    stage.expect(other.finish())


def _opened_later(stage: Stage) -> None:
    one = stage.actor()
    stage.expect(one.append(100))
    one.publish(500, 300)
    later = stage.actor()
    stage.expect(later.append(100))
    stage.expect(not one.is_served())
    later.publish(60)
    stage.expect(one.append(100))
    stage.expect(later.is_served())


def _told_to_another(stage: Stage) -> None:
    """The disk fails; who opens the cycle after the first was told hears nothing of it."""
    one, other = stage.actor(), stage.actor()
    stage.expect(one.append(100))
    stage.expect(other.append(100))
    other.publish(9000)
    one.publish(100)
    stage.fail()

    def opens() -> None:
        later = stage.actor()
        stage.expect(later.append(100))
        other_was_told.append(not other.finish())

    other_was_told: list[bool] = []
    one.at("told", opens)
    stage.expect(not one.finish())
    stage.expect(other_was_told == [True])
    stage.expect(other.append(60))
    stage.expect(one.append(100, 100))


#: What is done.
HISTORIES: dict[str, Callable[[Stage], None]] = {
    "group-before": _before_the_sync,
    "group-after": _after_word1,
    "group-roll": _over_a_roll,
    "group-later": _opened_later,
    "group-told": _told_to_another,
}


# --- any two of the clients ---


def _appends(stage: Stage, client: Client, *, later: int = 0) -> None:
    stage.now += later
    stage.expect(client.append())


def _while_one_waits(stage: Stage, one: Client, other: Client) -> None:
    for each in (one, other):
        stage.expect(each.append())
    for first, second in ((one, other), (other, one)):
        before = stage.syncs()
        first.at("try", partial(_appends, stage, second))
        stage.expect(first.append())
        stage.expect(stage.syncs() == before + 1)


def _while_one_syncs(stage: Stage, one: Client, other: Client) -> None:
    for each in (one, other):
        stage.expect(each.append())
    for first, second in ((one, other), (other, one)):
        before = stage.syncs()
        first.at("synced", partial(_appends, stage, second))
        stage.expect(first.append())
        stage.expect(stage.syncs() == before + 2)


def _in_the_next_cycle(stage: Stage, one: Client, other: Client) -> None:
    for each in (one, other):
        stage.expect(each.append())
    for first, second in ((one, other), (other, one)):
        before = stage.syncs()
        first.at("try", partial(_appends, stage, second, later=HOUR))
        stage.expect(first.append())
        stage.expect(stage.syncs() == before + 2)
        stage.expect(first.append())


def _opened_meanwhile(stage: Stage, one: Client, other: Client) -> None:
    """What stood there before a file was opened, a sync of it does not answer for."""
    stage.expect(one.append())
    before = stage.syncs()
    one.at("try", partial(_appends, stage, other))
    stage.expect(one.append())
    stage.expect(stage.syncs() == before + 2)
    stage.expect(other.append())


#: What two writers do, of which each may be of any client.
PAIRED: dict[str, Callable[[Stage, Client, Client], None]] = {
    "pair-waits": _while_one_waits,
    "pair-syncs": _while_one_syncs,
    "pair-rolls": _in_the_next_cycle,
    "pair-opens": _opened_meanwhile,
}


# --- any of the clients, and the reference client, which can publish without a sync ---


def _covers_what_it_found(stage: Stage, one: Client) -> None:
    other = stage.actor()
    for each in (one, other):
        stage.expect(each.append())
    one.at("lock", lambda: other.publish(60, 500, 100))
    one.at("range", lambda: stage.expect(other.is_served()))
    stage.expect(one.append())
    stage.expect(other.append())


def _does_not_cover_what_came_later(stage: Stage, one: Client) -> None:
    other = stage.actor()
    for each in (one, other):
        stage.expect(each.append())
    one.at("synced", lambda: other.publish(300))
    stage.expect(one.append())
    stage.expect(not other.is_served())
    stage.expect(one.append())


def _rolled_meanwhile(stage: Stage, one: Client) -> None:
    other = stage.actor()
    for each in (one, other):
        stage.expect(each.append())
    one.at("try", partial(_appends, stage, other, later=HOUR))
    before = stage.syncs()
    stage.expect(one.append())
    stage.expect(stage.syncs() == before + 2)


def _hears_of_an_error(stage: Stage, one: Client) -> None:
    """Another is told before."""
    other = stage.actor()
    for each in (one, other):
        stage.expect(each.append())

    def fails() -> None:
        other.publish(9000)
        stage.fail()
        stage.expect(not other.finish())

    one.at("try", fails)
    stage.expect(not one.append())
    stage.expect(one.append())
    stage.expect(other.append(100, 100))


def _opens_after_an_error(stage: Stage, one: Client) -> None:
    """What others have appended before and were told of, it does not answer for."""
    other, third = stage.actor(), stage.actor()
    for each in (other, third):
        stage.expect(each.append())
    other.publish(9000)
    third.publish(100)
    stage.fail()

    def opens() -> None:
        stage.expect(one.append())
        stage.expect(not other.finish())

    third.at("told", opens)
    stage.expect(not third.finish())
    stage.expect(one.append())


#: What a writer of any client does beside one of the reference client's.
BESIDE: dict[str, Callable[[Stage, Client], None]] = {
    "beside-covers": _covers_what_it_found,
    "beside-later": _does_not_cover_what_came_later,
    "beside-rolls": _rolled_meanwhile,
}
#: The same where the disk fails; that can be told to writers in this process alone.
FAILING: dict[str, Callable[[Stage, Client], None]] = {
    "beside-told": _hears_of_an_error,
    "beside-opens": _opens_after_an_error,
}


def beside(name: str, parent: str, client: Callable[[Stage], Client], *, right: bool = True) -> Log:
    """Record what a writer does beside the reference client; see `history`."""
    stage = Stage(parent, right=right)
    stage.log.name = name
    with recorded(stage.recorder, stage.kernel):
        one = client(stage)
        (BESIDE | FAILING)[name](stage, one)
        one.close()
        for actor in stage.actors:
            actor.close()
    stage.log.now = stage.now
    return stage.log


def wrong_range(parent: str, client: Callable[[Stage], Client]) -> None:
    """Let a range cover what nobody has appended yet, as after a restore; nobody believes it."""
    stage = Stage(parent, right=True)
    with recorded(stage.recorder, stage.kernel):
        one = client(stage)
        stage.expect(one.append())
        stage.claim_all_to_be_synced()
        for _ in range(2):
            before = stage.syncs()
            stage.expect(one.append())
            stage.expect(stage.syncs() == before + 1)
        one.close()


def paired(
    name: str, parent: str, one: Callable[[Stage], Client], other: Callable[[Stage], Client]
) -> Log:
    """Record what two writers do; an empty directory is given for it."""
    stage = Stage(parent, right=True)
    stage.log.name = name
    with recorded(stage.recorder, stage.kernel):
        pair = one(stage), other(stage)
        PAIRED[name](stage, *pair)
        for each in pair:
            each.close()
    stage.log.now = stage.now
    return stage.log


def history(name: str, parent: str, *, right: bool = True) -> Log:
    """Record one of the histories.

    Args:
        name: of the history.
        parent: an empty directory.
        right: whether the writers are: else what they do may be other than expected.
    """
    stage = Stage(parent, right=right)
    stage.log.name = name
    with recorded(stage.recorder, stage.kernel):
        HISTORIES[name](stage)
        for actor in stage.actors:
            actor.close()
    stage.log.now = stage.now
    return stage.log
