"""Answers from a child process: a model that crashes, hangs or runs wild there ends as one error here.

The child is forked, confined (`confinement`), asked, and gone. What it sends back is read as data alone:
frames of a known kind and bounded size, JSON and arrays decoded strictly, never a pickle. Python keeps no
promise about forks beside running threads of numeric libraries, so nothing may have been computed with
more than one thread before.
"""

from __future__ import annotations

import gc
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any, NoReturn

from pmlcli import errors, runtime
from pmlcli.errors import PmlError, PmlWarning, PredictionError, ValidationError
from pmlcli.lifecycle import child_error
from pmlcli.lifecycle.blame import blamed
from pmlcli.lifecycle.confinement import (
    MEGABYTE,
    ConfinedError,
    Limits,
    bounds_memory,
    confine,
    end_with,
    isolate_streams,
    restore_signals,
)
from pmlcli.lifecycle.frames import (
    ANSWER,
    ERROR,
    HEAD,
    NO_LIMIT,
    PROGRESS,
    SMALL_FRAME,
    Files,
    Frames,
    malformed,
    packed,
    parsed,
    send,
    unpacked,
)
from pmlcli.store import strictjson

# The rule of docs/trust.md: what an honest answer about so many events, by a model of so many bytes, needs
# at most, with room to spare. JSON takes more memory than arrays once it is read.
MEMORY_BYTES, MEMORY_PER_EVENT, MEMORY_PER_JSON_BYTE, MEMORY_PER_OTHER_BYTE = 2048 * MEGABYTE, 16_384, 32, 8
CPU_SECONDS, CPU_SECONDS_PER_EVENT, CPU_SECONDS_PER_MEGABYTE = 30.0, 0.01, 2.0
MOST_CPU_SECONDS_FOR_THE_MODEL = 300.0
ANSWER_BYTES, ANSWER_BYTES_PER_EVENT = 64 * MEGABYTE, 4096
WALL_FACTOR = 10
"""Times the processor time may take on a busy machine before the child counts as hanging."""

_PROGRESS_FRAME = 4_000
_PROGRESS_A_SECOND = 20
_MOST_LABELS = 100
_OUT_OF_MEMORY = "the model needs more memory than its limit of {} MB"


def is_possible() -> bool:
    """Whether this platform can fork a confined child."""
    return hasattr(os, "fork")


def warn_of_memory() -> None:
    """Says so where the child's memory cannot be bounded (macOS); its processor time and files still are."""
    if not bounds_memory():
        warnings.warn(
            "this system cannot limit the memory of a model's process: use models that you trust",
            PmlWarning,
            stacklevel=2,
        )


def limits_for(*, events: int, files: Files) -> Limits:
    """The bounds of an answer about so many events by a model of these files."""
    all_bytes = sum(map(len, files.values()))
    json_bytes = sum(len(data) for name, data in files.items() if name.endswith(".json"))
    of_model = MEMORY_PER_JSON_BYTE * json_bytes + MEMORY_PER_OTHER_BYTE * (all_bytes - json_bytes)
    to_read = min(CPU_SECONDS_PER_MEGABYTE * all_bytes / MEGABYTE, MOST_CPU_SECONDS_FOR_THE_MODEL)
    return Limits(
        memory_bytes=MEMORY_BYTES + MEMORY_PER_EVENT * events + of_model,
        cpu_seconds=int(CPU_SECONDS + CPU_SECONDS_PER_EVENT * events + to_read) * runtime.threads(),
        result_bytes=ANSWER_BYTES + ANSWER_BYTES_PER_EVENT * events,
        threads=runtime.threads(),
    )


def ask(
    work: Callable[[], Files],
    limits: Limits,
    within: AbstractContextManager[Any],
    tellable: tuple[type[PmlError], ...] = (),
) -> Files:
    """What `work` returns in a confined child; `within` is entered there before it is confined.

    A `PmlError` of the child is raised here as it was there when it is about the model or of a kind that is
    `tellable` (see `blame`), else as one about the model. Raises `PredictionError` (exit 4) when the
    child crashes, is killed, takes too long or sends anything else than an answer. Only where `is_possible`;
    `fresh.ask` needs no fork.
    """
    if not is_possible():
        raise ValidationError(
            "this platform has no fork", hint="give --no-isolation, or trusted=True, for a model you trust"
        )
    warn_of_memory()
    parent = os.getpid()
    child, reading, writing = _forked()
    if child == 0:
        _live_as_child(work, limits, within, (reading, writing), parent)
    os.close(writing)
    return answer_of_child(child, reading, limits, tellable)


def _forked() -> tuple[int, int, int]:
    """The child's number (0 in the child), and a pipe's two ends; OutputError when the machine has none."""
    pipe: tuple[int, ...] = ()
    try:
        pipe = os.pipe()
        with warnings.catch_warnings():
            # Python 3.12 warns of threads that other libraries keep; the child starts none and joins none.
            warnings.simplefilter("ignore", DeprecationWarning)
            return os.fork(), *pipe
    except OSError as error:
        for end in pipe:
            os.close(end)
        raise errors.OutputError(
            f"the model's process cannot be started: {error.strerror}",
            hint="end other processes, or raise the limits (ulimit -n, ulimit -u)",
            context={"errno": error.errno},
        ) from error


# --- the child


