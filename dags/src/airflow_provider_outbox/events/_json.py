"""From any Python value to JSON, without ever failing and losing as little as possible.

What JSON knows stays as it is. What one obvious text says (a date, a Decimal, a UUID) becomes that
text. The rest becomes an object with one name that begins with ``$``, so that nothing can be
mistaken for something else; the package's README has the table.
"""

from __future__ import annotations

import base64
import json
import math
from collections import deque
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow_provider_outbox.events._boundary import raised_by_signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BYTES = "$bytes"
CUT = "$cut"
FLOAT = "$float"
INT = "$int"
OBJECT = "$object"
PAIRS = "$pairs"
SET = "$set"
WITHHELD = "$withheld"
TAGS = frozenset({BYTES, CUT, FLOAT, INT, OBJECT, PAIRS, SET, WITHHELD})

MAX_DEPTH = 64
MAX_REPR = 1_000
# Python refuses to write longer ones in decimal (sys.set_int_max_str_digits).
_MAX_INT_BITS = 14_000

_ABSENT = object()


@dataclass
class _Job:
    """How a value is encoded, and how much of it.

    Attributes:
        encoded: it has been here before, so what looks like a tag is one.
        left: characters that its JSON may still have; below 0 nothing more is looked at. What is
            counted is never more than there will be.
    """

    encoded: bool = False
    left: float = math.inf

    def text(self, text: str) -> str:
        """A text, as much of it as is allowed."""
        self.left -= len(text) + 1
        return text if self.left >= 0 else text[: max(0, int(self.left + len(text)))]

    def items(self, values: Iterable[Any]) -> Iterator[Any]:
        """Each value while more is allowed."""
        for value in values:
            self.left -= 1
            if self.left < 0:
                return
            yield value


def to_json_value(value: object, *, encoded: bool = False) -> Any:
    """*value* with JSON's own types only. Raises nothing but what a signal handler raises.

    Args:
        value: anything.
        encoded: it has been here before, so what looks like a tag is one.
    """
    return _encode(value, (), _Job(encoded))


def to_json_object(
    values: Mapping[str, object], limit: float = math.inf
) -> tuple[dict[str, Any], bool]:
    """*values*, each as `to_json_value` makes it, and whether their JSON is longer than *limit*.

    If it is, only its beginning is there: somebody's task waits, and the value may be a table of
    gigabytes, a ``range`` without an end, or lists that contain one another ever so often. That it
    is not longer does not mean that it is short enough.
    """
    job = _Job(left=limit)
    found = {job.text(name): _encode(value, (), job) for name, value in job.items(values.items())}
    return found, job.left < 0


