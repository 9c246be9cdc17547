"""A file of runs of `monitor`, one JSON line each, all of one model."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pmlcli import writing
from pmlcli.errors import OutputError, PmlError, ValidationError
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
    if not isinstance(found, dict) or type(found.get("root_digest")) is not str:
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


def append(path: Path, found: Assessment) -> None:
    """Adds one line about a run; OutputError where it cannot be written."""
    line = {
        **{name: found.facts.get(name) for name in ("root_digest", "model", "log", "measured_at")},
        "verdict": found.verdict,
        "sentence": found.sentence,
        "figures": {figure.name: figure.value for figure in found.figures},
    }
    data = json.dumps(line, ensure_ascii=True).encode("ascii") + b"\n"
    try:
        descriptor = writing.open_to_append(path)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unusable(path, "write", error) from error


def _unusable(path: Path, what: str, error: OSError) -> OutputError:
    return OutputError(
        f"{path}: cannot {what} the history: {error.strerror}",
        hint="give --history another name, or leave it out",
        context={"path": str(path)},
    )
