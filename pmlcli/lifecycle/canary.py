"""Canary cases: synthetic cases kept with a model, and the answers that it must give to them anywhere.

They are made from the vocabulary with a fixed generator, never from rows of the training log, so that a
model directory gives away no case. `verify --level replay` asks again and compares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

import numpy as np
import pandas as pd

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms._interface.task import Fitted
from pmlcli.errors import DamagedModelError, UntrustedArtifactError
from pmlcli.eventlog import ReadOptions, read_log
from pmlcli.eventlog.options import NONE, OPTIONAL_ROLES
from pmlcli.store.codecs import plain
from pmlcli.store.findings import is_finding

CASES = 6
LONGEST = 12
START = datetime(2020, 1, 6, 9, tzinfo=UTC)
_MOST_REPLAY_BYTES, _MOST_REPLAY_ITEMS = 8_000_000, 100_000
REPLAYED_EVENTS = 1000
"""As many events as a canary's questions are allowed to cost."""
RELATIVE_TOLERANCE = 1e-6
"""What another processor or BLAS may change in a number; on the training machine the bits are the same."""


def make_canary(fitted: Fitted[Algorithm[Any], Any], required: Mapping[str, str]) -> dict[str, Any]:
    """Synthetic events and the predictions for them, JSON-plain; no events for a forecaster."""
    has_events = fitted.algorithm.task.needs_log
    events = _events(fitted.encoding.vocabularies(), required) if has_events else []
    return {"events": events, "predictions": _answers(fitted, events)}


@dataclass(frozen=True)
class Replay:
    """How the canary's answers here compare: what differs too much, and the largest relative difference.

    `largest` is None where texts or shapes differ, so that there is no number to give.
    """

    largest: float | None
    findings: tuple[dict[str, Any], ...]

    def to_files(self) -> dict[str, bytes]:
        """The comparison as a confined child sends it."""
        return plain.encode({"largest": self.largest, "findings": list(self.findings)}, stem="replay")

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Replay:
        """The inverse of `to_files`; UntrustedArtifactError for anything else."""
        match plain.decode(files, stem="replay", max_bytes=_MOST_REPLAY_BYTES, max_items=_MOST_REPLAY_ITEMS):
            case {"largest": float() | None as largest, "findings": list() as findings}:
                if all(map(is_finding, findings)):
                    return cls(largest, tuple(findings))
        raise UntrustedArtifactError("the model's process returned no comparison")


def replay(fitted: Fitted[Algorithm[Any], Any], canary: Mapping[str, Any]) -> Replay:
    """Asks the canary cases again. A finding (what, expected, found) is the worst cell of a column.

    Raises DamagedModelError for a canary that pmlcli never wrote.
    """
    expected, events = canary.get("predictions"), canary.get("events")
    if not _is_table(expected) or not isinstance(events, list):
        raise DamagedModelError("canary.json: not a list of events and a table of predictions")
    found = _answers(fitted, events)
    if list(expected) != sorted(found) or any(len(expected[c]) != len(found[c]) for c in expected):
        shapes = {"what": "columns and rows", "expected": _shape(expected), "found": _shape(found)}
        return Replay(None, (shapes,))
    worst = {column: _worst(expected[column], found[column]) for column in expected if expected[column]}
    findings = [
        {"what": column, "expected": cell[0], "found": cell[1]}
        for column, cell in worst.items()
        if _difference(*cell) > RELATIVE_TOLERANCE
    ]
    largest = max((_difference(*cell) for cell in worst.values()), default=0.0)
    return Replay(largest if math.isfinite(largest) else None, tuple(findings))


def _is_table(value: Any) -> TypeGuard[dict[str, list[Any]]]:
    return isinstance(value, dict) and all(isinstance(cells, list) for cells in value.values())


def _worst(expected: list[Any], found: list[Any]) -> tuple[Any, Any]:
    return max(zip(expected, found, strict=True), key=lambda cell: _difference(*cell))


def _difference(expected: Any, found: Any) -> float:
    numbers = (int, float)
    if isinstance(expected, numbers) and isinstance(found, numbers):
        return abs(expected - found) / max(1.0, abs(expected))
    return 0.0 if expected == found else math.inf


def _shape(table: Mapping[str, list[Any]]) -> str:
    return f"{', '.join(table)}: {max((len(v) for v in table.values()), default=0)} rows"


def _answers(fitted: Fitted[Algorithm[Any], Any], events: list[dict[str, Any]]) -> dict[str, list[Any]]:
    task = fitted.algorithm.task
    request = task.canary_request(fitted)
    table = (
        task.predict(fitted, read_log(events, _reading(events)), request)
        if task.needs_log
        else task.predict_without_log(fitted, request)
    )
    return {str(column): [_plain(value) for value in table[column]] for column in table.columns}


def _reading(events: list[dict[str, Any]]) -> ReadOptions:
    """The columns by their own names: no attribute is taken for a column that the model does without."""
    there = events[0] if events and isinstance(events[0], dict) else {}
    return ReadOptions(preferred_columns={role: role if role in there else NONE for role in OPTIONAL_ROLES})


def _plain(value: Any) -> Any:
    """A cell as JSON has it: text, number, truth value or null."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return None if value is None or value is pd.NaT else str(value)


def _events(vocabularies: Mapping[str, tuple[str, ...]], required: Mapping[str, str]) -> list[dict[str, Any]]:
    rng = np.random.Generator(np.random.PCG64(0))
    events: list[dict[str, Any]] = []
    for case in range(CASES):
        time = START + timedelta(days=case)
        for _ in range(1 + case * (LONGEST - 1) // (CASES - 1)):
            event = {column: _value(column, kind, vocabularies, rng) for column, kind in required.items()}
            events.append(event | {"case_id": f"canary-{case + 1}", **_time(required, time)})
            time += timedelta(seconds=int(rng.integers(60, 100_000)))
    events[-1]["activity"] = "an activity that training never saw"
    return events


def _time(required: Mapping[str, str], time: datetime) -> dict[str, str]:
    return {"timestamp": time.isoformat()} if "timestamp" in required else {}


def _value(
    column: str, kind: str, vocabularies: Mapping[str, tuple[str, ...]], rng: np.random.Generator
) -> Any:
    known = vocabularies.get(column, ())
    if known:
        return known[int(rng.integers(len(known)))]
    if kind == "number":
        return round(float(rng.normal()), 3)
    if kind == "boolean":
        return bool(rng.integers(2))
    return START.isoformat() if kind == "time" else "canary"
