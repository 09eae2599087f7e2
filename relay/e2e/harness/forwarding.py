"""What stands between the relay and a broker, and hands on what both say."""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = "127.0.0.1"


@contextmanager
def forwarded(
    listener: socket.socket, port: Callable[[socket.socket], int], delay: float = 0.0
) -> Iterator[int]:
    """Hand connections on to a port, each to its own; gives the port that they come to.

    Args:
        listener: where they come to; it is closed at the end.
        port: where a connection is to go.
        delay: how much later answers come than they were given, seconds.
    """
    connections: list[threading.Thread] = []

    def hand_on(near: socket.socket) -> None:
        with near, socket.create_connection((HERE, port(near))) as far:
            back = threading.Thread(target=late, args=(far, near, delay))
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


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of them has gone


def late(source: socket.socket, target: socket.socket, delay: float) -> None:
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
            target.sendall(data)
    except OSError:
        pass  # one of them has gone
    reader.join()
