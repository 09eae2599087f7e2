"""What ``outbox run`` costs a command that does nothing, beside what starts it otherwise.

    run_command.py [SAMPLES]

The kinds take turns, so that what else the machine does strikes all of them. Nothing is asserted.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from outbox_client.testing import temporary_outbox

SCRIPTS = Path(sys.executable).parent


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with temporary_outbox() as outbox:
        kinds = {
            "a bare shell: sh -c true": ["sh", "-c", "true"],
            "python -c pass": [sys.executable, "-c", "pass"],
            "outbox run -- sh -c true": [
                str(SCRIPTS / "outbox"),
                "run",
                f"--dir={outbox.path}",
                "--",
                "sh",
                "-c",
                "true",
            ],
        }
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(samples + 1):
            for kind, command in kinds.items():
                begun = time.perf_counter()
                subprocess.run(command, check=True)
                times[kind].append(time.perf_counter() - begun)
    bare = sorted(times["a bare shell: sh -c true"][1:])[samples // 2]
    print(f"{'':<32}{'p50':>10}{'p99':>10}{'more than a shell (p50)':>26}")
    for kind, found in times.items():
        ordered = sorted(found[1:])  # without the first, which reads from the disk
        p50, p99 = ordered[samples // 2], ordered[samples * 99 // 100]
        print(f"{kind:<32}{p50 * 1e3:>7.1f} ms{p99 * 1e3:>7.1f} ms{(p50 - bare) * 1e3:>23.1f} ms")


if __name__ == "__main__":
    main()
