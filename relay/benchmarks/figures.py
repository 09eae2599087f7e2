"""What is printed: quantiles of one round, ratios of paired rounds, rows beside their targets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Round:
    """The operations of one contestant in one round.

    Args:
        p50: nanoseconds; so is the rest.
        p99: exceeded by one operation in a hundred.
        mean: operations only, without what is between them.
        operations: how many.
        p999: exceeded by one in a thousand.
        longest: the longest of all.
        longest_at: when it began, since the epoch.
        pauses: how often its thread slept in it; -1 where that is not known.
        longest_by: the writer that waited so long, where there are several in a process.
    """

    p50: float
    p99: float
    mean: float
    operations: int
    p999: float = 0.0
    longest: float = 0.0
    longest_at: float = 0.0
    pauses: int = -1
    longest_by: str = ""


@dataclass(frozen=True)
class Ratio:
    """One figure over another, taken round by round: a host that slows down slows both.

    Args:
        typical: the median over the rounds.
        low: the smallest.
        high: the largest.
    """

    typical: float
    low: float
    high: float

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        return cls(median(ratios), min(ratios), max(ratios))

    def __str__(self) -> str:
        return f"{_three(self.typical)}x ({_three(self.low)} to {_three(self.high)})"


@dataclass(frozen=True)
class Target:
    """A bound that is wished for; printed, never asserted."""

    bound: float
    at_most: bool
    unit: str = "x"

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {_three(self.bound)}{self.unit}"

    def met_by(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound


def at_most(bound: float, unit: str = "x") -> Target:
    return Target(bound, at_most=True, unit=unit)


def at_least(bound: float, unit: str = "x") -> Target:
    return Target(bound, at_most=False, unit=unit)


@dataclass(frozen=True)
class Row:
    """One comparison.

    Args:
        what: is measured.
        ours: the figure with its unit.
        beside: what it is compared with.
        theirs: that figure.
        result: the ratio, or the bare value where the target bounds the value itself.
        target: None where there is none.
    """

    what: str
    ours: str
    beside: str = ""
    theirs: str = ""
    result: Ratio | float | None = None
    target: Target | None = None

    @property
    def verdict(self) -> str:
        if self.target is None or self.result is None:
            return ""
        value = self.result.typical if isinstance(self.result, Ratio) else self.result
        return "met" if self.target.met_by(value) else "MISSED"

    def cells(self) -> tuple[str, ...]:
        shown = str(self.result) if isinstance(self.result, Ratio) else ""
        target = "" if self.target is None else str(self.target)
        return (self.what, self.ours, self.beside, self.theirs, shown, target, self.verdict)


@dataclass
class Report:
    """The rows of all sections, and which broke."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def table(self) -> str:
        heads = ("", "ours", "beside", "theirs", "median of paired ratios (range)", "target", "")
        lines: list[tuple[tuple[str, ...], str]] = [(heads, "")]
        for section, rows in self.rows.items():
            lines += [(row.cells(), section) for row in rows]
        widths = [max(len(cells[column]) for cells, _ in lines) for column in range(len(heads))]
        printed: list[str] = []
        last = ""
        for cells, section in lines:
            if section != last:
                printed.append(f"-- {section}")
                last = section
            padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            printed.append("  ".join(padded).rstrip())
        printed += [f"-- {section}: FAILED, see above" for section in self.failed]
        return "\n".join(printed)

    def as_json(self) -> dict[str, object]:
        rows = {
            section: [{**asdict(row), "verdict": row.verdict} for row in rows]
            for section, rows in self.rows.items()
        }
        return {"rows": rows, "failed": self.failed}


def p50(rounds: Sequence[Round]) -> list[float]:
    return [one.p50 for one in rounds]


def p99(rounds: Sequence[Round]) -> list[float]:
    return [one.p99 for one in rounds]


def p999(rounds: Sequence[Round]) -> list[float]:
    return [one.p999 for one in rounds]


def duration(nanoseconds: float) -> str:
    """With a unit that fits: 12.3 us, 4.56 ms, 7.89 s."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{_three(nanoseconds / size)} {unit}"
    return f"{nanoseconds:.0f} ns"


def pair(rounds: Sequence[Round]) -> str:
    """The medians over the rounds of both quantiles."""
    return f"{duration(median(p50(rounds)))} / {duration(median(p99(rounds)))}"


def rate(per_second: float) -> str:
    if per_second >= 10_000:
        return f"{per_second / 1000:.1f}k/s"
    return f"{_three(per_second)}/s"


def _three(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.{1 if value >= 10 else 2}f}"
