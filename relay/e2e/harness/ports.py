"""Free TCP ports on 127.0.0.1."""

from __future__ import annotations

import random
import socket

# Below the ephemeral range: while a server is down, no outgoing connection can take its port, and
# no client that reconnects for ever can end up connected to itself.
LOWEST, HIGHEST = 20_000, 31_999


def free_port() -> int:
    """A port that nothing listens on just now."""
    candidates = random.sample(range(LOWEST, HIGHEST), 200)
    for port in candidates:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As the JVM's servers do: connections in TIME_WAIT are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"none of {len(candidates)} ports tried on 127.0.0.1 is free")
