"""What each KPI counts, as one array function a KPI over the buckets of a log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.errors import ValidationError, unknown_name
from pmlcli.eventlog.log import RESOURCE, TIMESTAMP, EventLog
from pmlcli.eventlog.running import find_running, standing
from pmlcli.eventlog.times.duration import duration_seconds

ACTIVITY, FOLLOWS, LOAD, BREACH = "activity", "directly-follows", "resource-load", "sla-breach-rate"
"""KPIs with an argument after a colon."""
ARROW = "->"
FORMS = {ACTIVITY: "NAME", FOLLOWS: f"A{ARROW}B", LOAD: "NAME", BREACH: "5d"}
"""What follows the colon; `directly-follows` alone stands for all pairs that are common."""
SUPPORT = 0.01
"""A pair is common when it makes at least this share of all that directly follow each other."""
MOST_PAIRS = int(1 / SUPPORT)
"""So many pairs can be common."""

Edges = NDArray[np.int64]
"""Bounds of n buckets in microseconds UTC, (n + 1,): bucket i is `edges[i] <= time < edges[i + 1]`."""


@dataclass(frozen=True)
class Kpi:
    """A KPI: its unit, its exact definition in a sentence, and the function that computes it.

    `columns` are those that a log must have; `is_share` says that no value is above 1.
    """

    unit: str
    about: str
    measure: Callable[[EventLog, Edges], Floats]
    columns: tuple[str, ...] = (TIMESTAMP,)
    is_share: bool = False

    @property
    def is_flow(self) -> bool:
        """Whether it counts what happens in the bucket itself."""
        return self.unit in ("cases", "events") and self.measure is not _open_cases


def _counts(times: NDArray[np.int64], edges: Edges) -> Floats:
    """How many of `times` fall into each bucket, zeros included."""
    ordered = np.sort(times)
    return np.diff(np.searchsorted(ordered, edges)).astype(np.float64)


def _arrivals(log: EventLog, edges: Edges) -> Floats:
    return _counts(log.starts, edges)


def _completions(log: EventLog, edges: Edges) -> Floats:
    return np.diff(_ended(log, edges))


def _events(log: EventLog, edges: Edges) -> Floats:
    return _counts(_times(log), edges)


def _open_cases(log: EventLog, edges: Edges) -> Floats:
    started = np.searchsorted(np.sort(log.starts), edges[1:])
    return np.asarray(started - _ended(log, edges)[1:])


def _ended(log: EventLog, edges: Edges) -> Floats:
    """How many cases are expected to have ended before each edge, (buckets + 1,): whole cases.

    Expected, not those that have likely ended: of many that each end with some probability some do.
    """
    order = np.argsort(log.ends, kind="stable")
    goes_on = np.concatenate(([0.0], np.cumsum(standing(log).goes_on[order])))
    ended = np.searchsorted(log.ends[order], edges)
    return np.asarray(ended - np.rint(goes_on[ended]))


def _cycle_time(share: float) -> Callable[[EventLog, Edges], Floats]:
    def measure(log: EventLog, edges: Edges) -> Floats:
        done = ~find_running(log)
        seconds = (log.ends - log.starts)[done] / 1e6
        return _filled(_quantiles(log.ends[done], seconds, edges, share))

    return measure


def _cycle_time_by_arrival(share: float) -> Callable[[EventLog, Edges], Floats]:
    def measure(log: EventLog, edges: Edges) -> Floats:
        is_running = find_running(log)
        now = _times(log).max(initial=0)
        seconds = np.where(is_running, now - log.starts, log.ends - log.starts) / 1e6
        found = _censored_quantiles(log.starts, seconds, ~is_running, edges, share)
        # Of younger buckets the quantile is known only where it happens to be short.
        whole = np.array([log.starts.min(initial=0), now + 1])
        usual = _censored_quantiles(log.starts, seconds, ~is_running, whole, (1 + share) / 2)[0]
        is_old = (now - edges[1:]) / 1e6 >= np.nan_to_num(usual, nan=np.inf)
        return np.where(is_old, _filled(found), np.nan)

    return measure


def _waiting_time(log: EventLog, edges: Edges) -> Floats:
    times, begins = _times(log), log.begins
    waits = np.maximum(begins[1:] - times[:-1], 0) / 1e6
    follows = log.position[1:] > 0
    return _means(times[1:][follows], waits[follows], edges)


def _rework_rate(log: EventLog, edges: Edges) -> Floats:
    pairs = log.case_of_event * (len(log.activities) + 1) + log.activity_codes
    distinct = np.unique(pairs) // (len(log.activities) + 1)
    has_rework = np.bincount(distinct, minlength=log.n_cases) < log.lengths
    done = ~find_running(log)
    return _means(log.ends[done], has_rework[done].astype(np.float64), edges)


def _breach_rate(limit_seconds: float) -> Callable[[EventLog, Edges], Floats]:
    def measure(log: EventLog, edges: Edges) -> Floats:
        done = ~find_running(log)
        breached = (log.ends - log.starts)[done] / 1e6 > limit_seconds
        return _means(log.ends[done], breached.astype(np.float64), edges)

    return measure


def _quantiles(times: NDArray[np.int64], values: Floats, edges: Edges, share: float) -> Floats:
    """The quantile of the values in each bucket, interpolated between neighbours; NaN in an empty one."""
    bucket = np.searchsorted(edges, times, side="right") - 1
    order = np.lexsort((values, bucket))
    ordered = values[order]
    bounds = np.searchsorted(bucket[order], np.arange(len(edges)))
    counts, first = np.diff(bounds), bounds[:-1]
    found = np.full(len(counts), np.nan)
    some = counts > 0
    place = share * (counts[some] - 1)
    below = place.astype(np.int64)
    above = np.minimum(below + 1, counts[some] - 1)
    low, high = ordered[first[some] + below], ordered[first[some] + above]
    found[some] = low + (high - low) * (place - below)
    return found


def _censored_quantiles(
    times: NDArray[np.int64], values: Floats, is_whole: NDArray[np.bool_], edges: Edges, share: float
) -> Floats:
    """The quantile of the values in each bucket where some are only known to be larger.

    By the curve of Kaplan and Meier (1958).

    NaN in an empty bucket, and where too many values are cut off to tell.
    """
    bucket = np.searchsorted(edges, times, side="right") - 1
    order = np.lexsort((~is_whole, values, bucket))
    bounds = np.searchsorted(bucket[order], np.arange(len(edges)))
    order, starts = order[bounds[0] : bounds[-1]], bounds - bounds[0]
    counts = np.diff(starts)
    first, ends = np.repeat(starts[:-1], counts), np.repeat(starts[1:], counts)
    at_risk = ends - np.arange(len(order))
    # The last at risk ends the curve; its factor is zero, and stands here as a very small number.
    stays = np.log(np.maximum(1 - is_whole[order] / at_risk, 1e-12))
    before = np.concatenate(([0.0], np.cumsum(stays)))
    survival = np.exp(before[1:] - before[first])
    reached = np.flatnonzero(survival <= 1 - share + 1e-9)
    found = np.full(len(counts), np.nan)
    of_bucket = np.searchsorted(starts, reached, side="right") - 1
    which, place = np.unique(of_bucket, return_index=True)
    found[which] = values[order][reached[place]]
    return found


def _means(times: NDArray[np.int64], values: Floats, edges: Edges) -> Floats:
    """Mean of the values in each bucket; an empty one repeats the one before it."""
    bucket = np.searchsorted(edges, times, side="right") - 1
    inside = (bucket >= 0) & (bucket < len(edges) - 1)
    n = len(edges) - 1
    sums = np.bincount(bucket[inside], weights=values[inside], minlength=n)
    counts = np.bincount(bucket[inside], minlength=n)
    return _filled(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))


def _filled(values: Floats) -> Floats:
    """Each NaN replaced by the last number before it; leading NaN stay."""
    known = np.where(np.isnan(values), -1, np.arange(len(values)))
    last = np.maximum.accumulate(known) if len(known) else known
    return np.where(last < 0, np.nan, values[last])


def _activity(name: str) -> Callable[[EventLog, Edges], Floats]:
    def measure(log: EventLog, edges: Edges) -> Floats:
        return _counts(_times(log)[log.activity_codes == _code(name, log.activities)], edges)

    return measure


def _resource_load(name: str) -> Callable[[EventLog, Edges], Floats]:
    def measure(log: EventLog, edges: Edges) -> Floats:
        if log.resource_codes is None:
            return np.zeros(len(edges) - 1)
        return _counts(_times(log)[log.resource_codes == _code(name, log.resources)], edges)

    return measure


def _directly_follows(first: str, second: str) -> Callable[[EventLog, Edges], Floats]:
    def measure(log: EventLog, edges: Edges) -> Floats:
        codes = log.activity_codes
        is_pair = (codes[:-1] == _code(first, log.activities)) & (codes[1:] == _code(second, log.activities))
        return _counts(_times(log)[1:][is_pair & (log.position[1:] > 0)], edges)

    return measure


def common_pairs(log: EventLog) -> tuple[str, ...]:
    """The KPIs `directly-follows:A->B` of all common pairs, the most frequent first."""
    base = len(log.activities)
    known = (log.position[1:] > 0) & (log.activity_codes[:-1] >= 0) & (log.activity_codes[1:] >= 0)
    keys = (log.activity_codes[:-1].astype(np.int64) * base + log.activity_codes[1:])[known]
    pairs, counts = np.unique(keys, return_counts=True)
    order = np.lexsort((pairs, -counts))
    common = pairs[order][counts[order] >= SUPPORT * len(keys)].tolist()
    names = log.activities
    return tuple(f"{FOLLOWS}:{names[key // base]}{ARROW}{names[key % base]}" for key in common)


def _code(name: str, names: tuple[str, ...]) -> int:
    """The code of a name; one that no event has where it is not there."""
    return names.index(name) if name in names else len(names)


def _times(log: EventLog) -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64) if log.times is None else log.times


_REPEATS = "a bucket without any repeats the one before it"
KPIS: dict[str, Kpi] = {
    "arrivals": Kpi("cases", "cases that begin in the bucket", _arrivals),
    "completions": Kpi(
        "cases",
        "cases whose last event lies in the bucket, by how likely they have ended by the log's end",
        _completions,
    ),
    "open-cases": Kpi(
        "cases",
        "cases begun before the bucket's end less those completed by then",
        _open_cases,
    ),
    "events": Kpi("events", "events in the bucket", _events),
    "cycle-time": Kpi(
        "seconds",
        "median seconds from the beginning to the last event of the cases completed in the bucket, running "
        f"cases left out; {_REPEATS}",
        _cycle_time(0.5),
    ),
    "cycle-time-p90": Kpi(
        "seconds", f"90th percentile of the same seconds as cycle-time; {_REPEATS}", _cycle_time(0.9)
    ),
    "cycle-time-by-arrival": Kpi(
        "seconds",
        "median seconds from the beginning to the last event of the cases begun in the bucket, of running "
        f"cases only known to be longer (Kaplan-Meier); {_REPEATS}; ends with the buckets that are "
        "older than three in four cases take",
        _cycle_time_by_arrival(0.5),
    ),
    "cycle-time-by-arrival-p90": Kpi(
        "seconds",
        f"90th percentile of the same seconds as cycle-time-by-arrival; {_REPEATS}; "
        "ends with the buckets that are older than 19 in 20 cases take",
        _cycle_time_by_arrival(0.9),
    ),
    "waiting-time": Kpi(
        "seconds",
        "mean seconds from one event of a case to the next, over the later events in the bucket, up to their "
        f"start where the log has start times; {_REPEATS}",
        _waiting_time,
    ),
    "rework-rate": Kpi(
        "share",
        f"share of the cases completed in the bucket that have an activity more than once; {_REPEATS}",
        _rework_rate,
        is_share=True,
    ),
}


def find_kpi(name: str) -> Kpi:
    """The KPI of this name; those with an argument have it after a colon. ValidationError if unknown."""
    kind, _, argument = name.partition(":")
    if kind == ACTIVITY and argument:
        return Kpi("events", f"events of activity '{argument}' in the bucket", _activity(argument))
    if kind == LOAD and argument:
        about = f"events of resource '{argument}' in the bucket"
        return Kpi("events", about, _resource_load(argument), (TIMESTAMP, RESOURCE))
    if kind == FOLLOWS:
        return _pair_kpi(argument)
    if kind == BREACH:
        return _breach_kpi(argument)
    if name not in KPIS:
        raise unknown_name("KPI", name, [*KPIS, *(f"{kind}:{form}" for kind, form in FORMS.items())])
    return KPIS[name]


def _pair_kpi(argument: str) -> Kpi:
    first, arrow, second = argument.partition(ARROW)
    if argument and not (arrow and first and second):
        raise ValidationError(
            f"'{argument}' names no pair of activities",
            hint=f"write {FOLLOWS}:A{ARROW}B, or {FOLLOWS} alone for all common pairs",
        )
    about = f"events of activity '{second}' in the bucket that come right after '{first}' in their case"
    return Kpi("events", about, _directly_follows(first, second))


def _breach_kpi(argument: str) -> Kpi:
    if not argument:
        raise ValidationError(f"{BREACH} needs a limit", hint=f"write {BREACH}:5d or --sla 5d")
    seconds = duration_seconds(argument, "time within which a case must be completed")
    about = f"share of the cases completed in the bucket that took longer than {argument}; {_REPEATS}"
    return Kpi("share", about, _breach_rate(seconds), is_share=True)
