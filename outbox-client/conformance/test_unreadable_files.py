"""Blocks of the small files that the disk does not give: no writer is stopped by that."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from outbox_conformance import identity, scanner
from outbox_conformance import outbox as image
from outbox_conformance.goldenfiles import Golden
from outbox_conformance.places import CONFORMANCE
from outbox_conformance.writers import LANGUAGES

if TYPE_CHECKING:
    from pathlib import Path

    from outbox_conformance.writers import Writers

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler (cc)")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("unreadable") / "unreadable_file.so"
    source = CONFORMANCE / "unreadable_file.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True)
    return built


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "name", ["outbox.state", "queue/metadata.cq4t", "relay.position", "append.failures"]
)
def test_a_writer_goes_on(
    name: str,
    language: str,
    outbox: str,
    writers: Writers,
    library: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    golden = Golden("cap-to-the-byte")
    image.materialise(golden.before(), outbox)
    before = scanner.scan(outbox).records
    known = identity.of_state(identity.read_file(os.path.join(outbox, "outbox.state")))
    with monkeypatch.context() as bad:
        bad.setenv("EIO_NAME", f"/{name}")
        bad.setenv("LD_PRELOAD", str(library))
        program = writers.start(language, outbox, "client")
        history = program.await_ready().append(3)
    assert not history.failures
    acknowledged = [ack.sequence for _, ack in sorted(history.acks.items())]
    found = scanner.scan(outbox)
    assert [each.record.sequence for each in found.records[len(before) :]] == acknowledged
    assert found.records[: len(before)] == before
    assert not found.problems
    after = identity.of_state(identity.read_file(os.path.join(outbox, "outbox.state")))
    assert known is not None
    assert after is not None
    assert after.outbox_id == known.outbox_id
