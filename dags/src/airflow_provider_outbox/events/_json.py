"""From any Python value to JSON, without ever failing and losing as little as possible.

What JSON knows stays as it is. What one obvious text says (a date, a Decimal, a UUID) becomes that
text. The rest becomes an object with one name that begins with ``$``, so that nothing can be
mistaken for something else; the package's README has the table.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence
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

from airflow_provider_outbox.events._boundary import from_outside
from airflow_provider_outbox.events._hosts import is_node, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_outbox.events._masking import Mask

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
HIDDEN = "***"
# A secret that a cut goes through must be found first.
_LONGEST_SECRET = 64 << 10
_LONGEST_JSON = 1 << 20
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
# Python refuses to write longer ones in decimal (sys.set_int_max_str_digits).
_MAX_INT_BITS = 14_000

_ABSENT = object()


@dataclass
class _Job:
    """How a value is encoded, and how much of it.

    Attributes:
        encoded: it has been here before, so what looks like a tag is one.
        mask: knows secrets; they are hidden before a value gets its form, as names and pieces are
            still told apart then. None: there are none.
        left: characters that its JSON may still have; below 0 nothing more is looked at. What is
            counted is never more than there will be.
    """

    encoded: bool = False
    left: float = math.inf
    mask: Mask | None = None

    def text(self, text: str) -> str:
        """A text that may be shown, as much of it as is allowed."""
        self.left -= len(text) + 1
        return text if self.left >= 0 else text[: max(0, int(self.left + len(text)))]

    def masked(self, text: str, most: float = math.inf) -> str:
        """A text without secrets, of which *most* characters are wanted."""
        most = min(most, max(self.left, 0))
        if len(text) > most + _LONGEST_SECRET:
            text = text[: int(most) + _LONGEST_SECRET]
        if self.mask is None:
            return text
        masked = self.mask.text(text)
        if "\\" not in masked:
            return masked
        # As a repr or a piece of JSON has a secret.
        plain = _ESCAPED.sub(_unescaped, masked)
        shown = self.mask.text(plain)
        return masked if shown == plain else shown

    def hides(self, key: object) -> bool:
        """Whether what stands under this key is secret: the key is, or a part of it."""
        if self.mask is None:
            return False
        if isinstance(key, Enum):
            return self.hides(key.value)
        if isinstance(key, bytes | bytearray):
            return self.mask.hides(key.decode("latin-1"))
        if isinstance(key, str):
            return self.mask.hides(key)
        return isinstance(key, tuple) and any(map(self.hides, key))

    def items(self, values: Iterable[Any]) -> Iterator[Any]:
        """Each value while more is allowed."""
        for value in values:
            self.left -= 1
            if self.left < 0:
                return
            yield value


def to_json_value(value: object, *, encoded: bool = False, mask: Mask | None = None) -> Any:
    """*value* with JSON's own types only. Raises nothing but what came from outside.

    Args:
        value: anything.
        encoded: it has been here before, so what looks like a tag is one.
        mask: hides secrets.
    """
    return _encode(value, (), _Job(encoded, mask=mask))


def to_json_object(
    values: Mapping[str, object], limit: float = math.inf, mask: Mask | None = None
) -> tuple[dict[str, Any], bool]:
    """*values*, each as `to_json_value` makes it, and whether their JSON is longer than *limit*.

    If it is, only its beginning is there: somebody's task waits, and the value may be a table of
    gigabytes, a ``range`` without an end, or lists that contain one another ever so often. That it
    is not longer does not mean that it is short enough.
    """
    job = _Job(left=limit, mask=mask)
    names = {name: job.masked(name) for name in values}
    if len(set(names.values())) != len(names):
        return {PAIRS: _pairs(values.items(), (), job)}, job.left < 0
    found = {
        job.text(names[name]): _encode(value, (), job, job.hides(name))
        for name, value in job.items(values.items())
    }
    return found, job.left < 0


def to_text(value: object) -> str:
    """Compact JSON of what `to_json_value` returned; unpaired surrogates become ``?``."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def withheld(reason: str) -> dict[str, Any]:
    """What stands in place of a value that must not be shown."""
    return {WITHHELD: reason}


