"""Writes classes.lst: what a relay loads that starts, delivers, is looked at, and stops.

list_classes.py          `make classes` runs it
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "relay" / "e2e"))

from harness.broker import Broker
from harness.packaged import make_runtime
from harness.places import ROOT
from harness.relay import Relay
from harness.waiting import eventually
from outbox_client import Outbox

LIST = ROOT / "ops" / "runtime" / "classes.lst"
PAGES = ("/", "/metrics", "/status.json", "/history.json", "/healthz")


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        loaded = place / "loaded.lst"
        runtime = make_runtime(place / "root") / "usr" / "lib" / "outbox-relay" / "runtime"
        options = ("-Xshare:off", f"-XX:DumpLoadedClassList={loaded}")
        with (
            Broker(place / "kafka") as broker,
            Relay(
                place / "outbox",
                broker.bootstrap,
                log=place / "relay.log",
                java_home=str(runtime),
                jvm=options,
            ) as relay,
        ):
            topic = broker.create_topic("listed")
            relay.start()
            with Outbox(place / "outbox") as outbox:
                for number in range(100):
                    outbox.append(b"%d" % number, topic=topic, key=str(number), headers={"a": "b"})
            eventually("delivered", relay.is_drained)
            for page in PAGES:
                relay.http(page)
            relay.stop()
        # The numbers tell loaders apart, which there is only one of.
        lines = {
            line.partition(" id:")[0]
            for line in loaded.read_text().splitlines()
            if not line.startswith("#")
        }
    LIST.write_text("".join(f"{line}\n" for line in sorted(lines)))
    print(f"{LIST.relative_to(ROOT)}: {len(lines)} lines")


if __name__ == "__main__":
    main()
