"""Measures this project beside what it competes with, and prints one table.

    bench.py [--quick | --full] [SECTION...]

Nothing is asserted: a target stands beside each ratio, and whether it was met. All contestants of a
comparison take turns in one run, so that a busy host slows all of them; trust ratios, not figures.
BENCH=append,drain in the environment chooses sections, too; QUICK=1 and FULL=1 the scale.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from arena import BROKER_JVM, FULL, NORMAL, QUICK, RELAY_JVM, Arena, Scale
from figures import Report
from sections import ON_DEMAND, SECTIONS

from harness.places import ROOT, java

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = ROOT / "relay" / "benchmarks" / "target"


def main() -> None:
    options = _options()
    report = Report()
    print(_host(options.scale), flush=True)
    with Arena(options.scale, options.place) as arena:
        for name in options.sections:
            _run(name, arena, report)
        if report.failed:
            print(f"the logs are in {arena.keep()}")
    print()
    print(report.table())
    print("ours, theirs: the median over the rounds of p50 / p99, or of what the row names")
    print("ratio: the median of the ratios of the rounds, so not always that of the two medians")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "bench.json").write_text(json.dumps(report.as_json(), indent=2) + "\n")
    if report.failed:
        sys.exit(1)


def _run(name: str, arena: Arena, report: Report) -> None:
    print(f"{name} ...", end=" ", flush=True)
    begun = time.monotonic()
    try:
        report.rows[name] = SECTIONS[name](arena)
    except Exception:  # noqa: BLE001 - the figures of the other sections are worth having
        traceback.print_exc()
        report.failed.append(name)
    print(f"{time.monotonic() - begun:.0f} s", flush=True)


def _host(scale: Scale) -> str:
    version = subprocess.run([java(), "-version"], capture_output=True, text=True, check=True)
    return (
        f"{scale.name} run on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"Linux {platform.release()}; Python {platform.python_version()}; "
        f"{version.stderr.splitlines()[0]}\n"
        f"JVM flags: relay and ProducerPerformance {' '.join(RELAY_JVM)}; broker "
        f"{' '.join(BROKER_JVM)}; writers none, but where a row names them"
    )


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure beside floor, Kafka's own and peers.")
    scale = parser.add_mutually_exclusive_group()
    for choice, help_text in ((QUICK, "about 3 minutes"), (FULL, "growth with 10M events")):
        scale.add_argument(
            f"--{choice.name}", dest="scale", action="store_const", const=choice, help=help_text
        )
    chosen = FULL if os.environ.get("FULL") else QUICK if os.environ.get("QUICK") else NORMAL
    parser.set_defaults(scale=chosen)
    by_default = [name for name in SECTIONS if name not in ON_DEMAND]
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}", default=[]
    )
    parser.add_argument(
        "--place", type=Path, default=RESULTS, help="where to write; a real disk, not tmpfs"
    )
    parsed = parser.parse_args(arguments)
    wished = parsed.sections or os.environ.get("BENCH", "").replace(",", " ").split()
    unknown = set(wished) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}: there are {', '.join(SECTIONS)}")
    parsed.sections = wished or by_default
    return parsed


if __name__ == "__main__":
    main()
