"""The table to which the relay's partitioners are held is what librdkafka does."""

from __future__ import annotations

import librdkafka_partitions


def without_version(table: str) -> list[str]:
    return [line for line in table.splitlines() if not line.startswith("#")]


def test_the_table_is_what_librdkafka_gives() -> None:
    committed = librdkafka_partitions.TABLE.read_text()
    assert without_version(librdkafka_partitions.table()) == without_version(committed)
