"""What the tests start is gone when they are."""

from __future__ import annotations

import os
from pathlib import Path

from harness.child import Child
from harness.waiting import eventually


def test_a_kill_reaches_what_has_left_the_process_group(tmp_path: Path) -> None:
    # `set -m` gives each job a group of its own, as Airflow does.
    draft, pid = tmp_path / "draft", tmp_path / "pid"
    script = f"set -m; sleep 300 & echo $! >{draft}; mv {draft} {pid}; wait"
    with Child(["bash", "-c", script], log=tmp_path / "log") as child:
        eventually("the job runs", pid.exists)
        job = int(pid.read_text())
        assert os.getpgid(job) == job
        assert os.getpgid(child.pid) != job
        child.kill()
    eventually("the job is gone", lambda: not Path(f"/proc/{job}").exists())