def _live_as_child(
    work: Callable[[], Files],
    limits: Limits,
    within: AbstractContextManager[Any],
    pipe: tuple[int, int],
    parent: int,
) -> NoReturn:
    """Works and sends, and never returns into the caller's code: no clean-up of the parent runs twice."""
    status = 1
    try:
        reading, writing = pipe
        os.close(reading)
        end_with(parent, WALL_FACTOR * limits.cpu_seconds)
        # A group of its own, so that whatever it may have started ends with it.
        os.setpgid(0, 0)
        gc.disable()
        restore_signals()
        isolate_streams(writing)
        sink = _relay(writing) if runtime.is_watched() else None
        with within, runtime.use(threads=runtime.threads(), progress=sink):
            confine(limits)
            kind, payload = confined_work(work, limits)
            send(writing, kind, payload)
        status = 0
    finally:
        os._exit(status)


def confined_work(work: Callable[[], Files], limits: Limits) -> tuple[bytes, bytes]:
    """The kind and payload of the frame that a child sends about this work, whatever comes of it."""
    try:
        return ANSWER, packed(work())
    except PmlError as error:
        return ERROR, strictjson.dump(child_error.as_json(error))
    except MemoryError:
        megabytes = limits.memory_bytes // MEGABYTE
        return ERROR, strictjson.dump(
            child_error.as_json(PredictionError(_OUT_OF_MEMORY.format(megabytes), code="prediction.memory"))
        )
    except BaseException as error:  # noqa: BLE001 (whatever the model does ends here, as an answer)
        return ERROR, strictjson.dump(child_error.as_json(_unusable(error)))


def _unusable(error: BaseException) -> PmlError:
    if ConfinedError.first is not None:
        what = f"the model tried what no model needs ({ConfinedError.first}) and was stopped"
        told: PmlError = errors.UntrustedArtifactError(what)
    else:
        what = f"the model cannot be used ({type(error).__name__}: {error})"
        told = PredictionError(what, code="prediction.failed")
    told.add_note(_trace(error))
    return told


def _trace(error: BaseException) -> str:
    """Where the error and those that led to it arose, oldest first.

    `traceback.format_exception` parses source lines to mark places in them, which a confined process may not.
    """
    texts: list[str] = []
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        frames = [
            traceback.FrameSummary(frame.f_code.co_filename, line, frame.f_code.co_name)
            for frame, line in traceback.walk_tb(at.__traceback__)
        ]
        texts.append("".join([*traceback.format_list(frames), *traceback.format_exception_only(at)]))
        at = at.__cause__ or at.__context__
    return "\n".join(reversed(texts))


def _relay(writing: int) -> runtime.ProgressSink:
    """Progress is shown by the parent; at most a few frames a second are sent."""
    last: list[Any] = [0.0, ""]

    def sink(label: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - last[0] > 0.1 or label != last[1] or done == total:
            last[:] = [now, label]
            send(writing, PROGRESS, strictjson.dump([label[:200], done, total]))

    return sink


# --- the parent


def answer_of_child(child: int, reading: int, limits: Limits, tellable: tuple[type[PmlError], ...]) -> Files:
    """What a started child sends; it is waited for, and ended where it does not end. Errors as of `ask`."""
    kind, payload = b"?", bytearray()
    try:
        kind, payload = _last_frame(reading, limits)
    finally:
        os.close(reading)
        # A child without a word has ended, or is about to; any other is not waited for.
        status = _reaped(child, patience_seconds=0.0 if kind else 5.0)
    if kind == ANSWER:
        return unpacked(payload)
    if kind == ERROR:
        raise blamed(child_error.from_json(bytes(payload)), tellable)
    raise _crashed(status, limits)


def _reaped(child: int, patience_seconds: float) -> int:
    """How the child ended: by itself, or by our hand when it takes longer than that."""
    deadline = time.monotonic() + patience_seconds
    look = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while patience_seconds and os.waitid(os.P_PID, child, look) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    # Before it is waited for, so that its number is surely still its own: it, and what it may have started.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _last_frame(reading: int, limits: Limits) -> tuple[bytes, bytearray]:
    """The answer or error frame, progress told on the way; an empty kind when the child ended without."""
    seconds = WALL_FACTOR * limits.cpu_seconds
    frames, deadline = Frames(reading), time.monotonic() + seconds
    bounds = {PROGRESS: _PROGRESS_FRAME, ANSWER: limits.result_bytes, ERROR: SMALL_FRAME}
    labels: set[str] = set()
    for _ in range(int(_PROGRESS_A_SECOND * seconds) + _MOST_LABELS):
        head = frames.exactly(HEAD.size, deadline)
        if len(head) < HEAD.size:
            return b"", bytearray()
        kind, size = HEAD.unpack(head)
        if size > bounds.get(kind, -1):
            raise malformed("a frame of unknown kind or size")
        payload = frames.exactly(size, deadline)
        if len(payload) < size:
            return b"", bytearray()
        if kind != PROGRESS:
            return kind, payload
        step = _progress(bytes(payload))
        labels.add(step[0])
        if len(labels) > _MOST_LABELS:
            break
        runtime.report(*step)
    raise malformed("progress without end")


def _progress(payload: bytes) -> tuple[str, int, int | None]:
    match parsed(payload):
        case [str() as label, int() as done, int() | None as total] if len(label) <= 200:
            return label, done, total
    raise malformed("progress of another form")


def _crashed(status: int, limits: Limits) -> PmlError:
    """What the child's end means: a signal, or no word at all."""
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == getattr(signal, "SIGXCPU", -1):
        what, hint = f"took more than {limits.cpu_seconds} seconds of processor time", NO_LIMIT
    elif number:
        what, hint = f"crashed ({_name(number)})", "verify the model, or train it again"
    else:
        what, hint = "ended without an answer", "verify the model, or train it again"
    return PredictionError(
        f"the model {what} in its isolated process",
        code="prediction.crash",
        hint=hint,
        context={"signal": number},
    )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
