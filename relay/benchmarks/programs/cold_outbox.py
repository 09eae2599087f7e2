"""One event, as a task's process appends it: `cold_outbox.py OUTBOX`."""

import sys

from outbox_client import Outbox

with Outbox(sys.argv[1]) as outbox:
    outbox.append(bytes(1024), topic="bench")
