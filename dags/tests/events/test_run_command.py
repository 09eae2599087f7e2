"""``outbox run``: a command is what it is without it, and events tell what became of it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pty
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_outbox.events import EventType, WorkflowEvent
from harness.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outbox_client.testing import TemporaryOutbox

RUN = [sys.executable, "-m", "outbox_client._cli", "run"]
WITHIN = 60.0

# Notes each signal that it gets, says when it is ready, and ends by SIGUSR2.
NOTES = """
import os, signal, sys, time
got = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT,
               signal.SIGABRT, signal.SIGTRAP):
    signal.signal(number, lambda number, frame: got.append(signal.Signals(number).name))
def end(number, frame):
    os.write(1, (",".join(got) + "\\n").encode())
    os._exit(5)
signal.signal(signal.SIGUSR2, end)
os.write(1, b"ready\\n")
while True:
    time.sleep(0.05)
"""


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*RUN, *words], capture_output=True, timeout=WITHIN, check=False, **options
    )


def told(outbox: TemporaryOutbox) -> list[WorkflowEvent]:
    return [WorkflowEvent.from_json(event.value or b"") for event in outbox.events()]


def kinds(outbox: TemporaryOutbox) -> list[str]:
    return [str(event.event_type) for event in told(outbox)]


def test_start_and_end_are_told_with_what_is_known_of_them(outbox: TemporaryOutbox) -> None:
    done = run("--workflow-id", "backup", "--run-id", "2025-01-31", "--", "sh", "-c", "exit 0")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    started, completed = told(outbox)
    for event in (started, completed):
        assert (event.workflow_id, event.workflow_run_id) == ("backup", "2025-01-31")
        assert event.source == "CUSTOM"
        assert event.metadata["publisher"] == "run"
        assert event.metadata["try_number"] == 1
        assert event.payload["command"] == "sh"
    assert started.event_type is EventType.WORKFLOW_STARTED
    assert completed.event_type is EventType.WORKFLOW_COMPLETED
    assert completed.payload["exit_code"] == 0
    assert completed.payload["duration_seconds"] >= 0
    assert [event.key for event in outbox.events()] == [b"backup/2025-01-31"] * 2


def test_arguments_are_nobodys(outbox: TemporaryOutbox) -> None:
    run("--", "sh", "-c", "exit 1 # password=s3cret")
    run("--", "mysqldump -ps3cret /srv/db")
    assert [event.workflow_id for event in told(outbox)[2:]] == ["mysqldump"] * 2
    for event in outbox.events():
        assert (
            b"s3cret"
            not in (event.value or b"") + (event.key or b"") + repr(event.headers).encode()
        )


def test_a_command_without_a_name_of_its_own_has_the_programs(outbox: TemporaryOutbox) -> None:
    run("--", "/bin/true")
    run("--", "/bin/true")
    assert {event.workflow_id for event in told(outbox)} == {"true"}
    assert len({event.workflow_run_id for event in told(outbox)}) == 2


def test_a_repeated_start_is_the_same_fact_and_another_try_is_not(outbox: TemporaryOutbox) -> None:
    for number in ("1", "1", "2"):
        run("--run-id", "r", "--try-number", number, "--", "false")
    ids = [event.event_id for event in told(outbox)]
    assert ids[0:2] == ids[2:4]
    assert not set(ids[0:2]) & set(ids[4:6])
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    "script",
    [
        "exit 0",
        "exit 1",
        "exit 2",
        "exit 126",
        "exit 137",
        "exit 255",
        "kill -TERM $$",
        "kill -KILL $$",
        "kill -INT $$",
        "kill -SEGV $$",
        "kill -PIPE $$",
        "kill -USR1 $$",
    ],
)
def test_the_exit_is_the_commands(outbox: TemporaryOutbox, script: str) -> None:
    ulimit = f"ulimit -c 0; {script}"
    bare = subprocess.run(["sh", "-c", ulimit], check=False)
    assert run("--", "sh", "-c", ulimit).returncode == bare.returncode
    (_, end) = told(outbox)
    assert end.event_type == ("WORKFLOW_FAILED" if bare.returncode else "WORKFLOW_COMPLETED")
    if bare.returncode < 0:
        assert end.payload["signal"] == signal.Signals(-bare.returncode).name
        assert "exit_code" not in end.payload
    else:
        assert end.payload["exit_code"] == bare.returncode


def test_what_cannot_be_started_ends_as_in_a_shell(outbox: TemporaryOutbox, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no program")
    for command, code in (("no-such-command", 127), (str(text), 126)):
        done = run("--", command)
        assert done.returncode == code
        assert command.encode() in done.stderr
        assert told(outbox)[-1].payload["exit_code"] == code
    assert kinds(outbox) == ["WORKFLOW_STARTED", "WORKFLOW_FAILED"] * 2


def test_a_script_that_does_not_say_what_runs_it_is_the_shells(
    outbox: TemporaryOutbox, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text('echo "$1"; exit 4\n')
    script.chmod(0o755)
    done = run("--", str(script), "hello")
    assert (done.returncode, done.stdout) == (4, b"hello\n")
    assert kinds(outbox) == ["WORKFLOW_STARTED", "WORKFLOW_FAILED"]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--"],
        ["--", ""],
        ["true"],
        ["--try-number", "0", "--", "x"],
        ["--", "A_1=s3cret", "true"],
    ],
)
def test_a_wrong_command_line_runs_nothing(outbox: TemporaryOutbox, words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert b"usage: outbox run" in done.stderr
    assert b"s3cret" not in done.stderr
    assert not outbox.events()


# --- what the command finds ---


def both(script: str, **options: Any) -> tuple[bytes, bytes]:
    """What a shell's script prints without and with ``outbox run``."""
    bare = subprocess.run(
        ["sh", "-c", script], capture_output=True, timeout=WITHIN, check=False, **options
    )
    under = run("--", "sh", "-c", script, **options)
    return bare.stdout, under.stdout