@dataclass(frozen=True)
class Shortened:
    """The text of a value, of which only the beginning is wanted: secrets are hidden before."""

    value: object
    most: int


def _encode(value: object, above: tuple[int, ...], job: _Job, hidden: bool = False) -> Any:
    kind = type(value)
    job.left -= 1
    if value is None or kind is bool:
        return value
    if kind is str:
        return _shown(value, job, hidden)  # type: ignore[arg-type]
    if kind is int:
        return _integer(value)  # type: ignore[arg-type]
    if kind is float:
        return _number(value)  # type: ignore[arg-type]
    if id(value) in above:
        return _left_out("cycle", job)
    if len(above) >= MAX_DEPTH:
        return _left_out("depth", job)
    try:
        return _encode_other(value, (*above, id(value)), job, hidden)
    except Exception as problem:
        if from_outside(problem):
            raise
        return _object(value, job, hidden)


def _encode_other(value: Any, above: tuple[int, ...], job: _Job, hidden: bool) -> Any:
    text = _text(value)
    if text is not None:
        return _shown(text, job, hidden)
    if isinstance(value, Shortened):
        text = HIDDEN if hidden else job.masked(str(value.value), value.most)
        return job.text(text[: value.most])
    if isinstance(value, Enum):
        return _encode(value.value, above, job, hidden)
    if isinstance(value, bool | int):
        return _integer(int(value))
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(value, job, hidden)
    if is_node(value):
        return _object(value, job, hidden)
    inner = unwrapped(value)
    if inner is not value:
        return _encode(inner, above, job, hidden)
    if isinstance(value, Mapping):
        return _mapping(value, above, job, hidden)
    is_named_tuple = isinstance(value, tuple) and hasattr(value, "_fields")
    if isinstance(value, Sequence) and not is_named_tuple:
        return _list(value, above, job, hidden)
    if isinstance(value, AbstractSet):
        return {SET: _ordered(_encode(item, above, job, hidden) for item in job.items(value))}
    parts = _named_parts(value)
    if parts is not None:
        return _mapping(parts, above, job, hidden)
    numbers = _numpy(value, job)
    if numbers is _ABSENT:
        return _object(value, job, hidden)
    return _encode(numbers, above, job, hidden)


def _unescaped(found: re.Match[str]) -> str:
    escape = found[1]
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    return _ESCAPES.get(escape, escape)


def _shown(text: str, job: _Job, hidden: bool) -> str:
    if hidden:
        return job.text(HIDDEN if text else text)
    return job.text(_without_secrets(text, job))


