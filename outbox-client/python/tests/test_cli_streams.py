"""The ``outbox`` command when standard input, output or error fail, or a signal ends it."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest
from support import eventually

import outbox_client
from outbox_client.testing import read_events

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_PRINTED = 9
COMMAND = [sys.executable, "-m", "outbox_client._cli"]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(Path(outbox_client.__file__).parents[1]),
    "PYTHONWARNINGS": "error",
}
ENVIRONMENT.pop("PYTHONUNBUFFERED", None)  # it would hide what is still in a buffer
LINE = b'{"value": "x"}\n'


@pytest.fixture(autouse=True)
def _directory(outbox_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "OUTBOX_DIR", str(outbox_path))


def shell(script: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a shell's script in which ``outbox`` is the command."""
    words = " ".join(f"'{word}'" for word in COMMAND)
    return subprocess.run(
        ["bash", "-c", f'outbox() {{ {words} "$@"; }}\nCOMMAND=({words})\n{script}'],
        input=data,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=120,
        check=False,
    )


def count(path: Path) -> int:
    return len(read_events(path))


def start(
    arguments: Sequence[str], stdin: int | None = subprocess.PIPE, stdout: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )


def stream(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def test_all_events_are_appended_when_nobody_reads_the_receipts(outbox_path: Path) -> None:
    done = shell("outbox append --ndjson | head -1; exit ${PIPESTATUS[0]}", LINE * 3000)
    assert count(outbox_path) == 3000
    assert done.returncode == NOT_PRINTED, done.stderr
    assert done.stdout.startswith(b"1 ")
    assert b"3000 events were appended" in done.stderr
    assert b"Broken pipe" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("redirection", "reason"),
    [("> /dev/full", b"No space left"), (">&-", b"Bad file descriptor")],
)
@pytest.mark.parametrize(
    "verb",
    ["append --ndjson", "append --ndjson --atomic", "append v", "init", "status", "init --json"],
)
def test_what_cannot_be_printed_is_done_and_told(
    verb: str, redirection: str, reason: bytes, outbox_path: Path
) -> None:
    assert shell("outbox append first").returncode == 0
    done = shell(f"outbox {verb} {redirection}", LINE * 5)
    assert done.returncode == NOT_PRINTED, done.stderr
    assert reason in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""
    assert count(outbox_path) == (6 if "--ndjson" in verb else 2 if verb == "append v" else 1)
    assert read_events(outbox_path)[0].value == b"first"


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
def test_wait_tells_the_outcome_by_its_code_also_when_it_cannot_print(redirection: str) -> None:
    shell("outbox append first")
    done = shell(f"outbox wait 1 --timeout 0 {redirection}")
    assert done.returncode == 13
    assert b"could not be printed" in done.stderr


@pytest.mark.parametrize("what", ["--help", "append --help", "--version"])
def test_help_that_cannot_be_printed_is_told(what: str) -> None:
    done = shell(f"outbox {what} > /dev/full")
    assert done.returncode == NOT_PRINTED, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_a_bad_line_counts_more_than_receipts_that_could_not_be_printed(outbox_path: Path) -> None:
    done = shell("outbox append --ndjson > /dev/full", LINE * 2 + b"wrong\n")
    assert done.returncode == 3
    assert b"line 3" in done.stderr
    assert b"2 events were appended before it" in done.stderr
    assert b"No space left" in done.stderr
    assert count(outbox_path) == 2


@pytest.mark.parametrize("redirection", ["2> /dev/full", "2>&-"])
def test_complaints_that_cannot_be_printed_change_no_code_and_are_no_receipts(
    redirection: str, outbox_path: Path
) -> None:
    done = shell(f"outbox append --ndjson {redirection}", LINE * 2 + b"wrong\n")
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) == 2
    assert b"wrong" not in done.stdout
    assert shell(f"outbox append x --topic 'a b' {redirection}").returncode == 3
    assert shell(f"outbox append --nonsense {redirection}").returncode == 2
    assert count(outbox_path) == 2


