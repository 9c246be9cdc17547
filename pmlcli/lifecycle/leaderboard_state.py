"""What a leader board found so far, as a file: a run that was stopped takes up where it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import pmlcli
from pmlcli.errors import DamagedModelError, OutputError, ValidationError
from pmlcli.evaluation.choosing import Draws
from pmlcli.lifecycle.leaderboard import Candidate, Row
from pmlcli.store import publish, strictjson

KIND = "pmlcli compare"
MOST_BYTES = 64 << 20
_PLAIN: dict[str, type] = {
    "metric": str,
    "unit": str,
    "higher_is_better": bool,
    "phrase": str,
    "as_percent": bool,
    "value": float,
    "n_units": int,
    "evidence": str,
    "fit_seconds": float,
    "milliseconds": float,
    "size_bytes": int,
}


def read_state(path: Path, digest: str) -> dict[str, Row]:
    """The rows of an earlier run by the keys of their candidates; none where there is no file.

    ValidationError for a file of another log, version or kind and for what is no file, such as a pipe, which
    could be waited for without end; OutputError for one that cannot be read.
    """
    if path.exists() and not path.is_file():
        raise _unusable(path, "is not a file")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OutputError(f"{path}: cannot read the earlier run: {error.strerror}") from error
    try:
        found = strictjson.parse(data, source=str(path), max_bytes=MOST_BYTES)
        is_ours = isinstance(found, dict) and found.get("kind") == KIND
        rows = [_row(one) for one in found["rows"]] if is_ours else []
    except (DamagedModelError, LookupError, TypeError, ValueError) as error:
        raise _unusable(path, "holds something other than runs of `pmlcli compare`") from error
    if not is_ours:
        raise _unusable(path, "holds something other than runs of `pmlcli compare`")
    if found.get("digest") != digest:
        raise _unusable(path, "is of another log, or of one that was read otherwise")
    if found.get("version") != pmlcli.__version__:
        raise _unusable(path, "was written by another version of pmlcli")
    return {row.candidate.key: row for row in rows}


def write_state(path: Path, digest: str, rows: Sequence[Row]) -> None:
    """Replaces the file, as a whole, by these rows; rows that failed are tried again another time."""
    document = {
        "kind": KIND,
        "version": pmlcli.__version__,
        "digest": digest,
        "rows": [_plain(row) for row in rows if row.is_measured],
    }
    publish.write_file(path, strictjson.dump(document), force=True)


def _plain(row: Row) -> dict[str, Any]:
    known = {name: getattr(row, name) for name in _PLAIN}
    return known | {
        "name": row.candidate.name,
        "parameters": {k: _listed(v) for k, v in row.candidate.parameters.items()},
        "varied": dict(row.candidate.varied),
        "others": {name: list(pair) for name, pair in row.others.items()},
        "drawn": _numbers(row.draws.drawn.tolist()),
        "left_out": _numbers(row.draws.left_out.tolist()),
    }


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values]


def _row(found: Mapping[str, Any]) -> Row:
    known = {name: _checked(found[name], kind) for name, kind in _PLAIN.items()}
    draws = Draws(_array(found["drawn"]), _array(found["left_out"]))
    if len(draws.drawn) != len(draws.left_out):
        raise ValueError("draws of two lengths")
    candidate = Candidate(_checked(found["name"], str), dict(found["parameters"]), _texts(found["varied"]))
    others = {
        _checked(name, str): (float(_checked(value, float)), _checked(unit, str))
        for name, (value, unit) in found["others"].items()
    }
    return Row(candidate, draws=draws, others=others, **known)


def _texts(found: Mapping[str, Any]) -> dict[str, str]:
    return {_checked(name, str): _checked(value, str) for name, value in found.items()}


def _checked(value: Any, kind: type) -> Any:
    is_number = kind is float and type(value) is int
    if type(value) is not kind and not is_number:
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return kind(value)


def _array(values: Sequence[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if one is None else _checked(one, float) for one in values], dtype=np.float64)


def _unusable(path: Path, why: str) -> ValidationError:
    return ValidationError(
        f"{path}: {why}", hint="give --resume another file, or remove it", context={"path": str(path)}
    )
