"""One event, as a task's process appends it: `cold_outbox.py OUTBOX`."""

import sys

from outbox_client import Outbox

Outbox(sys.argv[1]).append(bytes(1024), topic="bench")
