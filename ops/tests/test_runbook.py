"""Every command of the runbook, run against a real outbox; its output must still look as shown."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
from shipped import RUNBOOK

from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.broker import Broker
    from harness.relay import Relay

PROMPT = "$ outbox-relay "
# 7: doctor and topics check found the problem that the runbook is about.
FINE = {0, 7}
# What the others show would be gone.
CHANGING = ("dead-letters replay",)


def shown() -> Iterator[tuple[str, list[str]]]:
    """Each command of ours in the runbook, with the lines that follow it."""
    for block in re.findall(r"```console\n(.*?)```", RUNBOOK.read_text(), re.DOTALL):
        for part in re.split(r"^(?=\$ )", block, flags=re.MULTILINE):
            command, *lines = part.splitlines() or [""]
            if command.startswith(PROMPT):
                yield command.removeprefix(PROMPT), lines


def shape(line: str) -> tuple[str, ...]:
    """What does not depend on the host: the names of key-values, or the columns but the last."""
    keys = tuple(re.findall(r"(\w+)=", line))
    columns = tuple(re.split(r"\s{2,}", line))
    return keys or columns[:-1]


def looks_like(line: str, output: str) -> bool:
    wanted = shape(line)
    assert wanted, f"nothing to compare in {line!r}"
    return any(set(wanted) <= set(shape(found)) for found in output.splitlines())


def test_the_commands_of_the_runbook_do_what_it_shows(
    broker: Broker, relay: Relay, topic: str
) -> None:
    narrow = broker.create_topic("runbook-narrow", config={"max.message.bytes": "2000"})
    with Outbox(relay.outbox) as client:
        client.append("x" * 3_000, topic=narrow)
        client.append("delivered", topic=topic)
        relay.start()
        eventually("both are settled", relay.is_drained)
        client.append("is parked", topic="missing")
        eventually("it is parked", lambda: relay.status()["parked"]["events"] == 1)
        # The commands read what is written beside the outbox, some moments later.
        eventually("status says so", lambda: "\ntrouble " in output_of(relay, "status"))

    blocks = list(shown())
    assert len(blocks) > 15
    commands = dict.fromkeys(command for command, _ in blocks)
    reading = [command for command in commands if not command.startswith(CHANGING)]
    parked = {command: output_of(relay, command) for command in reading}
    relay.kill()
    with Outbox(relay.outbox) as client:
        client.append("waits", topic=topic)
    waiting = {command: output_of(relay, command) for command in reading}
    changed = {command: output_of(relay, command) for command in commands if command not in reading}
    broker.kill()
    without_kafka = {"doctor": output_of(relay, "doctor")}
    for command, lines in blocks:
        outputs = [at.get(command, "") for at in (parked, waiting, changed, without_kafka)]
        for line in lines:
            assert any(looks_like(line, output) for output in outputs), (
                f"{command} does not print {line!r}, but {outputs}"
            )


def output_of(relay: Relay, command: str) -> str:
    done = relay.cli(*shlex.split(command))
    assert done.returncode in FINE, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("verb", ["topics create"])
def test_commands_that_the_runbook_names_and_that_change_something_exist(
    relay: Relay, verb: str
) -> None:
    named = re.findall(rf"`outbox-relay ({verb} [^`]+)`", RUNBOOK.read_text())
    usage = relay.cli(*verb.split(), "--help")
    assert usage.returncode == 0
    assert named
    for command in named:
        assert all(option in usage.stdout for option in re.findall(r"--\w+", command))
