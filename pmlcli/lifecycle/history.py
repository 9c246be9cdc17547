"""What a forecaster's model keeps of its training series, checked, for who draws it in this process."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pmlcli.errors import UntrustedArtifactError
from pmlcli.eventlog.times.parse import LATEST
from pmlcli.lifecycle.artifacts import MOST_READ_HERE, read_json
from pmlcli.lifecycle.inspection import THRESHOLD_FILE

MOST_POINTS, LONGEST_UNIT = 10_000, 100
FIRST_YEAR, LAST_YEAR = 1678, LATEST.year - 1
LARGEST = 1e100


def recent_history(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """By KPI: `kpi_unit`, and `recent` with the `starts` (ISO 8601) and `values` of the last buckets.

    Raises UntrustedArtifactError for whatever no training writes.
    """
    known = read_json(files, THRESHOLD_FILE, **MOST_READ_HERE)
    series = known.get("series")
    if not isinstance(series, dict) or not all(map(_is_history, series.values())):
        raise UntrustedArtifactError(
            f"{THRESHOLD_FILE}: the history of the series is malformed", hint="train the model again"
        )
    return series


def _is_history(known: Any) -> bool:
    match known:
        case {"kpi_unit": str() as unit, "recent": {"starts": list() as starts, "values": list() as values}}:
            return (
                len(unit) <= LONGEST_UNIT
                and len(starts) == len(values) <= MOST_POINTS
                and all(map(_is_time, starts))
                and all(map(_is_value, values))
            )
    return False


def _is_time(start: Any) -> bool:
    try:
        return FIRST_YEAR <= datetime.fromisoformat(start).year <= LAST_YEAR
    except (TypeError, ValueError):
        return False


def _is_value(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) <= LARGEST
