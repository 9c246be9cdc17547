"""A file of runs of `monitor`, one JSON line each, all of one model."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pmlcli import writing
from pmlcli.errors import GateError, OutputError, PmlError, ValidationError
from pmlcli.evaluation.assessment import Assessment
from pmlcli.store import strictjson

_LONGEST_LINE = 1_000_000


def check(path: Path, digest: str) -> None:
    """Raises ValidationError where the file holds anything but runs of the model with this root digest."""
    try:
        if not path.exists() or not path.is_file():
            return
        with path.open("rb") as file:
            while line := file.readline(_LONGEST_LINE):
                _check_line(path, line, digest)
    except OSError as error:
        raise _unusable(path, "read", error) from error


def _check_line(path: Path, line: bytes, digest: str) -> None:
    try:
        found = strictjson.parse(line, source=str(path), max_bytes=_LONGEST_LINE)
    except PmlError:
        found = None
    if not isinstance(found, dict) or type(found.get("root_digest")) is not str or not line.endswith(b"\n"):
        raise ValidationError(
            f"{path}: holds something other than runs of `pmlcli monitor`",
            hint="give --history another file",
            context={"path": str(path)},
        )
    if found["root_digest"] != digest:
        raise ValidationError(
            f"{path}: is the history of another model (root digest {found['root_digest'][:12]}..., "
            f"not {digest[:12]}...)",
            hint="give each model a history of its own",
            context={"path": str(path), "found": found["root_digest"], "expected": digest},
        )


@contextmanager
def appended(path: Path, found: Assessment) -> Iterator[None]:
    """Adds one line about a run, and takes it back where what is done meanwhile fails: the run is in the
    history and its results are written, or neither. A crossed gate is no failure, for all is written then.

    OutputError where the line cannot be written whole.
    """
    try:
        is_new = not path.exists()
        descriptor = writing.open_to_append(path)
    except OSError as error:
        raise _unusable(path, "write", error) from error
    try:
        size = os.fstat(descriptor).st_size
        line = _line(found)
        try:
            _append(descriptor, line, path)
            yield
        except GateError:
            raise
        except BaseException:
            # What went wrong first is what is told.
            with suppress(OSError):
                _take_back(descriptor, size, len(line))
                if is_new and os.fstat(descriptor).st_size == 0:
                    writing.resolved(path).unlink()
            raise
    finally:
        os.close(descriptor)


def _line(found: Assessment) -> bytes:
    line = {
        **{name: found.facts.get(name) for name in ("root_digest", "model", "log", "measured_at")},
        "verdict": found.verdict,
        "sentence": found.sentence,
        "figures": {figure.name: figure.value for figure in found.figures},
    }
    return json.dumps(line, ensure_ascii=True).encode("ascii") + b"\n"


def _append(descriptor: int, line: bytes, path: Path) -> None:
    left = line
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError as error:
        raise _unusable(path, "write", error) from error


def _take_back(descriptor: int, size: int, longest: int) -> None:
    """Cuts the file to what it was, unless another run has added to it since."""
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and size < found.st_size <= size + longest:
        os.ftruncate(descriptor, size)


def _unusable(path: Path, what: str, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: cannot {what} the history: {error.strerror}",
        hint="give --history another name, or leave it out",
        context={"path": str(path)},
    )
