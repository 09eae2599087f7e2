"""Airflow's own types as values, told by name: nothing here imports Airflow."""

from __future__ import annotations

import sys
from typing import Any

# DAGs and what they are made of: with them would go all arguments of a task.
_NODES = frozenset({"DAG", "DAGNode", "XComArg"})


def is_node(value: object) -> bool:
    """Whether this is a DAG, an operator, a group of tasks, or a reference to a task's output."""
    return any(kind.__name__ in _NODES and _is_airflows(kind) for kind in type(value).__mro__)


def unwrapped(value: Any) -> object:
    """What an object stands for: a parameter's value, a proxy's object; else *value* itself."""
    kind = type(value)
    proxies = sys.modules.get("lazy_object_proxy")
    if proxies is not None and issubclass(kind, proxies.Proxy):  # its __class__ is another's
        return value.__wrapped__
    if kind.__name__ == "V1EnvVar" and kind.__module__.partition(".")[0] == "kubernetes":
        return value.to_dict()
    if not _is_airflows(kind):
        return value
    if kind.__name__ == "ParamsDict":
        return value.dump()
    if kind.__name__ == "Param":
        return value.value
    return value


def _is_airflows(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "airflow"
