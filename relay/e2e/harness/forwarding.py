"""What stands between the relay and a broker, and hands on what both say."""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

HERE = "127.0.0.1"


@contextmanager
def forwarded(
    listener: socket.socket,
    port: Callable[[socket.socket], int],
    delay: float = 0.0,
    seen: Callable[[bytes], bytes] = bytes,
) -> Iterator[int]:
    """Hand connections on to a port, each to its own; gives the port that they come to.

    Args:
        listener: where they come to; it is closed at the end.
        port: where a connection is to go.
        delay: how much later answers come than they were given, seconds.
        seen: what becomes of each piece of an answer.
    """
    connections: list[threading.Thread] = []

    def hand_on(near: socket.socket) -> None:
        with (
            near,
            suppress(ConnectionRefusedError),
            socket.create_connection((HERE, port(near))) as far,
        ):
            back = threading.Thread(target=late, args=(far, near, delay, seen))
            back.start()
            pump(near, far)
            back.join()

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            connections.append(threading.Thread(target=hand_on, args=(near,)))
            connections[-1].start()

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (server, *connections):
            thread.join()


class Crossing:
    """One address that leads to a port, and to another one from a moment on.

    Args:
        port: where connections go.
        delay: how much later answers come than they were given, seconds.
        seen: what becomes of each piece of an answer.
    """

    def __init__(
        self, port: int, delay: float = 0.0, seen: Callable[[bytes], bytes] = bytes
    ) -> None:
        self._port = port
        self._delay = delay
        self._seen = seen
        self._near: list[socket.socket] = []
        self._listener = socket.create_server((HERE, 0))
        self.address = f"{HERE}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._forwarding = forwarded(self._listener, self._take, self._delay, self._seen)
        self._forwarding.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.lead_to(self._port)
        self._forwarding.__exit__(None, None, None)

    def _take(self, near: socket.socket) -> int:
        self._near.append(near)
        return self._port

    def lead_to(self, port: int) -> None:
        """Connections go there from now on; those that there are end."""
        self._port = port
        former, self._near = self._near, []
        for near in former:
            with suppress(OSError):  # it has gone already
                near.shutdown(socket.SHUT_RDWR)


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of them has gone


def as_before_4_1(answer: bytes) -> bytes:
    """ApiVersions without the Produce request that names topics by their ids (KIP-516)."""
    for separator in (b"", b"\x00"):  # before, and since KIP-482
        produce, fetch = b"\x00\x00\x00\x00\x00%c" + separator, b"\x00\x01\x00\x04\x00"
        answer = answer.replace(produce % 13 + fetch, produce % 12 + fetch)
    return answer


def late(
    source: socket.socket, target: socket.socket, delay: float, seen: Callable[[bytes], bytes]
) -> None:
    """The same, each piece by so much later."""
    pieces: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def read() -> None:
        data = b"-"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            pieces.put((time.monotonic() + delay, data))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        while True:
            due, data = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                target.shutdown(socket.SHUT_WR)
                break
            target.sendall(seen(data))
    except OSError:
        pass  # one of them has gone
    reader.join()