def to_text(value: object) -> str:
    """Compact JSON of what `to_json_value` returned; unpaired surrogates become ``?``."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def withheld(reason: str) -> dict[str, Any]:
    """What stands in place of a value that must not be shown."""
    return {WITHHELD: reason}


def _encode(value: object, above: tuple[int, ...], job: _Job) -> Any:
    kind = type(value)
    job.left -= 1
    if value is None or kind is bool:
        return value
    if kind is str:
        return job.text(value)  # type: ignore[arg-type]
    if kind is int:
        return _integer(value)  # type: ignore[arg-type]
    if kind is float:
        return _number(value)  # type: ignore[arg-type]
    if id(value) in above:
        return _left_out("cycle", job)
    if len(above) >= MAX_DEPTH:
        return _left_out("depth", job)
    try:
        return _encode_other(value, (*above, id(value)), job)
    except Exception as problem:
        if raised_by_signal(problem):
            raise
        return _object(value)


def _encode_other(value: Any, above: tuple[int, ...], job: _Job) -> Any:
    text = _text(value)
    if text is not None:
        return job.text(text)
    if isinstance(value, Enum):
        return _encode(value.value, above, job)
    if isinstance(value, bool | int):
        return _integer(int(value))
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return {BYTES: _base64(value, job)}
    parts = _named_parts(value)
    if parts is not None:
        return _mapping(parts, above, job)
    if isinstance(value, list | tuple | deque | range):
        return [_encode(item, above, job) for item in job.items(value)]
    if isinstance(value, AbstractSet):
        return {SET: _ordered(_encode(item, above, job) for item in job.items(value))}
    numbers = _numpy(value, job)
    return _object(value) if numbers is _ABSENT else _encode(numbers, above, job)


def _text(value: Any) -> str | None:
    """The one obvious text of a value; None if it has none."""
    if isinstance(value, Enum):
        return None
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, Decimal | Fraction | UUID | PurePath):
        return str(value)
    return None


def _named_parts(value: Any) -> Mapping[Any, Any] | None:
    """The contents of a mapping or of an object that is made of named fields."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, type):
        return None
    if is_dataclass(value):
        return {part.name: getattr(value, part.name) for part in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    kind = type(value)
    if hasattr(kind, "model_fields") and hasattr(kind, "model_dump"):  # pydantic 2
        return dict(value.model_dump())
    if hasattr(kind, "__fields__") and hasattr(kind, "dict"):  # pydantic 1
        return dict(value.dict())
    if hasattr(kind, "__attrs_attrs__"):
        return {part.name: getattr(value, part.name) for part in kind.__attrs_attrs__}
    return None


def _left_out(reason: str, job: _Job) -> dict[str, Any]:
    job.left -= len(reason)
    return {CUT: reason}


def _base64(value: bytes | bytearray | memoryview, job: _Job) -> str:
    if isinstance(value, memoryview):
        job.left -= value.nbytes
        return "" if job.left < 0 else base64.b64encode(value).decode("ascii")
    job.left -= len(value)
    return base64.b64encode(value if job.left >= 0 else value[:MAX_REPR]).decode("ascii")


def _mapping(value: Mapping[Any, Any], above: tuple[int, ...], job: _Job) -> dict[str, Any]:
    # Each takes one character at least.
    items = list(value.items() if job.left == math.inf else islice(value.items(), _most(job)))
    names = [_name(key) for key, _ in items]
    looks_tagged = not job.encoded and len(names) == 1 and names[0] in TAGS
    if looks_tagged or None in names or len(set(names)) != len(names):
        return {PAIRS: [[_encode(part, above, job) for part in pair] for pair in job.items(items)]}
    return {
        job.text(name): _encode(item, above, job)
        for name, (_, item) in job.items(zip(names, items, strict=True))
        if name is not None
    }


def _most(job: _Job) -> int:
    """More items than are allowed, so that one too many is noticed."""
    return max(0, int(job.left)) + 2


def _name(key: object) -> str | None:
    """A key as the name in a JSON object; None if it has no obvious text."""
    if type(key) is str:
        return key
    if key is None:
        return "null"
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, Enum):
        return _name(key.value)
    if isinstance(key, int):
        return str(int(key))
    return _text(key)


def _integer(value: int) -> Any:
    return value if value.bit_length() <= _MAX_INT_BITS else {INT: hex(value)}


def _number(value: float) -> Any:
    if math.isfinite(value):
        return value
    name = "NaN" if math.isnan(value) else "Infinity"
    return {FLOAT: "-" + name if value < 0 else name}


def _duration(value: timedelta) -> str:
    """ISO 8601, like ``P1DT0.5S``; a negative one begins with a minus."""
    sign, value = ("-", -value) if value.days < 0 else ("", value)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    return f"{sign}P{value.days}DT{value.seconds}{fraction}S"


def _ordered(items: Iterable[Any]) -> list[Any]:
    # By their JSON, so that equal sets have equal texts.
    return sorted(items, key=to_text)


def _numpy(value: Any, job: _Job) -> object:
    """Plain Python numbers of numpy's arrays and scalars, without an import of numpy."""
    if type(value).__module__.partition(".")[0] != "numpy":
        return _ABSENT
    if getattr(value, "size", 1) > job.left:
        value = value.flat[: _most(job)]
    if str(getattr(value, "dtype", "")).startswith(("datetime64", "timedelta64")):
        # tolist() would cut nanoseconds off or give bare integers.
        value = value.astype(str)
    plain = value.tolist()
    return _ABSENT if type(plain) is type(value) else plain


def _object(value: object) -> dict[str, Any]:
    kind = type(value)
    try:
        text = repr(value)
    except Exception as problem:
        if raised_by_signal(problem):
            raise
        text = f"<no repr: {type(problem).__name__}>"
    if len(text) > MAX_REPR:
        text = text[:MAX_REPR] + "..."
    return {OBJECT: {"type": f"{kind.__module__}.{kind.__qualname__}", "repr": text}}