@pytest.mark.parametrize(
    "script",
    [
        "env | sort",
        "pwd; umask; ulimit -a",
        "for fd in /proc/self/fd/*; do echo ${fd##*/}; done",
        "nice; cat /proc/self/oom_score_adj",
        "ps -o pgid=,sid= -p $$",
    ],
)
@pytest.mark.usefixtures("outbox")
def test_a_command_finds_what_it_finds_without(script: str) -> None:
    bare, under = both(script)
    assert bare == under
    assert bare


@pytest.mark.parametrize(
    "locale",
    [{}, {"LANG": "C"}, {"LC_CTYPE": "C"}, {"LC_CTYPE": "xx_XX"}, {"LC_ALL": "C"}],
    ids=str,
)
def test_the_locale_stays_what_it_is(outbox: TemporaryOutbox, locale: dict[str, str]) -> None:
    """Python sets LC_CTYPE where it is C, as under cron: texts would have other lengths."""
    environment = {"PATH": os.environ["PATH"], "OUTBOX_DIR": str(outbox.path), **locale}
    bare, under = both("env | sort; printf 'caf\\303\\251' | wc -m", env=environment)
    assert bare == under
    assert kinds(outbox) == ["WORKFLOW_STARTED", "WORKFLOW_COMPLETED"]


def test_an_entry_of_the_environment_without_a_name_is_no_obstacle(
    outbox: TemporaryOutbox,
) -> None:
    done = subprocess.run(
        ["env", "=x", *RUN, "--", "sh", "-c", "exit 5"], timeout=WITHIN, check=False
    )
    assert done.returncode == 5
    assert kinds(outbox) == ["WORKFLOW_STARTED", "WORKFLOW_FAILED"]


@pytest.mark.usefixtures("outbox")
def test_ignored_and_blocked_signals_stay_so() -> None:
    def before() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])

    for options in ({}, {"preexec_fn": before}):
        bare, under = both("grep -E 'Sig(Blk|Ign)' /proc/self/status", **options)
        assert _signals(bare) == _signals(under)


def _signals(status: bytes) -> list[tuple[str, int]]:
    # Those of glibc's threads, 32 and 33, are ignored in whatever posix_spawn(3) starts, until
    # there are threads.
    own = ~(3 << 31)
    lines = [line.split() for line in status.decode().splitlines()]
    return [(name, int(bits, 16) & own) for name, bits in lines]


@pytest.mark.usefixtures("outbox")
def test_descriptors_of_the_caller_are_handed_on() -> None:
    read, write = os.pipe()
    script = f"import os; os.write({write}, b'through')"
    done = run("--", sys.executable, "-c", script, pass_fds=[write])
    os.close(write)
    assert done.returncode == 0
    assert os.read(read, 100) == b"through"
    os.close(read)


def test_closed_streams_are_closed_for_the_command_too(outbox: TemporaryOutbox) -> None:
    script = "ls -l /proc/self/fd > $0"
    target = Path(outbox.path).parent / "seen"

    def close_all() -> None:
        for fd in (0, 1, 2):
            os.close(fd)

    seen = []
    for words in (["sh"], [*RUN, "--", "sh"]):
        subprocess.run(
            [*words, "-c", script, str(target)], preexec_fn=close_all, timeout=WITHIN, check=False
        )
        lines = target.read_text().splitlines()[1:]
        seen.append([line.split()[8] for line in lines])
    assert seen[0] == seen[1]
    assert kinds(outbox) == ["WORKFLOW_STARTED", "WORKFLOW_COMPLETED"]


