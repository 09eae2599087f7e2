"""Values of numpy and pydantic, of which the package imports neither."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pydantic
import pytest

from airflow_provider_outbox.events._json import to_json_value


class Customer(pydantic.BaseModel):
    name: str
    since: date
    password: pydantic.SecretStr = pydantic.SecretStr("x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(5), 5),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.float32(0.5), 0.5),
        (np.float64("inf"), {"$float": "Infinity"}),
        (np.str_("a"), "a"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([1.0, math.nan]), [1.0, {"$float": "NaN"}]),
        (np.array(5), 5),
        (np.datetime64("2025-01-31T12:00:00.123456789"), "2025-01-31T12:00:00.123456789"),
        (np.array(["2025-01-31"], dtype="datetime64[D]"), ["2025-01-31"]),
    ],
    ids=repr,
)
def test_numpy_becomes_plain(value: object, expected: object) -> None:
    found: Any = to_json_value(value)
    assert found == expected
    assert type(found) is type(expected)


def test_a_number_that_python_has_no_type_for_is_shown() -> None:
    assert to_json_value(np.longdouble(0.5))["$object"]["type"] == "numpy.longdouble"


def test_a_pydantic_model_keeps_its_secrets() -> None:
    found = to_json_value(Customer(name="Ada", since=date(2025, 1, 1)))
    assert (found["name"], found["since"]) == ("Ada", "2025-01-01")
    assert found["password"]["$object"]["repr"] == "SecretStr('**********')"
