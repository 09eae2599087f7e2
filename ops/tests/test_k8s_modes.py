"""Users, groups and modes as pods have them: what kubelet would make is made here, as root.

There is no kubelet to be had on a plain host. The directories are made as it makes them: an
emptyDir with `fsGroup`, and a sub-path of a hostPath; the processes get the users, groups and
read-only root of the manifests.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from manifests import example, pods

from harness.child import clean_environment
from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.broker import Broker

GROUP = 10001
APP = 50000
RELAY = 10001
STRANGER = 60000
EVENTS = 100
EMPTY_DIR_MODE = 0o777
# What kubelet adds to the modes of a volume with fsGroup: rw for the group, setgid, x.
FS_GROUP_MODE = 0o2770
APPEND = """
import sys
from outbox_client import Outbox
outbox = Outbox()
for number in range(int(sys.argv[1])):
    outbox.append(str(number), topic=sys.argv[2], key=sys.argv[3])
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users reach, which pytest's own are not."""
    if os.geteuid() != 0:
        pytest.skip("only root can make what kubelet makes, and run as others")
    for program in ("setpriv", "unshare", "mount"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    path = Path("/var/lib") / f"outbox-k8s-test-{os.getpid()}"
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path)


def as_user(uid: int, gid: int, groups: str = "") -> list[str]:
    """What securityContext says of users, groups and capabilities."""
    return [
        *("setpriv", f"--reuid={uid}", f"--regid={gid}", "--no-new-privs", "--bounding-set=-all"),
        *(("--groups", groups) if groups else ("--clear-groups",)),
        "--inh-caps=-all",
    ]


def append(
    outbox: Path, topic: str, *, user: list[str], settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A container of the application: its own user, and the umask that most images have."""
    environment = {**clean_environment(), "OUTBOX_DIR": str(outbox), **(settings or {})}
    return subprocess.run(
        [*user, sys.executable, "-c", APPEND, str(EVENTS), topic, str(outbox)],
        env=environment,
        cwd="/",
        umask=0o022,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def container(writable: Path, tmp: Path) -> list[str]:
    """The relay's container: a read-only root, an outbox and a /tmp that can be written."""
    script = (
        'for own in "$0" "$1"; do mount --bind "$own" "$own"; done\n'
        "mount -o remount,bind,ro /\nshift\n"
        'exec "$@"'
    )
    return [
        *("unshare", "--mount", "--propagation", "private"),
        *("sh", "-ec", script, str(writable), str(tmp)),
        *as_user(RELAY, GROUP),
    ]


def relay_container(
    place: Path, writable: Path, outbox: Path, broker: Broker, settings: Mapping[str, str]
) -> Relay:
    tmp = place / "tmp"
    tmp.mkdir(mode=0o1777)
    tmp.chmod(0o1777)
    return Relay(
        outbox,
        broker.bootstrap,
        log=place / "relay.log",
        # The codec's native library has to unpack.
        settings={"KAFKA_COMPRESSION_TYPE": "zstd", **settings},
        jvm=("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={tmp}"),
        wrapper=container(writable, tmp),
    )


def assert_shared(outbox: Path) -> None:
    """Every file is the group's, whoever made it, and nobody else's."""
    owners = set()
    for folder, _, files in os.walk(outbox):
        found = os.stat(folder)
        assert found.st_gid == GROUP, folder
        assert stat.S_IMODE(found.st_mode) & 0o007 == 0, folder
        for name in files:
            found = os.stat(os.path.join(folder, name))
            assert (found.st_gid, stat.S_IMODE(found.st_mode)) == (GROUP, 0o660), name
            owners.add(found.st_uid)
    assert owners == {APP, RELAY}


def test_a_sidecar_drains_what_an_app_of_another_user_appends_to_an_empty_dir(
    place: Path, broker: Broker, topic: str
) -> None:
    volume = place / "volume"
    volume.mkdir()
    os.chown(volume, -1, GROUP)
    volume.chmod(EMPTY_DIR_MODE | FS_GROUP_MODE)
    outbox = volume / "events"
    app = as_user(APP, APP, str(GROUP))

    refused = append(outbox, topic, user=app)
    assert "OUTBOX_TRUST_PARENT=1" in refused.stderr

    trusting = {"OUTBOX_TRUST_PARENT": "1"}
    draining = {**trusting, "OUTBOX_DRAIN_ON_STOP": "1"}
    with relay_container(place, volume, outbox, broker, draining) as relay:
        relay.start()
        first = append(outbox, topic, user=app, settings=trusting)
        assert first.returncode == 0, first.stderr
        eventually("the events are delivered", relay.is_drained)
        again = append(outbox, topic, user=app, settings=trusting)
        assert again.returncode == 0, again.stderr
        assert relay.stop() == 0
    assert_shared(outbox)
    assert len(read_topic(broker.bootstrap, topic)) == 2 * EVENTS


def test_a_node_relay_drains_every_sub_path_of_a_host_path_and_strangers_stay_out(
    place: Path, broker: Broker, topic: str
) -> None:
    root = place / "outbox"
    root.mkdir()
    # A pod was here before the DaemonSet.
    early = root / "early"
    kubelet_sub_path(early)
    prepare(root)
    for path in (root, early):
        found = path.stat()
        assert (found.st_uid, found.st_gid) == (0, GROUP), path
        assert stat.S_IMODE(found.st_mode) == 0o2770, path
    outbox = root / "airflow"
    kubelet_sub_path(outbox)

    task = as_user(APP, 0, str(GROUP))
    # What a pod left that has ended, and one that comes while the relay runs.
    left = append(early, topic, user=task)
    assert left.returncode == 0, left.stderr
    all_below = {"OUTBOX_DIR": "", "OUTBOX_DIRS": f"{root}/*"}
    with relay_container(place, root, outbox, broker, all_below) as relay:
        relay.start()
        appended = append(outbox, topic, user=task)
        assert appended.returncode == 0, appended.stderr
        eventually(
            "the events of both are delivered",
            lambda: len(read_topic(broker.bootstrap, topic)) == 2 * EVENTS,
        )
        stranger = append(outbox, topic, user=as_user(STRANGER, STRANGER))
        assert stranger.returncode != 0
        assert "OutboxUnavailable" in stranger.stderr
        assert relay.stop() == 0
    assert_shared(early)
    assert_shared(outbox)


def test_a_read_only_root_is_one(place: Path) -> None:
    tmp = place / "tmp"
    tmp.mkdir()
    wrote = subprocess.run(
        [*container(place / "tmp", tmp), "sh", "-c", 'echo > "$0"', str(place / "file")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Read-only file system" in wrote.stderr


def kubelet_sub_path(path: Path) -> None:
    """Make what kubelet makes for a subPath: root's, with the volume's mode and group."""
    mode = stat.S_IMODE(path.parent.stat().st_mode)
    path.mkdir()
    path.chmod(mode)


def prepare(root: Path) -> None:
    """Run the DaemonSet's first step as its securityContext says."""
    [pod] = [pod for pod in pods(example("node")) if pod.kind == "DaemonSet"]
    [step] = [c for c in pod.containers if c["name"] == "directory"]
    context = step["securityContext"]
    user = as_user(context["runAsUser"], context["runAsGroup"])
    command = [word.replace("/var/lib/outboxes", str(root)) for word in step["command"]]
    done = subprocess.run([*user, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
