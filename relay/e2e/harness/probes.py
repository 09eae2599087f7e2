"""Asks for health as a probe does, and keeps how long each answer took."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

# Only a hang misses it.
PATIENCE = 10.0
EVERY = 0.05
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def get(port: int, request: bytes = REQUEST, timeout: float = PATIENCE) -> bytes:
    """The whole answer to one request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.settimeout(timeout)
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


class Probes:
    """Probes one port while the block runs."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)

    def _probe(self) -> None:
        while not self._stop.wait(EVERY):
            begin = time.monotonic()
            try:
                answer = get(self.port)
                if not answer.startswith(b"HTTP/1.1 200 "):
                    self.failures.append(repr(answer[-200:]))
            except OSError as error:
                self.failures.append(repr(error))
            self.seconds.append(time.monotonic() - begin)

    def p99(self) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]

    def __str__(self) -> str:
        return (
            f"{len(self.seconds)} probes of /healthz, p99 {self.p99() * 1000:.1f} ms, "
            f"longest {max(self.seconds) * 1000:.1f} ms, {len(self.failures)} failed"
        )

    def assert_all_answered(self) -> None:
        assert self.seconds, "nothing was probed"
        assert not self.failures, f"{self}: {self.failures[:3]}"
        assert max(self.seconds) < PATIENCE, str(self)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