@pytest.mark.usefixtures("outbox")
def test_ten_megabytes_pass_unchanged_in_and_out() -> None:
    data = os.urandom(10 << 20)
    done = run("--", "sh", "-c", "tee /dev/stderr", input=data)
    for printed in (done.stdout, done.stderr):
        assert hashlib.sha256(printed).digest() == hashlib.sha256(data).digest()


@pytest.mark.usefixtures("outbox")
def test_a_reader_that_leaves_ends_the_command_as_without() -> None:
    script = "{ %s sh -c 'while echo y; do :; done' 2>/dev/null; echo $? >&2; } | head -1"
    seen = []
    for before in ("", " ".join([*RUN, "--"])):
        done = subprocess.run(
            ["sh", "-c", script % before], capture_output=True, timeout=WITHIN, check=False
        )
        seen.append((done.stdout, done.stderr))
    assert seen[0] == seen[1]
    assert seen[0][0] == b"y\n"


# --- signals ---


@contextlib.contextmanager
def begun(*words: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*RUN, *words], stdin=pipe, stdout=pipe, stderr=pipe, **options
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process


def only_child_of(pid: int) -> int:
    (child,) = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return child


def got(pid: int, number: int) -> None:
    """Wait until a process has no such signal pending any more."""

    def taken() -> bool:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        pending = [
            int(line.split()[1], 16) for line in lines if line.startswith(("ShdPnd", "SigPnd"))
        ]
        return not any(bits >> (number - 1) & 1 for bits in pending)

    eventually(f"{number} is taken by {pid}", taken)


def test_signals_reach_the_command_once_and_in_order(outbox: TemporaryOutbox) -> None:
    with begun("--", sys.executable, "-c", NOTES) as process:
        child = only_child_of(process.pid)
        sent = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT]
        sent += [signal.SIGABRT, signal.SIGTRAP]
        for number in sent:
            process.send_signal(number)
            got(process.pid, number)
            got(child, number)
        process.send_signal(signal.SIGUSR2)
        out, _ = process.communicate(timeout=WITHIN)
        assert out.decode().strip().split(",") == [number.name for number in sent]
        assert process.returncode == 5
        assert told(outbox)[-1].payload["exit_code"] == 5


def test_what_the_command_sends_to_its_group_does_not_come_back(outbox: TemporaryOutbox) -> None:
    script = NOTES.replace("os.write(1, b", "os.kill(0, signal.SIGTERM)\nos.write(1, b")
    with begun("--", sys.executable, "-c", script, start_new_session=True) as process:
        got(process.pid, signal.SIGTERM)
        process.send_signal(signal.SIGUSR2)
        out, _ = process.communicate(timeout=WITHIN)
        assert out == b"SIGTERM\n"
        assert kinds(outbox) == ["WORKFLOW_STARTED", "WORKFLOW_FAILED"]


def test_an_alarm_that_was_set_before_is_the_commands(outbox: TemporaryOutbox) -> None:
    """As ``perl -e 'alarm 10; exec @ARGV'`` limits the time of a command."""
    done = run("--", "sleep", "600", preexec_fn=lambda: signal.setitimer(signal.ITIMER_REAL, 2.0))
    assert done.returncode == -signal.SIGALRM
    assert told(outbox)[-1].payload["signal"] == "SIGALRM"


def test_a_hangup_ends_the_command_of_a_sessions_leader(outbox: TemporaryOutbox) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(RUN[0], [*RUN, "--", "sh", "-c", "echo ready; exec sleep 600"])
    seen = b""
    while b"ready" not in seen:
        seen += os.read(terminal, 4096)
    child = only_child_of(pid)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGHUP
    assert not Path(f"/proc/{child}").exists()
    assert told(outbox)[-1].payload["signal"] == "SIGHUP"


