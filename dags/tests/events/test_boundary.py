"""Nothing that goes wrong inside comes out, except what a signal's handler raised."""

from __future__ import annotations

import ctypes
import decimal  # noqa: F401 - as the following, for what is evaluated
import functools
import json  # noqa: F401
import logging
import queue  # noqa: F401
import signal
import sys  # noqa: F401
import threading
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_outbox.events._boundary import Boundary
from airflow_provider_outbox.events._json import to_json_value

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "airflow_provider_outbox"


class StrangeError(BaseException):
    """As some libraries have them."""


@pytest.mark.parametrize(
    "problem", [ValueError("v"), SystemExit(3), StrangeError("s"), MemoryError(), RecursionError()]
)
def test_an_error_of_any_kind_is_logged_once_and_swallowed(
    problem: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    with Boundary("do it"):
        raise problem
    (record,) = caplog.records
    assert record.getMessage() == f"cannot do it: {type(problem).__name__}: {problem}"


class TaskTimeoutError(BaseException):
    """As Airflow's."""


class Alarm:
    """A bound method as the handler, as in Airflow."""

    def __init__(self, problem: BaseException) -> None:
        self.problem = problem

    def handle(self, number: int, frame: object) -> None:
        raise self.problem


@pytest.fixture
def restored() -> Iterator[None]:
    before = signal.getsignal(signal.SIGUSR1)
    yield
    signal.signal(signal.SIGUSR1, before)


SIGNALLED = [TaskTimeoutError(), SystemExit(0), TimeoutError("alarm"), ValueError("a handler's")]


@pytest.mark.parametrize("problem", SIGNALLED)
@pytest.mark.usefixtures("restored")
def test_what_a_signal_handler_raises_still_strikes(problem: BaseException) -> None:
    signal.signal(signal.SIGUSR1, Alarm(problem).handle)
    with pytest.raises(type(problem)), Boundary("do it"):
        signal.raise_signal(signal.SIGUSR1)


@pytest.mark.parametrize("problem", SIGNALLED)
@pytest.mark.usefixtures("restored")
def test_it_also_strikes_inside_a_value_of_the_users(problem: BaseException) -> None:
    class Slow:
        def __repr__(self) -> str:
            signal.raise_signal(signal.SIGUSR1)
            return "never"

    signal.signal(signal.SIGUSR1, Alarm(problem).handle)
    with pytest.raises(type(problem)):
        to_json_value(Slow())


def raising(problem: BaseException) -> Any:
    def handle(number: int, frame: object) -> None:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)  # as one does that strikes once
        raise problem

    return handle


class Callable:
    def __init__(self, problem: BaseException) -> None:
        self.problem = problem

    def __call__(self, *arguments: object) -> None:
        self._strike()

    def _strike(self) -> None:
        raise self.problem


@pytest.mark.parametrize(
    "handler",
    [
        raising(ValueError("v")),
        Callable(ValueError("v")),
        functools.partial(Callable.__call__, Callable(ValueError("v"))),
        functools.partial(
            lambda text, number, frame: raising(ValueError(text))(number, frame), "v"
        ),
    ],
    ids=["resets itself", "an object", "a partial of a method", "a partial of a function"],
)
@pytest.mark.usefixtures("restored")
def test_whatever_shape_the_handler_has(handler: Any) -> None:
    signal.signal(signal.SIGUSR1, handler)
    with pytest.raises(ValueError, match="v"), Boundary("do it"):
        signal.raise_signal(signal.SIGUSR1)


class TimeLimitError(Exception):
    """As stopit's."""


@pytest.mark.parametrize("kind", [TimeLimitError, TimeoutError, SystemExit, GeneratorExit])
def test_what_another_thread_sets_strikes(kind: type[BaseException]) -> None:
    class Busy:
        def __repr__(self) -> str:
            me = ctypes.c_ulong(threading.get_ident())
            ctypes.pythonapi.PyThreadState_SetAsyncExc(me, ctypes.py_object(kind))
            return "".join(str(number) for number in range(1_000))

    with pytest.raises(kind), Boundary("do it"):
        to_json_value(Busy())


@pytest.mark.parametrize(
    "expression",
    [
        "next(iter([]))",
        "queue.SimpleQueue().get_nowait()",
        "{}[1]",
        "json.loads('{')",
        "sys.exit(3)",
        "[].pop()",
        "decimal.Decimal(1) / 0",
        "exec('raise TimeLimitError')",
        "exec('raise SystemExit')",
        "exec('assert 0')",
        "dict(switch=1).x",
    ],
)
def test_an_error_of_a_value_is_its_own(expression: str) -> None:
    class Broken:
        def __repr__(self) -> str:
            return str(eval(expression))

    with Boundary("do it"):
        to_json_value([Broken()])


def test_ctrl_c_comes_through() -> None:
    with pytest.raises(KeyboardInterrupt), Boundary("do it"):
        signal.raise_signal(signal.SIGINT)


def test_a_log_handler_that_raises_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError("no space left")

    handler = Broken()
    logger: Any = logging.getLogger(NAME)
    logger.addHandler(handler)
    try:
        with Boundary("do it"):
            raise ValueError("v")
    finally:
        logger.removeHandler(handler)
