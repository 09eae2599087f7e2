"""Where the build puts what we run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RELAY_JAR = ROOT / "relay" / "target" / "outbox-relay.jar"
BROKER_JAR = ROOT / "relay" / "embedded-kafka" / "target" / "embedded-kafka.jar"
CLIENT_JAR = ROOT / "outbox-client" / "java" / "target" / "outbox-client.jar"


def java(home: str | None = None) -> str:
    """The `java` to run: of `home`, else of JAVA_HOME, else the one on PATH."""
    home = home or os.environ.get("JAVA_HOME")
    if home:
        return str(Path(home, "bin", "java"))
    found = shutil.which("java")
    if found is None:
        raise FileNotFoundError("no java: set JAVA_HOME or put a JDK 17 or newer on PATH")
    return found


def built(jar: Path) -> str:
    """The jar's path, or an error that says how to build it."""
    if not jar.exists():
        raise FileNotFoundError(f"{jar} is missing: run `make package`")
    return str(jar)