def test_with_everything_closed_the_outbox_is_not_written_to_by_accident(
    outbox_path: Path,
) -> None:
    assert shell("outbox append v <&- >&- 2>&-").returncode == NOT_PRINTED
    assert shell("outbox append --topic 'a b' v <&- >&- 2>&-").returncode == 3
    assert shell("outbox status <&- >&- 2>&-").returncode == NOT_PRINTED
    assert [event.value for event in read_events(outbox_path)] == [b"v"]


@pytest.mark.parametrize("arguments", ["append", "append --ndjson", "append -"])
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [("<&-", b"Bad file descriptor"), ("< /proc/self/mem", b"Input/output error")],
)
def test_input_that_cannot_be_read_is_not_empty_input(
    arguments: str, redirection: str, reason: bytes, outbox_path: Path
) -> None:
    done = shell(f"outbox {arguments} {redirection}")
    assert done.returncode == 6, done.stderr
    assert reason in done.stderr
    assert b"Traceback" not in done.stderr
    assert not outbox_path.exists() or count(outbox_path) == 0


@pytest.mark.parametrize("arguments", ["append", "append --ndjson"])
def test_input_that_is_not_there_yet_is_not_its_end(arguments: str, outbox_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    process = start(arguments.split(), stdin=reading)
    for part in (b'{"value"', b': "x"}', b"\n", b'{"value": "y"}\n'):
        # It sleeps in poll: there is nothing to be read.
        eventually(lambda: _sleeps(process.pid))
        os.write(writing, part)
    os.close(writing)
    os.close(reading)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert out
    found = [event.value for event in read_events(outbox_path)]
    assert found in ([b"x", b"y"], [b'{"value": "x"}\n{"value": "y"}\n'])


def test_receipts_wait_for_a_slow_reader_also_without_blocking(outbox_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    process = start(["append", "--ndjson", "--json"], stdout=writing)
    os.close(writing)
    feeder = os.fork()
    if feeder == 0:
        stream(process.stdin).write(LINE * 3000)
        stream(process.stdin).close()
        os._exit(0)
    stream(process.stdin).close()
    eventually(lambda: process.poll() is not None or _sleeps(process.pid))
    with os.fdopen(reading, "rb") as pipe:
        receipts = pipe.read()
    os.waitpid(feeder, 0)
    assert process.wait(60) == 0, stream(process.stderr).read()
    stream(process.stderr).close()
    assert len(receipts.splitlines()) == 3000
    assert count(outbox_path) == 3000


def test_each_receipt_is_out_before_more_input_is_awaited() -> None:
    process = start(["append", "--ndjson"])
    for number in (1, 2, 3):
        stream(process.stdin).write(LINE)
        stream(process.stdin).flush()
        assert stream(process.stdout).readline().startswith(b"%d " % number)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_at_a_kill_at_most_the_last_event_lacks_its_receipt(outbox_path: Path) -> None:
    process = start(["append", "--ndjson"])
    stream(process.stdin).write(LINE * 200)
    stream(process.stdin).flush()
    receipts = [stream(process.stdout).readline() for _ in range(50)]
    process.kill()
    receipts += stream(process.stdout).readlines()
    process.communicate()
    assert 0 <= count(outbox_path) - len([r for r in receipts if r.endswith(b"\n")]) <= 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_between_two_events_and_it_says_how_many(
    number: signal.Signals, outbox_path: Path
) -> None:
    process = start(["append", "--ndjson"])
    stream(process.stdin).write(LINE * 7 + LINE[:5])
    stream(process.stdin).flush()
    receipts = [stream(process.stdout).readline() for _ in range(7)]
    assert receipts[-1].startswith(b"7 ")
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == -number, error
    assert b"7 events were appended" in error
    assert number.name.encode() in error
    assert b"Traceback" not in error
    assert count(outbox_path) == 7


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_signal_before_the_end_of_an_atomic_input_means_nothing_of_it(
    end: bytes, outbox_path: Path
) -> None:
    shell("outbox append first")
    process = start(["append", "--ndjson", "--atomic"])
    stream(process.stdin).write(LINE * 7 + LINE.rstrip() + end)
    stream(process.stdin).flush()
    eventually(lambda: _has_read_all(process) and _sleeps(process.pid))
    process.send_signal(signal.SIGTERM)
    out, error = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert out == b""
    assert b"0 events were appended" in error
    assert count(outbox_path) == 1


def test_a_signal_ends_it_while_nobody_takes_the_receipts(outbox_path: Path) -> None:
    process = start(["append", "--ndjson"])
    feeder = os.fork()
    if feeder == 0:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.write(stream(process.stdin).fileno(), LINE * 4000)
        os._exit(0)
    stream(process.stdin).close()
    process.stdin = None
    eventually(lambda: _sleeps(process.pid))
    process.send_signal(signal.SIGTERM)
    out, error = process.communicate(timeout=60)
    os.waitpid(feeder, 0)
    assert process.returncode == -signal.SIGTERM
    assert b"events were appended" in error
    appended = count(outbox_path)
    assert f"{appended} events were appended".encode() in error
    assert len(out.splitlines()) <= appended


@pytest.mark.parametrize("arguments", [["append"], ["append", "--ndjson"], ["wait", "1"]])
def test_ctrl_c_shows_no_traceback(arguments: list[str]) -> None:
    shell("outbox append first")
    process = start([*arguments, "--json"])
    # Python itself handles SIGINT from its start on.
    handled = signal.SIGTERM if arguments[0] == "append" else signal.SIGINT
    eventually(lambda: _sleeps(process.pid, handled))
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert b"Traceback" not in error


def test_an_ignored_hang_up_stays_ignored() -> None:
    done = shell(
        "trap '' HUP; mkfifo $OUTBOX_DIR.fifo\n"
        '"${COMMAND[@]}" append --ndjson <$OUTBOX_DIR.fifo & child=$!\n'
        "exec 3>$OUTBOX_DIR.fifo; echo '{\"value\": 1}' >&3\n"
        "until [ -e $OUTBOX_DIR/outbox.state ]; do :; done\n"
        "kill -HUP $child; echo '{\"value\": 2}' >&3; exec 3>&-; wait $child"
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_the_shell_sees_the_conventional_codes() -> None:
    done = shell(
        "mkfifo $OUTBOX_DIR.fifo; exec 3<>$OUTBOX_DIR.fifo\n"
        '"${COMMAND[@]}" append --ndjson <&3 & child=$!\n'
        "echo '{\"value\": 1}' >&3; until [ -e $OUTBOX_DIR/outbox.state ]; do :; done\n"
        "kill -TERM $child; wait $child; exit $?"
    )
    assert done.returncode == 143, done.stderr


def test_a_path_of_any_bytes_is_printed_as_it_is(outbox_path: Path) -> None:
    path = os.fsencode(outbox_path) + b"-\xff"
    done = shell("outbox init --dir \"$OUTBOX_DIR\"-$'\\xff'; outbox init --json --dir $OUTBOX_DIR")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(path)


def test_a_terminal_that_is_hung_up_is_told() -> None:
    leader, follower = pty.openpty()
    process = start(["append", "--ndjson"], stdin=follower)
    os.close(follower)
    os.write(leader, LINE)
    assert stream(process.stdout).readline().startswith(b"1 ")
    os.close(leader)  # a read gives EIO, or the end
    process.communicate(timeout=60)
    assert process.returncode in (0, 6, -signal.SIGHUP)


def _has_read_all(process: subprocess.Popen[bytes]) -> bool:
    unread = fcntl.ioctl(stream(process.stdin), termios.FIONREAD, bytes(4))
    return unread == bytes(4)


def _sleeps(pid: int, handled: signal.Signals = signal.SIGTERM) -> bool:
    """Whether it waits for something, and is so far that it handles a signal."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0] == "S" and _handles(pid, handled)


def _handles(pid: int, number: signal.Signals) -> bool:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def test_a_process_that_gets_no_signal_from_itself_ends_with_its_code() -> None:
    """As the first one of a container: the kernel drops what it would not handle."""
    program = """
import os, signal
from outbox_client._stop_signals import end_by
os.kill = lambda *_: None
end_by(signal.SIGTERM)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 143
