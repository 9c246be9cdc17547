"""A file of runs of `monitor`, one JSON line each, of one model and of those that it replaced."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pmlcli import writing
from pmlcli.errors import GateError, OutputError, PmlError, ValidationError
from pmlcli.evaluation.assessment import Assessment
from pmlcli.lifecycle.training_log import REPLACED
from pmlcli.store import strictjson

_LONGEST_LINE = 1_000_000


def check(path: Path, digest: str, replaced: str | None = None) -> None:
    """Raises ValidationError where the file holds anything but runs of `monitor`, or where its last run is of
    another model than the one with this root digest and the one that it replaced.
    """
    last = digest
    try:
        if not path.exists() or not path.is_file():
            return
        with path.open("rb") as file:
            while line := file.readline(_LONGEST_LINE):
                last = _digest_of(path, line)
    except OSError as error:
        raise _unusable(path, "read", error) from error
    if last not in (digest, replaced):
        raise ValidationError(
            f"{path}: is the history of another model (root digest {last[:12]}..., not {digest[:12]}...)",
            hint="give each model a history of its own",
            context={"path": str(path), "found": last, "expected": digest},
        )


def replaced_by(training_log: Mapping[str, Any]) -> str | None:
    """The root digest of the model whose place one with this manifest took; None where it took none."""
    found = training_log.get(REPLACED)
    digest = found.get("root_digest") if isinstance(found, Mapping) else None
    return digest if isinstance(digest, str) else None


def _digest_of(path: Path, line: bytes) -> str:
    try:
        found = strictjson.parse(line, source=str(path), max_bytes=_LONGEST_LINE)
    except PmlError:
        found = None
    digest = found.get("root_digest") if isinstance(found, dict) else None
    if not isinstance(digest, str) or not line.endswith(b"\n"):
        raise ValidationError(
            f"{path}: holds something other than runs of `pmlcli monitor`",
            hint="give --history another file",
            context={"path": str(path)},
        )
    return digest


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
