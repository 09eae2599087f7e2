"""What each example DAG publishes, by publisher and in order, and under which ids."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

NAMESPACE = uuid.UUID("6f1f3c1c-0d2b-5a44-9b1c-5b2f0c9a7d11")

EXPECTED: dict[str, dict[str, list[str]]] = {
    "example_kafka_integration": {
        "function": ["WORKFLOW_COMPLETED"],
        "listener": [
            "WORKFLOW_STARTED",
            "TASK_STARTED process_data",
            "TASK_COMPLETED process_data",
            "TASK_STARTED publish_completion_event",
            "TASK_COMPLETED publish_completion_event",
            "WORKFLOW_COMPLETED",
        ],
    },
    "example_outbox_decorator": {
        "function": ["CUSTOM"],
        "decorator": [
            "TASK_COMPLETED load[0]",
            "TASK_COMPLETED load[1]",
            "TASK_RETRYING count",
            "TASK_COMPLETED count #2",
        ],
        "listener": [
            "WORKFLOW_STARTED",
            "TASK_STARTED load[0]",
            "TASK_COMPLETED load[0]",
            "TASK_STARTED load[1]",
            "TASK_COMPLETED load[1]",
            "TASK_STARTED count",
            "TASK_RETRYING count",
            "TASK_STARTED count #2",
            "TASK_COMPLETED count #2",
            "TASK_STARTED publish_workflow_event",
            "TASK_COMPLETED publish_workflow_event",
            "WORKFLOW_COMPLETED",
        ],
    },
    "example_outbox_listener": {
        "listener": [
            "WORKFLOW_STARTED",
            "TASK_STARTED extract",
            "TASK_COMPLETED extract",
            "TASK_STARTED load",
            "TASK_COMPLETED load",
            "WORKFLOW_COMPLETED",
        ],
    },
    "example_outbox_notifier": {
        "notifier": ["TASK_COMPLETED work", "WORKFLOW_COMPLETED"],
        "listener": [
            "WORKFLOW_STARTED",
            "TASK_STARTED work",
            "TASK_COMPLETED work",
            "WORKFLOW_COMPLETED",
        ],
    },
}


def told(event: dict[str, Any]) -> str:
    """An event as it stands in the lists above."""
    metadata = event["metadata"]
    words = [event["event_type"]]
    if "task_id" in metadata:
        index = metadata["map_index"]
        words.append(metadata["task_id"] + (f"[{index}]" if index >= 0 else ""))
        if metadata["try_number"] != 1:
            words.append(f"#{metadata['try_number']}")
    elif metadata.get("clear_number"):
        words.append(f"(cleared {metadata['clear_number']})")
    if "set_by_hand" in metadata:
        words.append("(by hand)")
    if "deadline" in metadata:
        words.append("(deadline)")
    return " ".join(words)


def by_publisher(events: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What each publisher told, in order."""
    found: dict[str, list[str]] = {}
    for event in events:
        found.setdefault(event["metadata"]["publisher"], []).append(told(event))
    return found


def check_told(events: list[dict[str, Any]], expected: dict[str, list[str]]) -> None:
    """Assert that a run's events are exactly the expected ones, in the order of their times.

    Airflow runs the instances of a mapped task in any order, or side by side: each of them has its
    events in order. And it tells a task's end only after it has stored it, when the scheduler may
    already have told what follows from that: so they arrive in order for each task and for the run,
    not across them.
    """
    found = by_publisher(sorted(events, key=lambda event: str(event["timestamp"])))
    assert found.keys() == expected.keys()
    for publisher, words in expected.items():
        assert sorted(found[publisher], key=_mapped) == sorted(words, key=_mapped)
    arrived = by_publisher(events)
    for publisher, words in found.items():
        for thing in {_thing(word) for word in words}:
            assert [word for word in arrived[publisher] if _thing(word) == thing] == [
                word for word in words if _thing(word) == thing
            ]


def check_ids(events: list[dict[str, Any]], instance: str = "dev") -> None:
    """Assert that each fact has the id that the README's recipe gives it."""
    for event in events:
        if event["event_type"] == "CUSTOM":
            assert uuid.UUID(event["event_id"]).version == 4
            continue
        names = ("task_id", "map_index", "try_number", "clear_number", "set_by_hand", "deadline")
        facts = {name: event["metadata"][name] for name in names if name in event["metadata"]}
        parts = [instance, event["workflow_id"], event["workflow_run_id"], event["event_type"]]
        recipe = json.dumps([*parts, facts], sort_keys=True)
        assert event["event_id"] == str(uuid.uuid5(NAMESPACE, recipe))


def _thing(words: str) -> str:
    """The task (or the run) that they tell of."""
    kind, *task = words.split()
    return task[0] if kind.startswith("TASK_") else "run"


def _mapped(words: str) -> str:
    # For a stable sort.
    return "".join(re.findall(r" (\w+\[\d+\])", words))
