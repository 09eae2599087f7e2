"""The script that sets a host up, on a copy of this host's users: who then can append."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = ROOT / "ops" / "set-up-host.sh"
CLIENT = ROOT / "outbox-client" / "python" / "src"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("useradd") is None,
    reason="needs root, unshare and useradd",
)


@pytest.fixture
def place() -> Iterator[Path]:
    """Where other users may go, with a copy of /etc and of the client."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as found:
        path = Path(found)
        path.chmod(0o755)
        shutil.copytree("/etc", path / "etc", symlinks=True, ignore_dangling_symlinks=True)
        shutil.copytree(CLIENT / "outbox_client", path / "client" / "outbox_client")
        yield path


def on_a_copy(place: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a script of a shell where the users are those of the copy."""
    prelude = f"""
        set -eu
        mount --bind {place}/etc /etc
        outbox=$OUTBOX
        as() {{
            user=$1; shift
            setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups "$@"
        }}
    """
    return subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", prelude + script],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(place / "client"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OUTBOX": f"{sys.executable} -m outbox_client._cli",
            "OUTBOX_DIR": str(place / "outbox"),
            "SETUP": str(SCRIPT),
        },
    )


def test_writers_can_append_to_one_outbox_whoever_comes_first_and_others_cannot(
    place: Path,
) -> None:
    done = on_a_copy(
        place,
        """
        useradd airflow; useradd etl; useradd stranger
        "$SETUP" --dir "$OUTBOX_DIR" airflow etl
        umask 077
        as etl $outbox append --topic t one
        as airflow $outbox append --topic t two
        as outbox-relay $outbox append --topic t three
        for user in airflow etl outbox-relay; do as $user $outbox doctor; done
        ! as stranger $outbox append --topic t no
        as stranger $outbox doctor || echo "doctor: $?"
        # Again, with one more: what is there stays.
        useradd late
        "$SETUP" --dir "$OUTBOX_DIR" airflow etl late
        as late $outbox append --topic t four
        stat -c '%a %U:%G' "$OUTBOX_DIR"
        """,
    )
    assert done.returncode == 0, done.stderr
    sequences = [line.split()[0] for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert sequences == ["1", "2", "3", "4", "2770"]
    assert "2770 outbox-relay:outbox" in done.stdout
    assert "doctor: 14" in done.stdout
    assert "usermod -aG outbox stranger" in done.stdout
    assert "problem" not in done.stdout.partition("stranger")[0]


@pytest.mark.parametrize(
    ("before", "arguments", "said"),
    [
        ("", "", "name the users that append"),
        ("", "nobody-of-this-name", "there is no user 'nobody-of-this-name'"),
        ("", "--dir relative root", "must be absolute"),
        ("", "--color root", "--color is no option"),
        ("", "--dir /no/such/place root", "/no/such does not exist"),
        ("useradd -u 4711 etl", "4711", "no name in /etc/passwd"),
        ("useradd -u 4711 etl", "--relay-user 4711 root", "no name in /etc/passwd"),
        ("groupadd -g 4711 g", "--group 4711 root", "give its name"),
        ("", "--group 'No Name' root", "--group is 'No Name'"),
        ("", "--group '' root", "--group is ''"),
        ("", "--relay-user 'No Name' root", "--relay-user is 'No Name'"),
        ("", "--dir {place}/x/../outbox root", "without . and .."),
        ("ln -s / {place}/link", "--dir {place}/link// root", "symbolic link"),
        ("chmod 777 {place}", "--dir {place}/outbox root", "world-writable"),
        ("ln -s / {place}/link", "--dir {place}/link root", "symbolic link"),
        (
            "mkdir {place}/outbox; touch {place}/outbox/event",
            "--dir {place}/outbox root",
            "events may wait there",
        ),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_changed(
    place: Path, before: str, arguments: str, said: str
) -> None:
    script = f"""
        {before}
        cat /etc/passwd /etc/group | sha256sum
        "$SETUP" {arguments} || echo "exit: $?"
        cat /etc/passwd /etc/group | sha256sum
    """
    done = on_a_copy(place, script.replace("{place}", str(place)))
    first, code, last = done.stdout.splitlines()
    assert first == last
    assert code in ("exit: 1", "exit: 2")
    assert said in done.stderr


def test_the_parent_may_be_a_link(place: Path) -> None:
    done = on_a_copy(
        place,
        """
        useradd airflow; mkdir "$OUTBOX_DIR"; ln -s outbox "$OUTBOX_DIR-link"
        "$SETUP" --dir "$OUTBOX_DIR-link/events" airflow
        as airflow $outbox append --dir "$OUTBOX_DIR-link/events" --topic t one
        chmod 777 "$OUTBOX_DIR"
        "$SETUP" --dir "$OUTBOX_DIR-link/others" airflow || echo "exit: $?"
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("exit: 1\n")
    assert "world-writable" in done.stderr


def test_a_file_system_of_its_own_may_be_the_directory(place: Path) -> None:
    done = on_a_copy(
        place,
        """
        useradd airflow
        mkdir "$OUTBOX_DIR" "$OUTBOX_DIR/lost+found"; chmod 700 "$OUTBOX_DIR/lost+found"
        "$SETUP" --dir "$OUTBOX_DIR" airflow
        as airflow $outbox append --topic t one
        as airflow $outbox doctor
        """,
    )
    assert done.returncode == 0, done.stderr
    assert "problem" not in done.stdout


def test_what_the_group_cannot_use_is_named(place: Path) -> None:
    done = on_a_copy(
        place,
        """
        groupadd outbox; useradd airflow
        mkdir -p "$OUTBOX_DIR/queue"; chgrp outbox "$OUTBOX_DIR"; chmod 700 "$OUTBOX_DIR/queue"
        "$SETUP" --dir "$OUTBOX_DIR" airflow
        """,
    )
    assert done.returncode == 1
    assert f"{place}/outbox/queue" in done.stderr
