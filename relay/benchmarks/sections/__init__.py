"""The sections of `make bench`: each is a function from an arena to its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sections import (
    append,
    cold,
    drain,
    fairness,
    growth,
    idle,
    latency,
    outage,
    parking,
    power,
    tick,
    topics,
    writeback,
    writers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from arena import Arena
    from figures import Row

# In the order in which they run.
SECTIONS: dict[str, Callable[[Arena], list[Row]]] = {
    "append": append.run,
    "cold": cold.run,
    "writers": writers.run,
    "power": power.run,
    "writeback": writeback.run,
    "tick": tick.run,
    "fairness": fairness.run,
    "outage": outage.run,
    "latency": latency.run,
    "idle": idle.run,
    "drain": drain.run,
    "parking": parking.run,
    "topics": topics.run,
    "growth": growth.run,
}
# Long, and only when asked for by name.
ON_DEMAND = frozenset({"growth"})
