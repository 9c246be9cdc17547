"""Answers from a child process: a model that crashes, hangs or runs wild there ends as one error here.

The child is forked, confined (`confinement`), asked, and gone. What it sends back is read as data alone:
frames of a known kind and bounded size, JSON and arrays decoded strictly, never a pickle. Python keeps no
promise about forks beside running threads of numeric libraries, so nothing may have been computed with
more than one thread before.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import struct
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, NoReturn

from pmlcli import errors, runtime
from pmlcli.errors import PmlError, PmlWarning, PredictionError, ValidationError
from pmlcli.lifecycle.blame import HINT, blamed
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
from pmlcli.store import strictjson
from pmlcli.store.findings import FLAT, is_finding

Files = Mapping[str, bytes]

# The rule of docs/trust.md: what an honest answer about so many events, by a model of so many bytes, needs
# at most, with room to spare. JSON takes more memory than arrays once it is read.
MEMORY_BYTES, MEMORY_PER_EVENT, MEMORY_PER_JSON_BYTE, MEMORY_PER_OTHER_BYTE = 2048 * MEGABYTE, 16_384, 32, 8
CPU_SECONDS, CPU_SECONDS_PER_EVENT, CPU_SECONDS_PER_MEGABYTE = 30.0, 0.01, 2.0
MOST_CPU_SECONDS_FOR_THE_MODEL = 300.0
ANSWER_BYTES, ANSWER_BYTES_PER_EVENT = 64 * MEGABYTE, 4096
WALL_FACTOR = 10
"""Times the processor time may take on a busy machine before the child counts as hanging."""

_PROGRESS, _ANSWER, _ERROR = b"p", b"a", b"e"
_HEAD = struct.Struct("<cQ")
_FILE_HEAD = struct.Struct("<HQ")
_SMALL_FRAME = 64_000
_PROGRESS_FRAME = 4_000
_PROGRESS_A_SECOND = 20
_MOST_LABELS = 100
_MAX_TEXT = 4000
_UNUSABLE = errors.PersistenceError.exit_code
_READ_BYTES = 1 << 20
_MAX_FILES = 1000
_LONGEST_WAIT_SECONDS = 1_000_000
_KINDS = {
    kind.__name__: kind
    for kind in (
        errors.ValidationError,
        errors.LogError,
        errors.PredictionError,
        errors.PersistenceError,
        errors.DamagedModelError,
        errors.MissingArtifactError,
        errors.IncompatibleVersionError,
        errors.UntrustedArtifactError,
        errors.MissingDependencyError,
    )
}
"""What restoring and asking a model may raise; any other kind from the child is no answer, and of these
only the asking process says which it believes."""
_OUT_OF_MEMORY = "the model needs more memory than its limit of {} MB"
_NO_LIMIT = "predict a part of the log, or give --no-isolation for a model you trust"
_HINTS = {
    "model.untrusted": "do not use this model",
    "prediction.memory": _NO_LIMIT,
    "prediction.failed": HINT,
}
"""By code, what to do about an error that the child tells. Never in the child's words: they would read as
pmlcli's own advice."""


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
    return _as_parent(child, reading, limits, tellable)


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
            kind, payload = _confined_work(work, limits)
            _send(writing, kind, payload)
        status = 0
    finally:
        os._exit(status)


def _confined_work(work: Callable[[], Files], limits: Limits) -> tuple[bytes, bytes]:
    try:
        return _ANSWER, _packed(work())
    except PmlError as error:
        return _ERROR, strictjson.dump(_told(error))
    except MemoryError:
        megabytes = limits.memory_bytes // MEGABYTE
        return _ERROR, strictjson.dump(
            _told(PredictionError(_OUT_OF_MEMORY.format(megabytes), code="prediction.memory"))
        )
    except BaseException as error:  # noqa: BLE001 (whatever the model does ends here, as an answer)
        return _ERROR, strictjson.dump(_told(_unusable(error)))


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


