"""Nothing that goes wrong inside comes out, except what a signal's handler raised."""

from __future__ import annotations

import logging
import signal
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
