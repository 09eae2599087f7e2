"""Writes to a file without pause, and lets the kernel write it back: `disturb.py FILE`.

Says "ready" once it does. Ends when it is killed.
"""

from __future__ import annotations

import os
import sys

CHUNK = bytes(1 << 20)
CHUNKS = 256


def main() -> None:
    descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o660)
    print("ready", flush=True)
    while True:
        for number in range(CHUNKS):
            os.pwrite(descriptor, CHUNK, number * len(CHUNK))
            if number % 32 == 31:
                # Without this the kernel might not begin before the bench ends.
                os.fdatasync(descriptor)


if __name__ == "__main__":
    main()
