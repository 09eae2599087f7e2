"""Chronicle Queue itself, in one JVM for the whole test run."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from . import places

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class ChronicleError(Exception):
    """A job failed; the message is Chronicle's."""


class Chronicle:
    """Does jobs, one after the other; README.md lists them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                places.guarded(
                    [places.java(), *places.QUICK_JVM, "-jar", places.built(places.CONFORMANCE_JAR)]
                ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._process

    def job(self, *words: object) -> list[str]:
        """Do a job and return the words of its answer.

        Raises:
            ChronicleError: it failed.
        """
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\t".join(map(str, words)) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline().rstrip("\n").split("\t")
        if answer[0] != "ok":
            ended = process.wait() if answer == [""] else None
            raise ChronicleError(f"{words}: {answer[1:]}" + (f" (JVM: {ended})" if ended else ""))
        return answer[1:]

    def dump(self, outbox: str, out: str, *, full: bool = False) -> list[dict[str, Any]]:
        """Return every record that a tailer reads.

        Raises:
            ChronicleError: it could not read on.
        """
        self.job("dump-full" if full else "dump", f"{outbox}/queue", out)
        return read_lines(out)

    def seek(self, outbox: str, every: int, *around: int) -> tuple[int, int]:
        """Read through, jump to every so many-th record; return the numbers of records and jumps.

        Raises:
            ChronicleError: a record is missing, or a jump led elsewhere.
        """
        records, jumps = self.job("seek", f"{outbox}/queue", every, *around)
        return int(records), int(jumps)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.communicate()


def read_lines(path: str) -> list[dict[str, Any]]:
    """Return the records of a dump."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
