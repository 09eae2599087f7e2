"""Where the build puts what the tests run, and how they run it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

CONFORMANCE = Path(__file__).resolve().parents[1]
CONFORMANCE_JAR = CONFORMANCE / "target" / "outbox-conformance.jar"
CLIENT_JAR = CONFORMANCE.parent / "java" / "target" / "outbox-client.jar"
PYTHON_CLIENT = CONFORMANCE.parent / "python" / "src"

# Short-lived processes: the client needs none of these.
QUICK_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


def java() -> str:
    """Return the `java` to run: JAVA_HOME's, else the one on PATH."""
    home = os.environ.get("JAVA_HOME")
    found = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if found is None:
        raise FileNotFoundError("no java: set JAVA_HOME or put a JDK 17 or newer on PATH")
    return found


def built(jar: Path) -> str:
    """Return a jar's path, or raise an error that says how to build it."""
    if not jar.exists():
        raise FileNotFoundError(f"{jar} is missing: run `make package`")
    return str(jar)


def guarded(command: list[str]) -> list[str]:
    """Return a command that the kernel kills when the test process ends."""
    return ["setpriv", "--pdeathsig", "KILL", *command]