def _told(error: PmlError) -> dict[str, Any]:
    """The error as JSON, its texts cut to a length that the parent takes."""
    notes = "\n".join(getattr(error, "__notes__", ()))
    found = {"kind": type(error).__name__, "code": error.code, "message": error.message}
    texts = {name: _clean(text)[:_MAX_TEXT] for name, text in found.items()}
    return {**texts, "notes": _clean(notes)[-_MAX_TEXT:], "context": _plain(error.context)}


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(value: Any) -> Any:
    """The context as far as it is JSON-plain and small; nothing of it otherwise."""
    try:
        data = strictjson.dump(value)
        strictjson.parse(data, source="context", max_bytes=_SMALL_FRAME // 2)
    except PmlError:
        return {}
    return value


def _relay(writing: int) -> runtime.ProgressSink:
    """Progress is shown by the parent; at most a few frames a second are sent."""
    last: list[Any] = [0.0, ""]

    def sink(label: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - last[0] > 0.1 or label != last[1] or done == total:
            last[:] = [now, label]
            _send(writing, _PROGRESS, strictjson.dump([label[:200], done, total]))

    return sink


def _packed(files: Files) -> bytes:
    parts = [
        _FILE_HEAD.pack(len(name.encode()), len(data)) + name.encode() + data for name, data in files.items()
    ]
    return b"".join(parts)


def _send(writing: int, kind: bytes, payload: bytes) -> None:
    rest = memoryview(_HEAD.pack(kind, len(payload)) + payload)
    while rest:
        rest = rest[os.write(writing, rest[:_READ_BYTES]) :]


# --- the parent


def _as_parent(child: int, reading: int, limits: Limits, tellable: tuple[type[PmlError], ...]) -> Files:
    kind, payload = b"?", bytearray()
    try:
        kind, payload = _last_frame(reading, limits)
    finally:
        os.close(reading)
        # A child without a word has ended, or is about to; any other is not waited for.
        status = _reaped(child, patience_seconds=0.0 if kind else 5.0)
    if kind == _ANSWER:
        return _unpacked(payload)
    if kind == _ERROR:
        raise blamed(_rebuilt(bytes(payload)), tellable)
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
    frames, deadline = _Frames(reading), time.monotonic() + seconds
    bounds = {_PROGRESS: _PROGRESS_FRAME, _ANSWER: limits.result_bytes, _ERROR: _SMALL_FRAME}
    labels: set[str] = set()
    for _ in range(int(_PROGRESS_A_SECOND * seconds) + _MOST_LABELS):
        head = frames.exactly(_HEAD.size, deadline)
        if len(head) < _HEAD.size:
            return b"", bytearray()
        kind, size = _HEAD.unpack(head)
        if size > bounds.get(kind, -1):
            raise _malformed("a frame of unknown kind or size")
        payload = frames.exactly(size, deadline)
        if len(payload) < size:
            return b"", bytearray()
        if kind != _PROGRESS:
            return kind, payload
        step = _progress(bytes(payload))
        labels.add(step[0])
        if len(labels) > _MOST_LABELS:
            break
        runtime.report(*step)
    raise _malformed("progress without end")


class _Frames:
    """The parent's end of the pipe, read through one buffer: a child that sends one byte at a time costs no
    more memory than another.
    """

    def __init__(self, reading: int) -> None:
        self._reading = reading
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._poll = select.poll()  # unlike select, knows descriptors beyond 1,023
        self._poll.register(reading, select.POLLIN)

    def exactly(self, size: int, deadline: float) -> bytearray:
        """The next `size` bytes, fewer only when the child's end of the pipe closed."""
        found = bytearray()
        while len(found) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not self._poll.poll(min(left, _LONGEST_WAIT_SECONDS) * 1000):
                raise _hanging()
            count = os.readv(self._reading, [self._buffer[: size - len(found)]])
            if count == 0:
                break
            found += self._buffer[:count]
        return found


def _progress(payload: bytes) -> tuple[str, int, int | None]:
    match _json(payload):
        case [str() as label, int() as done, int() | None as total] if len(label) <= 200:
            return label, done, total
    raise _malformed("progress of another form")


def _unpacked(payload: bytearray) -> Files:
    files: dict[str, bytes] = {}
    rest = memoryview(payload)
    while rest:
        if len(rest) < _FILE_HEAD.size or len(files) >= _MAX_FILES:
            raise _malformed("a cut-off answer")
        name_size, size = _FILE_HEAD.unpack(rest[: _FILE_HEAD.size])
        rest = rest[_FILE_HEAD.size :]
        if name_size + size > len(rest):
            raise _malformed("a cut-off answer")
        files[bytes(rest[:name_size]).decode("ascii", "replace")] = bytes(rest[name_size : name_size + size])
        rest = rest[name_size + size :]
    return files


def _rebuilt(payload: bytes) -> PmlError:
    """The child's error, of one of our own kinds."""
    match _json(payload):
        case {
            "kind": str() as kind,
            "code": str() as code,
            "message": str() as message,
            "notes": str() as notes,
            "context": dict() as context,
        } if kind in _KINDS:
            error = _KINDS[kind].__new__(_KINDS[kind])
            kept = _checked_context(context)
            PmlError.__init__(error, message, hint=_hint(kind, code, kept), code=code, context=kept)
            if notes:
                error.add_note(notes)
            return error
    return _malformed("an error of another form")


def _hint(kind: str, code: str, context: Mapping[str, Any]) -> str | None:
    """What this process says is to be done about an error of the child."""
    if kind == errors.MissingDependencyError.__name__:
        extra = context.get("extra")
        return f"pip install 'pmlcli[{extra}]'" if extra in _extras() else None
    is_of_model = issubclass(_KINDS[kind], errors.DamagedModelError) or _KINDS[kind].exit_code == _UNUSABLE
    usual = HINT if is_of_model else None
    return _HINTS.get(code, usual)


def _extras() -> list[str]:
    try:
        return metadata("pmlcli").get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return []


def _checked_context(context: dict[str, Any]) -> dict[str, Any]:
    """The context as far as its values are flat, and its findings when each of them is one."""
    kept: dict[str, Any] = {name: value for name, value in context.items() if isinstance(value, FLAT)}
    kept.pop("failed_hooks", None)  # hooks run in the parent, and only it tells of them
    findings = context.get("findings")
    if isinstance(findings, list) and all(map(is_finding, findings)):
        kept["findings"] = findings
    return kept


def _json(payload: bytes) -> Any:
    return strictjson.parse(payload, source="the answer", max_bytes=_SMALL_FRAME)


def _malformed(what: str) -> PmlError:
    return errors.UntrustedArtifactError(
        f"the model's process answered with {what}", hint="do not use this model"
    )


def _hanging() -> PmlError:
    return PredictionError("the model did not answer in time", code="prediction.hang", hint=_NO_LIMIT)


def _crashed(status: int, limits: Limits) -> PmlError:
    """What the child's end means: a signal, or no word at all."""
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == getattr(signal, "SIGXCPU", -1):
        what, hint = f"took more than {limits.cpu_seconds} seconds of processor time", _NO_LIMIT
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