def test_a_command_that_may_not_be_sent_a_signal_keeps_its_exit(outbox: TemporaryOutbox) -> None:
    if os.geteuid() != 0:
        pytest.skip("a command of another user needs root")
    other = ["setpriv", "--reuid=61001", "--clear-groups", "--"]
    script = "echo ready; read line; exit 7"
    with subprocess.Popen(
        [
            "setpriv",
            "--bounding-set=-kill",
            "--inh-caps=-kill",
            *RUN,
            "--",
            *other,
            "sh",
            "-c",
            script,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        got(process.pid, signal.SIGTERM)
        process.communicate(b"\n", timeout=WITHIN)
    assert process.returncode == 7
    assert told(outbox)[-1].payload["exit_code"] == 7


def test_nohup_holds(outbox: TemporaryOutbox) -> None:
    with begun(
        "--",
        "sh",
        "-c",
        "echo ready; read line; echo $line",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    ) as process:
        process.send_signal(signal.SIGHUP)
        got(process.pid, signal.SIGHUP)
        assert process.communicate(b"still here\n", timeout=WITHIN)[0] == b"still here\n"
        assert process.returncode == 0
        assert kinds(outbox)[-1] == "WORKFLOW_COMPLETED"


def test_whoever_ignores_ended_children_hears_of_it(outbox: TemporaryOutbox) -> None:
    done = run(
        "--", "sh", "-c", "exit 3", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    )
    assert done.returncode == 3
    assert told(outbox)[-1].payload["exit_code"] == 3


def test_killed_itself_it_tells_nothing_and_the_command_goes_on(outbox: TemporaryOutbox) -> None:
    with begun("--", "sh", "-c", "echo ready; read line; echo $line; read line") as process:
        child = only_child_of(process.pid)
        process.kill()
        process.wait(WITHIN)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"alive\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"alive\n"
        process.stdin.close()
        eventually("the command has ended", lambda: not Path(f"/proc/{child}").exists())
        assert kinds(outbox) == ["WORKFLOW_STARTED"]


def test_init_of_a_container_reaps_and_ends(outbox: TemporaryOutbox) -> None:
    if os.geteuid() != 0:
        pytest.skip("a process namespace needs root")
    # An orphan of the command's ends before it; the command ends by a signal.
    script = "(sleep 0.1 &) ; sleep 0.5; kill -TERM $$"
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", *RUN, "--", "sh", "-c", script],
        capture_output=True,
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert told(outbox)[-1].payload["signal"] == "SIGTERM"


class Terminal:
    """An interactive shell at a terminal of its own."""

    def __init__(self) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["PS1"] = "prompt> "
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.seen = b""

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def see(self, text: str) -> bytes:
        """Wait until it shows *text*, behind what was waited for before; what stood before that."""
        import select

        until = time.monotonic() + WITHIN
        while text.encode() not in self.seen:
            left = until - time.monotonic()
            assert left > 0, f"not shown: {text!r}, but {self.seen!r}"
            if select.select([self.fd], [], [], left)[0]:
                self.seen += os.read(self.fd, 4096)
        before, _, self.seen = self.seen.partition(text.encode())
        return before

    def close(self) -> None:
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def test_a_terminals_keys_stop_resume_and_interrupt_the_job(outbox: TemporaryOutbox) -> None:
    terminal = Terminal()
    try:
        terminal.see("prompt> ")
        command = " ".join(RUN)
        terminal.type(f"{command} -- sh -c 'echo ready; exec cat'\n")
        terminal.see("\rready")
        terminal.type("one\n")
        terminal.see("one\r\none\r\n")
        terminal.type("\x1a")  # ^Z
        terminal.see("Stopped")
        terminal.see("prompt> ")
        terminal.type("fg\n")
        terminal.see("exec cat'\r\n")
        terminal.type("two\n")
        terminal.see("two\r\ntwo\r\n")
        terminal.type("\x03")  # ^C
        terminal.see("prompt> ")
        terminal.type("echo code $?\n")
        terminal.see("\rcode 130")
    finally:
        terminal.close()
    assert told(outbox)[-1].payload["signal"] == "SIGINT"


def test_a_terminals_interrupt_comes_once(outbox: TemporaryOutbox, tmp_path: Path) -> None:
    terminal = Terminal()
    script = tmp_path / "notes.py"
    script.write_text(NOTES)
    try:
        terminal.see("prompt> ")
        terminal.type(f"{' '.join(RUN)} -- {sys.executable} {script}\n")
        terminal.see("ready")
        terminal.type("\x03")
        terminal.see("^C")
        runner = only_child_of(terminal.pid)
        child = only_child_of(runner)
        for pid in (runner, child):
            got(pid, signal.SIGINT)
        os.kill(runner, signal.SIGUSR2)
        assert terminal.see("prompt> ").count(b"SIGINT") == 1
    finally:
        terminal.close()
    assert kinds(outbox) == ["WORKFLOW_STARTED", "WORKFLOW_FAILED"]


# --- an outbox that does not take it ---


@pytest.mark.parametrize("directory", [None, "/no/such/place"])
def test_a_command_runs_where_nothing_can_be_published(directory: str | None) -> None:
    environment = {**os.environ, **({} if directory is None else {"OUTBOX_DIR": directory})}
    done = run("--run-id", "r1", "--", "sh", "-c", "echo done; exit 6", env=environment)
    assert (done.returncode, done.stdout) == (6, b"done\n")
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 2
    for line, kind in zip(lines, ("WORKFLOW_STARTED", "WORKFLOW_FAILED"), strict=True):
        assert line.startswith(f"outbox run: cannot publish {kind} of sh r1: OutboxUnavailable: ")


def test_a_lock_that_is_held_holds_up_neither_start_nor_signals(outbox: TemporaryOutbox) -> None:
    run("--", "true")
    lock = os.open(f"{outbox.path}/outbox.lock", os.O_RDWR)
    fcntl.lockf(lock, fcntl.LOCK_EX)
    with begun("--", sys.executable, "-c", NOTES) as process:
        process.send_signal(signal.SIGTERM)
        got(process.pid, signal.SIGTERM)
        got(only_child_of(process.pid), signal.SIGTERM)
        process.send_signal(signal.SIGUSR2)
        eventually("it ends", lambda: process.poll() is not None)
        os.close(lock)
        assert process.returncode == 5
        assert process.stdout is not None
        assert process.stdout.read() == b"SIGTERM\n"
        assert process.stderr is not None
        assert b"cannot publish WORKFLOW_STARTED" in process.stderr.read()


def test_a_message_that_nobody_reads_is_no_reason_to_stay(outbox: TemporaryOutbox) -> None:
    """Standard error is a full pipe, and the outbox refuses."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, bytes(4096))
    os.set_blocking(write, True)
    environment = {**os.environ, "OUTBOX_DIR": "/no/such/place"}
    done = subprocess.run(
        [*RUN, "--", "true"], stderr=write, env=environment, timeout=WITHIN, check=False
    )
    os.close(read)
    os.close(write)
    assert done.returncode == 0


def test_without_a_thread_to_be_had_the_command_runs_and_is_told(outbox: TemporaryOutbox) -> None:
    program = """
import _thread
def start(call, arguments):
    raise RuntimeError("can't start new thread")
_thread.start_new_thread = start
from airflow_provider_outbox.events._run_command import main
raise SystemExit(main(["--", "sh", "-c", "exit 42"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=WITHIN, check=False
    )
    assert (done.returncode, done.stderr) == (42, b"")
    assert kinds(outbox) == ["WORKFLOW_STARTED", "WORKFLOW_FAILED"]


def test_a_redactor_gets_the_payload_and_not_what_identifies(
    outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hide.py").write_text("def all(values): return {}\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("AIRFLOW__OUTBOX__REDACTOR", "hide:all")
    run("--", "false")
    for event in told(outbox):
        assert event.payload == {}
        assert event.metadata["try_number"] == 1


def test_traces_are_handed_on(outbox: TemporaryOutbox, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = f"00-{uuid.uuid4().hex}-{'1' * 16}-01"
    monkeypatch.setenv("TRACEPARENT", trace)
    run("--", "true")
    for event in outbox.events():
        assert ("traceparent", trace.encode()) in [(name, value) for name, value in event.headers]


COMMANDS = 500 if os.environ.get("TORTURE") == "1" else 60
SCRIPTS: Sequence[tuple[str, int]] = [
    ("exit 0", 0),
    ("exit 1", 1),
    ("exit 137", 137),
    ("kill -KILL $$", -9),
    ("kill -TERM $$", -15),
    ("head -c 100000 /dev/zero", 0),
]


def test_many_commands_at_once_are_each_told_once(outbox: TemporaryOutbox) -> None:
    def one(number: int) -> tuple[int, int]:
        script, code = SCRIPTS[number % len(SCRIPTS)]
        done = run("--workflow-id", "w", "--run-id", str(number), "--", "sh", "-c", script)
        assert not done.stderr
        return done.returncode, code

    with ThreadPoolExecutor(4) as pool:
        for returned, wanted in pool.map(one, range(COMMANDS)):
            assert returned == wanted
    seen: dict[str, list[WorkflowEvent]] = {}
    for event in told(outbox):
        seen.setdefault(event.workflow_run_id, []).append(event)
    assert set(seen) == {str(number) for number in range(COMMANDS)}
    for run_id, events in seen.items():
        _, code = SCRIPTS[int(run_id) % len(SCRIPTS)]
        started, end = events
        assert started.event_type is EventType.WORKFLOW_STARTED
        if code == 0:
            assert end.event_type is EventType.WORKFLOW_COMPLETED
        elif code > 0:
            assert end.payload["exit_code"] == code
        else:
            assert end.payload["signal"] == signal.Signals(-code).name
