"""An outbox is its settings: whatever copies it gets another one on the same directory."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from support import event, new_writer, numbers, records, run_python
from test_lock import _is_free

from outbox_client import EventTooLarge, Outbox, OutboxFull, OutboxUnavailable
from outbox_client._outbox_directory import OutboxDirectory
from outbox_client.testing import temporary_outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def pickled(given: Any) -> Any:
    return pickle.loads(pickle.dumps(given))


def pickled_as_long_ago(given: Any) -> Any:
    return pickle.loads(pickle.dumps(given, 0))


def cloudpickled(given: Any) -> Any:
    if importlib.util.find_spec("cloudpickle") is None:
        pytest.skip("cloudpickle is not installed")
    cloudpickle = importlib.import_module("cloudpickle")
    return cloudpickle.loads(cloudpickle.dumps(given))


@pytest.fixture(
    params=[copy.copy, copy.deepcopy, pickled, pickled_as_long_ago, cloudpickled],
    ids=lambda way: way.__name__,
)
def duplicate(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    way: Callable[[Any], Any] = request.param
    return way


class Named(Outbox):
    """As a user extends it."""

    __slots__ = ("slotted",)

    def __init__(self, name: str, path: Path) -> None:
        super().__init__(path, lock_timeout=2)
        self.name = name
        self.slotted = [name]


class Picky(Outbox):
    """As a user who knows of pickling extends it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.cannot_be_pickled = lambda: None
        self.label = "kept"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(vars(self))
        del state["cannot_be_pickled"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, cannot_be_pickled=None)


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
def test_copies_append_and_leave_no_lock_behind(
    used: bool, duplicate: Callable[[Any], Any], outbox_path: Path
) -> None:
    outbox = Outbox(outbox_path, lock_timeout=2)
    if used:
        outbox.append("", topic="t")
    twin = duplicate(outbox)
    assert twin is not outbox
    for _ in range(3):
        for each in (twin, outbox):
            each.append("", topic="t")
            assert _is_free(outbox_path)
    assert [record.sequence for record in records(outbox_path)] == list(range(1, 7 + used))
    twin.close()
    outbox.append("", topic="t")
    duplicate(twin).append("", topic="t")


def test_a_copy_has_the_settings_of_its_origin_whatever_the_environment_says_by_then(
    duplicate: Callable[[Any], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    path = tmp_path / "open" / "outbox"
    monkeypatch.setenv("OUTBOX_DIR", str(path))
    monkeypatch.setenv("OUTBOX_DURABILITY", "power")
    monkeypatch.setenv("OUTBOX_MAX_BYTES", "3000")
    monkeypatch.setenv("OUTBOX_TRUST_PARENT", "1")
    outbox = Outbox(lock_timeout=0.25)
    monkeypatch.setenv("OUTBOX_DIR", str(tmp_path / "another"))
    monkeypatch.setenv("OUTBOX_DURABILITY", "process")
    monkeypatch.setenv("OUTBOX_MAX_BYTES", "1")
    monkeypatch.delenv("OUTBOX_TRUST_PARENT")
    twin = duplicate(duplicate(outbox))
    assert twin.path == str(path)
    assert twin.append("", topic="t").durability == "power"
    assert twin._writer._options.lock_timeout == 0.25
    with pytest.raises(OutboxFull, match="3000"):
        twin.append(bytes(4000), topic="t")
    with pytest.raises(OutboxUnavailable):
        Outbox(path).append("", topic="t")


def test_the_copy_of_a_subclass_has_what_that_adds(
    duplicate: Callable[[Any], Any], outbox_path: Path
) -> None:
    twin = duplicate(Named("orders", outbox_path))
    assert type(twin) is Named
    assert twin.name == "orders"
    assert twin.append("", topic="t").sequence == 1
    assert _is_free(outbox_path)
    if hasattr(object, "__getstate__"):  # 3.11
        assert twin.slotted == ["orders"]


def test_the_copy_of_a_subclass_that_says_what_to_copy_has_that(
    duplicate: Callable[[Any], Any], outbox_path: Path
) -> None:
    twin = duplicate(Picky(outbox_path))
    assert twin.cannot_be_pickled is None
    assert twin.label == "kept"
    twin.append("", topic="t")
    assert _is_free(outbox_path)


def test_what_holds_an_outbox_can_be_copied(
    duplicate: Callable[[Any], Any], outbox_path: Path
) -> None:
    append = duplicate(Outbox(outbox_path).append)
    assert append("", topic="t").sequence == 1
    with temporary_outbox() as temporary:
        duplicate(temporary).outbox.append("", topic="t")
        assert len(temporary.events()) == 1


def test_a_copy_of_the_inside_is_no_second_holder(
    duplicate: Callable[[Any], Any], outbox_path: Path
) -> None:
    writer = new_writer(outbox_path, lock_timeout=2, max_bytes=1 << 20)
    writer.append(event(0))
    assert duplicate(writer._lock) is writer._lock
    twin = duplicate(writer)
    twin.append(event(1))
    assert _is_free(outbox_path)
    assert twin._options.max_bytes == 1 << 20
    writer.append(event(2))
    assert numbers(outbox_path) == [0, 1, 2]
    assert isinstance(duplicate(writer._directory), OutboxDirectory)


@pytest.mark.parametrize("name", ["state", "cycle"])
def test_what_is_mapped_cannot_be_pickled_or_copied_in_depth(name: str, outbox_path: Path) -> None:
    writer = new_writer(outbox_path)
    writer.append(event(0))
    mapped = getattr(writer._session, name)
    deep: list[Callable[[Any], Any]] = [pickled, copy.deepcopy]
    for way in deep:
        with pytest.raises(TypeError, match="cannot pickle"):
            way(mapped)
    for way in [*deep, copy.copy]:
        with pytest.raises(TypeError, match="cannot pickle"):
            way(writer._lock._file)


def test_errors_come_back_from_another_process_as_they_are(
    duplicate: Callable[[Any], Any], outbox_path: Path
) -> None:
    with pytest.raises(EventTooLarge) as problem:
        Outbox(outbox_path).append(bytes(2 << 20), topic="t")
    problem.value.maybe_appended = True
    problem.value._event_ids = (bytes(16), bytes(range(16)))
    twin = duplicate(problem.value)
    assert type(twin) is EventTooLarge
    assert str(twin) == str(problem.value)
    assert twin.maybe_appended
    assert twin.event_ids == problem.value.event_ids


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_whose_workers_are_given_an_outbox_appends_with_it(
    method: str, outbox_path: Path
) -> None:
    program = f"""
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from outbox_client import Outbox
from support import append_kept, keep

outbox = Outbox(sys.argv[1], lock_timeout=60)
outbox.append("first", topic="t")
context = multiprocessing.get_context({method!r})
with ProcessPoolExecutor(2, context, keep, (outbox,)) as pool:
    print(*sorted(pool.map(append_kept, range(8))))
outbox.append("last", topic="t")
"""
    assert run_python(program, str(outbox_path)).split() == [*"23456789"]
    assert len(records(outbox_path)) == 10
    assert _is_free(outbox_path)
