"""A task's process appends once and ends: what it imports for that counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import outbox_client

SLOW = {
    "argparse",
    "asyncio",
    "collections",
    "contextlib",
    "concurrent.futures",
    "ctypes",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "hashlib",
    "inspect",
    "json",
    "logging",
    "multiprocessing",
    "pathlib",
    "random",
    "re",
    "subprocess",
    "tempfile",
    "typing",
    "uuid",
}

PROGRAM = """
import sys
before = set(sys.modules)
sys.path.insert(0, {source!r})
from outbox_client import Outbox
receipt = Outbox({path!r}).append(b"value", topic="t", key="k", headers={{"a": "b"}})
print(receipt.sequence, *sorted(set(sys.modules) - before))
"""


def test_the_first_append_imports_nothing_slow_and_starts_no_thread(outbox_path: Path) -> None:
    source = str(Path(outbox_client.__file__).parents[1])
    program = PROGRAM.format(source=source, path=str(outbox_path))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    sequence, *imported = done.stdout.split()
    assert sequence == "1"
    assert not SLOW & set(imported)
    assert not [name for name in imported if name.startswith(("threading", "outbox_client._cli"))]
