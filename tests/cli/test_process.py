"""The real process: signals, closed pipes, bugs, warnings, colours."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = "from pmlcli.cli.app import main; "
COMMAND = [sys.executable, "-c", MAIN + "main()"]


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PMLCLI_") and k != "NO_COLOR"}
    return {**kept, "TERM": "xterm", "COLUMNS": "100", **more}


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )


RAISES = f"import pmlcli.cli.algorithms as a\ndef fail(*_): {{body}}\na.list_algorithms = fail\n{MAIN}main()"


def test_a_bug_is_one_line_and_says_how_to_see_more() -> None:
    program = RAISES.format(body="raise KeyError('x')")
    done = python(program, "algorithms")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "error: a bug in pmlcli: KeyError: 'x'"
    assert "--debug" in done.stderr.splitlines()[1]
    assert "Traceback" in python(program, "algorithms", "--debug").stderr


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("raise KeyboardInterrupt", 130, "interrupted; nothing half-written is left"),
        ("import os; os.kill(os.getpid(), 15)", 143, "terminated; nothing half-written is left"),
        ("raise MemoryError", 74, "error: out of memory"),
        ("raise OSError(28, 'No space left on device', 'x')", 74, "error: x: No space left on device"),
        ("raise BrokenPipeError", 141, ""),
    ],
)
def test_how_a_run_ends_from_outside(body: str, code: int, message: str) -> None:
    done = python(RAISES.format(body=body), "algorithms")
    assert done.returncode == code
    assert done.stdout == ""
    assert (done.stderr.splitlines() or [""])[0] == message
    assert "Traceback" not in done.stderr


def test_ctrl_c_reaches_a_reading_process() -> None:
    # A shell's background job, in which tests may run too, ignores the signal, and so would its children.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program = heeding + "print('up', flush=True); " + MAIN + "main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "inspect", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # Some bytes of a log, so that it is surely read when the signal comes; the rest never arrives.
        assert process.stdin is not None
        process.stdin.write(b"case_id,activity\n" * 20_000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in errors


def test_a_reader_that_stops_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "algorithms", "--json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment(),
        check=False,
    )
    os.close(writing)
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_midway_is_noticed(unbuffered: str) -> None:
    """Unbuffered, Python takes a write that was cut short for a whole one."""
    command = [sys.executable, "-m", "pmlcli", "algorithms", "--json"]
    writer = environment(PYTHONUNBUFFERED=unbuffered)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=writer) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["algorithms"], ["algorithms", "--json"]])
def test_a_full_stdout_is_one_line(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, env=environment(), check=False
        )
    assert done.returncode == 74
    assert done.stderr.splitlines() == [b"error: No space left on device"]


def on_terminal(arguments: list[str], **variables: str) -> str:
    """What a terminal on stdout gets."""
    main, child = pty.openpty()
    done = subprocess.run(
        [*COMMAND, *arguments], stdout=child, stderr=subprocess.PIPE, env=environment(**variables), check=True
    )
    os.close(child)
    received = b""
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not chunk:
            break
        received += chunk
    os.close(main)
    assert done.stderr == b""
    return received.decode()


def test_colours_only_on_a_terminal_that_wants_them() -> None:
    assert "\x1b[" in on_terminal(["algorithms"])
    assert "\x1b[" not in on_terminal(["algorithms"], NO_COLOR="1")
    assert "\x1b[" not in on_terminal(["algorithms"], TERM="dumb")
    assert "\x1b[" not in python(MAIN + "main()", "algorithms").stdout


def test_a_terminal_gets_a_table_and_a_pipe_gets_csv(model: Path, csv_log: Path) -> None:
    arguments = ["predict", str(model), str(csv_log), "--cases", "all", "-q"]
    piped = python(MAIN + "main()", *arguments).stdout
    assert piped.splitlines()[0].startswith("case_id,prefix_length,current_activity,")
    shown = on_terminal(arguments, NO_COLOR="1")
    assert "case_id" in shown
    assert "case_id,prefix_length" not in shown


def complete(words: str, index: int) -> list[str]:
    done = subprocess.run(
        COMMAND,
        capture_output=True,
        text=True,
        check=False,
        env=environment(_PMLCLI_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(index)),
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_the_shell_is_offered_what_there_is() -> None:
    assert "train" in complete("pmlcli tr", 1)
    assert "next-activity/ngram" in complete("pmlcli train log.csv -a next", 4)
    assert "next-activity" in complete("pmlcli train log.csv -t ne", 4)
    assert complete("pmlcli train log.csv -a ngram -p or", 6) == ["order="]
    assert complete("pmlcli verify m --level re", 4) == ["replay"]
    assert "isolation-forest" in complete("pmlcli train log.csv -a isol", 4)
    assert complete("pmlcli predict m --level ev", 4) == ["event"]
    assert "arrivals" in complete("pmlcli inspect log.csv --kpi arr", 4)
    assert "arrivals" in complete("pmlcli train log.csv --kpi arr", 4)
