"""Writes what librdkafka's partitioners give for 100,000 keys, for the relay's own to be held to.

    .venv/bin/python relay/e2e/librdkafka_partitions.py

The functions are called in the library that confluent-kafka's wheel carries; what becomes of events
without a key, and a sample of those with one, goes through its producer against its mock cluster.
"""

from __future__ import annotations

import ctypes
import hashlib
import struct
import sys
from pathlib import Path

import confluent_kafka

TABLE = Path(__file__).parents[1] / "src" / "test" / "resources" / "librdkafka-partitions.txt"
PARTITIONERS = (
    "consistent",
    "consistent_random",
    "murmur2",
    "murmur2_random",
    "fnv1a",
    "fnv1a_random",
)
COUNTS = (1, 3, 12, 50, 1000, 2**31 - 1)
KEYS = 100_000
EXAMPLES = 20
MOCK_PARTITIONS = 4
SAMPLE = 500
SPREAD = -1


def key(number: int) -> bytes:
    """0 … 199 bytes that only depend on the number."""
    digest = hashlib.sha256(b"key %d" % number).digest()
    return (digest * 7)[: (digest[0] * 256 + digest[31]) % 200]


def library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parent
    (found,) = folder.with_name("confluent_kafka.libs").glob("librdkafka-*.so*")
    return ctypes.CDLL(str(found))


class Function:
    """A partitioner as a function of key and partitions."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._call = getattr(library(), f"rd_kafka_msg_partitioner_{name}")
        self._call.restype = ctypes.c_int32
        pointer, size, count = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int32
        self._call.argtypes = [pointer, ctypes.c_char_p, size, count, pointer, pointer]

    def partition(self, key: bytes, partitions: int) -> int:
        if not key and self._name == "consistent_random":
            return SPREAD  # its random half asks the topic, which is not there
        return int(self._call(None, key, len(key), partitions, None, None))


def produced(partitioner: str, keys: list[bytes | None]) -> list[int]:
    """Where its producer puts records with these keys."""
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": "unused",
            "test.mock.num.brokers": 1,
            "partitioner": partitioner,
            "sticky.partitioning.linger.ms": 0,
            "log_level": 0,
        }
    )
    partitions: dict[int, int] = {}
    for number, each in enumerate(keys):

        def delivered(
            error: object, message: confluent_kafka.Message, number: int = number
        ) -> None:
            if error is not None:
                raise AssertionError(f"{partitioner}: {error}")
            partitions[number] = message.partition() or 0

        producer.produce("any", b"value", key=each, on_delivery=delivered)
        if number % 10 == 0:
            producer.flush(60)
    producer.flush(60)
    return [partitions[number] for number in range(len(keys))]


def fate(partitioner: str, key: bytes | None) -> str:
    """`spread`, or the one of four partitions where all records with that key go."""
    partitions = set(produced(partitioner, [key] * 200))
    return "spread" if len(partitions) > 1 else str(partitions.pop())


def table() -> str:
    _, version = confluent_kafka.libversion(), confluent_kafka.libversion()[0]
    lines = [f"# librdkafka {version}; made by relay/e2e/librdkafka_partitions.py"]
    keys = [key(number) for number in range(KEYS)]
    for name in PARTITIONERS:
        function = Function(name)
        sample = keys[:SAMPLE]
        told = [function.partition(each, MOCK_PARTITIONS) for each in sample]
        real = produced(name, list(sample))
        if any(a not in (b, SPREAD) for a, b in zip(told, real, strict=True)):
            raise AssertionError(f"{name}: its producer does not do what its function says")
        lines.append(f"keyless {name} {fate(name, None)}")
        lines.append(f"empty {name} {fate(name, b'')}")
        for count in COUNTS:
            partitions = [function.partition(each, count) for each in keys]
            digest = hashlib.sha256(struct.pack(f">{KEYS}i", *partitions)).hexdigest()
            lines.append(f"all {name} {count} {digest}")
        lines += [
            f"one {name} {number} {function.partition(keys[number], 1000)}"
            for number in range(EXAMPLES)
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table())
    sys.stdout.write(f"{TABLE}\n")
