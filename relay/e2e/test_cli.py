"""The commands of the jar, as an operator or a script runs them, on a real outbox and Kafka."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from harness.relay import Relay
from harness.waiting import eventually
from outbox_client import Outbox, Receipt

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from harness.broker import Broker

OK = 0
WRONG_USAGE = 2
UNUSABLE = 4
PROBLEMS_FOUND = 7
SETTLED = 20
WAITING = 5
SECRET = "confidential"
PASSWORD = "hunter2"


@pytest.fixture
def receipts(relay: Relay, outbox: Path, topic: str) -> list[Receipt]:
    """An outbox with 20 delivered and 5 waiting events, its relay stopped."""
    with Outbox(outbox) as client:
        made = [client.append(SECRET, topic=topic, key=f"k{n}") for n in range(SETTLED)]
        relay.start()
        eventually("all is delivered", relay.is_drained)
        assert relay.stop() == OK
        made += [client.append(SECRET, topic=topic, key=f"k{n}") for n in range(WAITING)]
    return made


def lines(done: subprocess.CompletedProcess[str], code: int = OK) -> list[dict[str, Any]]:
    """The JSON lines that a command printed."""
    assert done.returncode == code, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_status_tells_what_waits_with_and_without_a_running_relay(
    relay: Relay, receipts: list[Receipt]
) -> None:
    done = relay.cli("status", "--json")
    assert done.returncode == OK, done.stderr
    status = json.loads(done.stdout)
    assert status["outbox_id"] == str(receipts[0].outbox)
    assert status["appended_sequence"] == receipts[-1].sequence
    assert status["settled_sequence"] == receipts[SETTLED - 1].sequence
    assert status["lag_events"] == WAITING
    assert status["lag_bytes"] > 0
    assert status["relay_pid"] is None
    assert status["dead_letters"] == status["quarantined"] == 0

    relay.start()
    eventually("the rest is delivered", relay.is_drained)
    eventually(
        "the position is saved",
        lambda: json.loads(relay.cli("status", "--json").stdout)["lag_events"] == 0,
    )
    assert json.loads(relay.cli("status", "--json").stdout)["relay_pid"] == relay.child.pid
    assert str(relay.child.pid) in relay.cli("status").stdout


def test_inspect_finds_events_and_shows_values_only_on_request(
    relay: Relay, receipts: list[Receipt], topic: str
) -> None:
    everything = lines(relay.cli("inspect", "--json"))
    assert [event["sequence"] for event in everything] == [r.sequence for r in receipts]
    assert everything[3]["event_id"] == str(receipts[3].event_id)
    assert everything[3]["topic"] == topic
    assert everything[3]["value_bytes"] == len(SECRET)

    waiting = lines(relay.cli("inspect", "--json", "--waiting"))
    assert [event["sequence"] for event in waiting] == [r.sequence for r in receipts[SETTLED:]]
    one = lines(relay.cli("inspect", "--json", "--event-id", str(receipts[7].event_id)))
    assert [event["sequence"] for event in one] == [receipts[7].sequence]
    assert lines(relay.cli("inspect", "--json", "--topic", "another")) == []

    assert SECRET not in relay.cli("inspect").stdout
    assert SECRET in relay.cli("inspect", "--values").stdout


def test_verify_passes_a_sound_queue_and_names_a_damaged_record(
    relay: Relay, receipts: list[Receipt], outbox: Path
) -> None:
    done = relay.cli("verify", "--json")
    assert done.returncode == OK, done.stdout + done.stderr
    assert json.loads(done.stdout)["queue"]["records"] == len(receipts)

    [cycle] = (outbox / "queue").glob("*.cq4")
    place = cycle.read_bytes().index(SECRET.encode())
    with cycle.open("r+b") as file:
        file.seek(place)
        file.write(b"C")
    done = relay.cli("verify", "--json")
    assert done.returncode == PROBLEMS_FOUND
    assert json.loads(done.stdout)["queue"]["problem_count"] == 1
    assert "problem" in relay.cli("verify").stdout


def test_doctor_finds_nothing_wrong_and_then_a_missing_topic_and_a_missing_kafka(
    relay: Relay, receipts: list[Receipt], outbox: Path, topic_name: str, tmp_path: Path
) -> None:
    found = lines(relay.cli("doctor", "--json"))
    assert {finding["check"] for finding in found} >= {"directory", "space", "kafka", "topic"}
    assert not [finding for finding in found if finding["grade"] == "problem"]

    missing = f"{topic_name}-missing"
    with Outbox(outbox) as client:
        client.append("v", topic=missing)
    found = lines(relay.cli("doctor", "--json"), PROBLEMS_FOUND)
    [problem] = [finding for finding in found if finding["grade"] == "problem"]
    assert missing in problem["detail"]
    assert problem["advice"]

    alone = Relay(outbox, "127.0.0.1:1", log=tmp_path / "alone.log")
    found = lines(alone.cli("doctor", "--json", "--kafka-timeout-ms", "1500"), PROBLEMS_FOUND)
    [problem] = [finding for finding in found if finding["check"] == "kafka"]
    assert problem["grade"] == "problem"


def test_topics_are_checked_and_created(relay: Relay, outbox: Path, topic_name: str) -> None:
    with Outbox(outbox) as client:
        client.append("v", topic=topic_name)
    checked = relay.cli("topics", "check")
    assert checked.returncode == PROBLEMS_FOUND
    assert topic_name in checked.stdout
    created = relay.cli("topics", "create", "--partitions", "2", "--replication", "1")
    assert created.returncode == OK, created.stderr
    assert topic_name in created.stdout
    assert relay.cli("topics", "create").returncode == OK
    checked = relay.cli("topics", "check")
    assert checked.returncode == OK, checked.stdout


def test_topics_that_are_parked_are_checked_for_what_waits_there(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str
) -> None:
    relay.environment["OUTBOX_PARK_AFTER"] = "200ms"
    relay.start()
    hour_ago = int(time.time() * 1000) - 3_600_000
    with Outbox(outbox) as client:
        receipt = client.append("v", topic=topic_name, timestamp=hour_ago)
        assert client.wait_delivered(receipt, 60) == "PARKED"
    assert relay.stop() == 0
    missing = lines(relay.cli("topics", "check", "--json"), PROBLEMS_FOUND)
    assert [f"{topic_name} does not exist" in each["detail"] for each in missing][-1]
    broker.create_topic(topic_name, config={"retention.ms": "1800000"})
    for arguments in (("topics", "check"), ("topics", "check", topic_name), ("doctor",)):
        found = lines(relay.cli(*arguments, "--json"), OK)
        warned = [each for each in found if "retention.ms=1800000" in each["detail"]]
        assert [each["grade"] for each in warned] == ["warning"], (arguments, found)


def test_config_shows_defaults_and_masks_secrets(
    broker: Broker, outbox: Path, tmp_path: Path
) -> None:
    jaas = (
        f'org.apache.kafka.common.security.plain.PlainLoginModule required password="{PASSWORD}";'
    )
    settings = {"KAFKA_SASL_JAAS_CONFIG": jaas, "KAFKA_LINGER_MS": "3", "KAFKA_PORT": "tcp://1:2"}
    relay = Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=settings)
    done = relay.cli("config", "--json")
    assert done.returncode == OK, done.stderr
    content = json.loads(done.stdout)
    assert content["kafka"]["acks"] == "all"
    assert content["kafka"]["enable.idempotence"] == "true"
    assert content["kafka"]["linger.ms"] == "3"
    assert "KAFKA_PORT" in "".join(content["warnings"])
    assert PASSWORD not in done.stdout + done.stderr
    assert PASSWORD not in relay.cli("config").stdout


def test_wrong_usage_and_an_outbox_that_is_not_there_have_codes_of_their_own(
    relay: Relay, outbox: Path
) -> None:
    assert relay.cli("--version").returncode == OK
    assert relay.cli("--help").returncode == OK
    assert relay.cli("nothing").returncode == WRONG_USAGE
    assert relay.cli("topics").returncode == WRONG_USAGE
    missing = relay.cli("status")
    assert missing.returncode == UNUSABLE
    assert str(outbox) in missing.stderr
    assert not outbox.exists()


def test_inspect_selects_by_time(relay: Relay, outbox: Path, topic_name: str) -> None:
    with Outbox(outbox) as client:
        early = client.append("v", topic=topic_name)
        early_at = time.time_ns() // 1_000_000
        eventually("the clock moves on", lambda: time.time_ns() // 1_000_000 > early_at)
        late = client.append("v", topic=topic_name)
    before = lines(relay.cli("inspect", "--json", "--to", str(early_at + 1)))
    after = lines(relay.cli("inspect", "--json", "--from", str(early_at + 1)))
    assert [event["sequence"] for event in before] == [early.sequence]
    assert [event["sequence"] for event in after] == [late.sequence]
