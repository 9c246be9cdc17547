"""What each KPI counts, as one array function a KPI over the buckets of a log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import unknown_name
from pmlcli.eventlog.log import EventLog
from pmlcli.eventlog.running import find_running

ACTIVITY_PREFIX = "activity:"

Floats = NDArray[np.float64]
Edges = NDArray[np.int64]
"""Bounds of n buckets in microseconds UTC, (n + 1,): bucket i is `edges[i] <= time < edges[i + 1]`."""


@dataclass(frozen=True)
class Kpi:
    """A KPI: its unit, its exact definition in a sentence, and the function that computes it."""

    unit: str
    about: str
    measure: Callable[[EventLog, Edges], Floats]


def _counts(times: NDArray[np.int64], edges: Edges) -> Floats:
    """How many of `times` fall into each bucket, zeros included."""
    ordered = np.sort(times)
    return np.diff(np.searchsorted(ordered, edges)).astype(np.float64)


def _arrivals(log: EventLog, edges: Edges) -> Floats:
    return _counts(log.starts, edges)


def _completions(log: EventLog, edges: Edges) -> Floats:
    return _counts(log.ends[~find_running(log)], edges)


def _events(log: EventLog, edges: Edges) -> Floats:
    return _counts(_times(log), edges)


def _open_cases(log: EventLog, edges: Edges) -> Floats:
    started = np.searchsorted(np.sort(log.starts), edges[1:])
    ended = np.searchsorted(np.sort(log.ends[~find_running(log)]), edges[1:])
    return (started - ended).astype(np.float64)


def _cycle_time(log: EventLog, edges: Edges) -> Floats:
    done = ~find_running(log)
    seconds = (log.ends - log.starts)[done] / 1e6
    return _filled(_medians(log.ends[done], seconds, edges))


def _medians(times: NDArray[np.int64], values: Floats, edges: Edges) -> Floats:
    """Median of the values in each bucket, NaN in an empty one."""
    bucket = np.searchsorted(edges, times, side="right") - 1
    order = np.lexsort((values, bucket))
    ordered = values[order]
    bounds = np.searchsorted(bucket[order], np.arange(len(edges)))
    counts, first = np.diff(bounds), bounds[:-1]
    medians = np.full(len(counts), np.nan)
    some = counts > 0
    low = ordered[(first + (counts - 1) // 2)[some]]
    high = ordered[(first + counts // 2)[some]]
    medians[some] = (low + high) / 2
    return medians


def _filled(values: Floats) -> Floats:
    """Each NaN replaced by the last number before it; leading NaN stay."""
    known = np.where(np.isnan(values), -1, np.arange(len(values)))
    last = np.maximum.accumulate(known) if len(known) else known
    return np.where(last < 0, np.nan, values[last])


def _activity(name: str) -> Callable[[EventLog, Edges], Floats]:
    def measure(log: EventLog, edges: Edges) -> Floats:
        code = log.activities.index(name) if name in log.activities else len(log.activities)
        return _counts(_times(log)[log.activity_codes == code], edges)

    return measure


def _times(log: EventLog) -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64) if log.times is None else log.times


KPIS: dict[str, Kpi] = {
    "arrivals": Kpi("cases", "cases whose first event lies in the bucket", _arrivals),
    "completions": Kpi(
        "cases",
        "cases whose last event lies in the bucket and that are not running at the log's end",
        _completions,
    ),
    "open-cases": Kpi(
        "cases",
        "cases begun before the bucket's end and not completed by then; running cases stay",
        _open_cases,
    ),
    "events": Kpi("events", "events in the bucket", _events),
    "cycle-time": Kpi(
        "s",
        "median seconds from first to last event of the cases completed in the bucket, running cases left "
        "out; a bucket without completions repeats the one before it",
        _cycle_time,
    ),
}


def find_kpi(name: str) -> Kpi:
    """The KPI of this name; `activity:NAME` counts the events of one activity. ValidationError if unknown."""
    if name.startswith(ACTIVITY_PREFIX) and len(name) > len(ACTIVITY_PREFIX):
        activity = name.removeprefix(ACTIVITY_PREFIX)
        return Kpi("events", f"events of activity '{activity}' in the bucket", _activity(activity))
    if name not in KPIS:
        raise unknown_name("KPI", name, [*KPIS, f"{ACTIVITY_PREFIX}NAME"])
    return KPIS[name]
