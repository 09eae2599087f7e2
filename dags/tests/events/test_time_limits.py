"""What others use to end a piece of work strikes through us as through any code: real libraries."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
import sys, tempfile, time, types
# stopit asks for its own version with what setuptools has no more.
sys.modules.setdefault("pkg_resources", types.ModuleType("pkg_resources"))
sys.modules["pkg_resources"].get_distribution = lambda name: types.SimpleNamespace(version="1")
sys.modules["pkg_resources"].DistributionNotFound = Exception

def publish(work):
    from airflow_provider_outbox.events import WorkflowEvent, WorkflowEventProducer

    class Slow:
        def __repr__(self):
            work()
            return "slow"

    event = WorkflowEvent(
        event_type="CUSTOM",
        source="API",
        workflow_id="w",
        workflow_run_id="r",
        payload={"x": Slow()},
    )
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        return WorkflowEventProducer(outbox=place + "/outbox").try_publish_event(event)

def busy():
    end = time.time() + 30
    while time.time() < end:
        pass

def asleep():
    time.sleep(30)
"""

STOPIT = """
import stopit
for limit, work in ((stopit.ThreadingTimeout, busy), (stopit.SignalTimeout, asleep)):
    with limit(1) as state:
        publish(work)
        print("went on")
    print(state.state == state.TIMED_OUT)
"""

GREENLETS = """
import {library}
class Mine(Exception):
    pass
for limit in ((), (ValueError("mine"),), (Mine,)):
    try:
        with {library}.Timeout(0.5, *limit):
            publish(asleep)
            print("went on")
    except ({library}.Timeout, ValueError, Mine):
        print(True)
for end in ((), (Mine,)):
    went_on = []
    greenlet = {library}.spawn(lambda: (publish(asleep), went_on.append(True)))
    {library}.sleep(0.5)
    greenlet.kill(*end)
    print(not went_on)
"""

CELERY = """
from billiard.exceptions import SoftTimeLimitExceeded
from billiard.pool import Pool

def work(number):
    try:
        publish(asleep)
    except SoftTimeLimitExceeded:
        return True
    return "went on"

pool = Pool(1, soft_timeout=1)
print(pool.apply_async(work, (1,)).get(60))
pool.terminate()
"""


@pytest.mark.parametrize(
    ("program", "strikes"),
    [
        (STOPIT, 2),
        ("from gevent import monkey; monkey.patch_all()" + GREENLETS.format(library="gevent"), 5),
        ("import eventlet; eventlet.monkey_patch()" + GREENLETS.format(library="eventlet"), 5),
        (CELERY, 1),
    ],
    ids=["stopit", "gevent", "eventlet", "celery's pool"],
)
def test_a_time_limit_strikes(program: str, strikes: int) -> None:
    first, _, rest = program.partition("\n")
    script = f"{first}\n{textwrap.dedent(PRELUDE)}\n{rest}"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == ["True"] * strikes, done.stderr[-3000:]