def _without_secrets(text: str, job: _Job) -> str:
    """A text, which may itself be JSON: then the names in it say what is secret, too."""
    if job.mask is None or len(text) > _LONGEST_JSON or text.lstrip()[:1] not in ("{", "["):
        return job.masked(text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return job.masked(text)
    shown = _encode(value, (), _Job(encoded=True, mask=job.mask))
    is_the_same = shown == _encode(value, (), _Job(encoded=True))
    return job.masked(text) if is_the_same else to_text(shown)


def _bytes(value: bytes | bytearray | memoryview, job: _Job, hidden: bool) -> Any:
    if hidden:
        return job.text(HIDDEN)
    if job.mask is not None:
        size = value.nbytes if isinstance(value, memoryview) else len(value)
        if size > max(job.left, 0) + _LONGEST_SECRET:
            value = bytes(value[: int(max(job.left, 0)) + _LONGEST_SECRET])
            job.left -= size
        text = bytes(value).decode("utf-8", "surrogateescape")
        shown = _without_secrets(text, job)
        if shown != text:
            value = shown.encode("utf-8", "surrogateescape")
    return {BYTES: _base64(value, job)}


def _list(value: Sequence[Any], above: tuple[int, ...], job: _Job, hidden: bool) -> list[Any]:
    if type(value) in (list, tuple) and len(value) == 2 and _is_secrets_name(value[0], job):
        # As HTTP headers are.
        return [_encode(value[0], above, job), _encode(value[1], above, job, hidden=True)]
    return [_encode(item, above, job, hidden) for item in job.items(value)]


def _is_secrets_name(value: object, job: _Job) -> bool:
    return isinstance(value, str | bytes) and job.hides(value)


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
    """The contents of an object that is made of named fields; None if it is not."""
    if isinstance(value, type):
        return None
    if is_dataclass(value):
        return _public(value, (part.name for part in fields(value)))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    kind = type(value)
    if hasattr(kind, "model_fields") and hasattr(kind, "model_dump"):  # pydantic 2
        return _dumped(value)
    if hasattr(kind, "__fields__") and hasattr(kind, "dict"):  # pydantic 1
        return dict(value.dict())
    if hasattr(kind, "__attrs_attrs__"):
        return _public(value, (part.name for part in kind.__attrs_attrs__))
    return None


def _dumped(model: Any) -> dict[str, Any]:
    try:
        return dict(model.model_dump())
    except Exception as problem:
        if from_outside(problem):
            raise
        # Neither its class nor it is complete, as Airflow's task instances in a task's process.
        known = type(model).model_fields.items()
        return _public(model, (n for n, it in known if n in vars(model) and not it.exclude))


def _public(value: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names if not name.startswith("_")}


def _left_out(reason: str, job: _Job) -> dict[str, Any]:
    job.left -= len(reason)
    return {CUT: reason}


def _base64(value: bytes | bytearray | memoryview, job: _Job) -> str:
    if isinstance(value, memoryview):
        job.left -= value.nbytes
        return "" if job.left < 0 else base64.b64encode(value).decode("ascii")
    job.left -= len(value)
    return base64.b64encode(value if job.left >= 0 else value[:MAX_REPR]).decode("ascii")


def _mapping(
    value: Mapping[Any, Any], above: tuple[int, ...], job: _Job, hidden: bool
) -> dict[str, Any]:
    # Each takes one character at least.
    items = list(value.items() if job.left == math.inf else islice(value.items(), _most(job)))
    names = [_name(key) for key, _ in items]
    looks_tagged = not job.encoded and len(names) == 1 and names[0] in TAGS
    shown = [name if name is None else job.masked(name) for name in names]
    if looks_tagged or None in shown or len(set(shown)) != len(shown):
        return {PAIRS: _pairs(items, above, job, hidden)}
    # As Kubernetes has environment variables.
    named = job.mask is not None and "value" in value and job.hides(value.get("name"))
    return {
        job.text(name): _encode(
            item, above, job, hidden or job.hides(key) or (named and key == "value")
        )
        for name, (key, item) in job.items(zip(shown, items, strict=True))
        if name is not None
    }


def _pairs(
    items: Iterable[tuple[Any, Any]], above: tuple[int, ...], job: _Job, hidden: bool = False
) -> list[list[Any]]:
    return [
        [_encode(key, above, job), _encode(item, above, job, hidden or job.hides(key))]
        for key, item in job.items(items)
    ]


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


def _object(value: object, job: _Job, hidden: bool = False) -> dict[str, Any]:
    kind = type(value)
    try:
        text = repr(value)
    except Exception as problem:
        if from_outside(problem):
            raise
        text = f"<no repr: {type(problem).__name__}>"
    text = HIDDEN if hidden else job.masked(text, MAX_REPR)
    if len(text) > MAX_REPR:
        text = text[:MAX_REPR] + "..."
    return {OBJECT: {"type": f"{kind.__module__}.{kind.__qualname__}", "repr": text}}
