"""Sums over the cases of a log, for the features that a reference names: what drift is measured by.

A case is looked at for a fixed time after its start (the horizon), and only cases that are at least as old
count. So old and young cases, long logs and short ones are comparable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.attributes import as_text
from pmlcli.evaluation.drift import Sums
from pmlcli.eventlog.far_events import near_end
from pmlcli.eventlog.log import ACTIVITY, CASE_PREFIX, MISSING, RESOURCE, EventLog

Name = tuple[str | None, ...]
"""What a feature is about: a value, the two activities of a pair, the activities of a variant."""
NO_VALUE: Name = ()
RARER: Name = (None,)
"""All values that are not named: rare ones of training, and new ones."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONGEST_VARIANT = 40
CASES, EVENTS, VALUES, TIME = "cases", "events", "values", "time"
_MINUTE = 60_000_000


@dataclass(frozen=True)
class Group:
    """Features of one kind, counted alike.

    - `kind`: activity, pair, variant, resource, attribute, weekday, hour, number, wait, duration, length,
      arrivals
    - `column`: the column of an attribute or number
    - `per`: share of `cases` or of `events`, `values` that have an order, or cases per `time`, in minutes
    - `names`: of each feature
    - `edges`, `scores`: of values, a feature each: bounds between bins, and a bin's rank, 0 to 1000
    - `middles`: of values, the median in training, a feature each
    """

    kind: str
    column: str
    per: str
    names: tuple[Name, ...]
    edges: tuple[tuple[float, ...], ...] = ()
    scores: tuple[tuple[int, ...], ...] = ()
    middles: tuple[float, ...] = ()


@dataclass(frozen=True)
class Blocks:
    """Stretches of time of one width, microseconds; a case lies in the one in which it began."""

    first: int
    width: int
    count: int

    def of(self, starts: Codes) -> Codes:
        """The block of each start; what lies outside counts to the nearest."""
        return np.clip((starts - self.first) // self.width, 0, self.count - 1)


@dataclass(frozen=True)
class View:
    """The cases of a log that can be compared, each up to the horizon.

    - `rows`: the events that are looked at; `case`: the case of each, 0 to `n_cases` - 1
    - `starts`: (cases,) when each began; `until`: when the last one could have begun
    - `kept`: (cases,) which case of the log each is
    """

    log: EventLog
    rows: Codes
    case: Codes
    starts: Codes
    until: int
    kept: Codes

    @property
    def n_cases(self) -> int:
        """How many cases are compared."""
        return len(self.starts)

    @property
    def lengths(self) -> Codes:
        """Events of each case, (cases,)."""
        return np.bincount(self.case, minlength=self.n_cases)

    @property
    def span(self) -> int:
        """Microseconds from the first start to the last."""
        return int(np.ptp(self.starts)) if self.n_cases else 0

    def of(self, values: pd.Series[Any]) -> pd.Series[Any]:
        """A column's values at the events that are looked at."""
        return values if len(self.rows) == len(values) else values.take(self.rows)


def view_of(log: EventLog, horizon: int | None, after: int | None = None) -> View:
    """The cases that are as old as the horizon, of those that began later than `after` (all of them)."""
    starts, case = log.starts, log.case_of_event
    is_kept = np.ones(log.n_cases, dtype=np.bool_)
    if log.times is not None and horizon is not None:
        is_kept = starts + horizon <= (near_end(log) or 0)
    if after is not None:
        is_kept &= starts > after
    is_seen = is_kept[case]
    if log.times is not None and horizon is not None:
        is_seen &= log.times - starts[case] <= horizon
    rows = np.flatnonzero(is_seen)
    kept, case = np.unique(case[rows], return_inverse=True)
    until = int(starts[kept].max()) if len(kept) else 0
    if horizon is not None and log.end is not None and len(kept):
        # A log that was cut off by its cases goes on after the last of them began.
        until = max(until, min(log.end - horizon, int(starts.max())))
    return View(log, rows, case, starts[kept], until, kept)


def last_activities(view: View) -> Codes:
    """The activity that each case's last event has in the whole log, -1 where it has none, (cases,)."""
    log = view.log
    return log.activity_codes[log.offsets[1:] - 1][view.kept].astype(np.int64)


def ended_share(view: View, ends: frozenset[str]) -> float:
    """The share of the cases whose last event in the whole log is one of these activities."""
    codes = [code for code, name in enumerate(view.log.activities) if name in ends]
    return float(np.isin(last_activities(view), codes).mean()) if view.n_cases else 0.0


@dataclass(frozen=True)
class Coded:
    """A name by number for each of some events: (events,) codes in `names`, and the case of each."""

    names: list[Name]
    codes: Codes
    case: Codes


def coded(view: View, kind: str, column: str) -> Coded:
    """What the features of a kind are about, for each event that is looked at."""
    if kind in ("pair", "wait"):
        return _pairs(view)
    if kind == "variant":
        return _variants(view)
    if kind in ("weekday", "hour"):
        return _calendar(view, kind)
    if kind == "attribute":
        return _attribute(view, column)
    if kind == "activity":
        values, codes = view.log.activities, view.log.activity_codes
    else:
        known = view.log.resource_codes
        values = view.log.resources
        codes = np.full(view.log.n_events, MISSING, dtype=np.int32) if known is None else known
    names = [*((value,) for value in values), NO_VALUE]
    return Coded(names, _last_if_missing(codes[view.rows], len(values)), view.case)


def _last_if_missing(codes: NDArray[Any], last: int) -> Codes:
    return np.where(codes < 0, last, codes).astype(np.int64)


def _steps(view: View) -> Codes:
    """Positions, among the events looked at, of those with another of their case before them."""
    return np.flatnonzero(np.diff(view.case) == 0) + 1


def _pairs(view: View) -> Coded:
    steps, size = _steps(view), len(view.log.activities) + 1
    codes = view.log.activity_codes[view.rows].astype(np.int64) + 1
    found, inverse = np.unique(codes[steps - 1] * size + codes[steps], return_inverse=True)
    words: list[str | None] = [None, *view.log.activities]
    names: list[Name] = [(words[key // size], words[key % size]) for key in found.tolist()]
    return Coded(names, inverse, view.case[steps])


def _variants(view: View) -> Coded:
    lengths = view.lengths
    ends = np.cumsum(lengths)
    codes = view.log.activity_codes[view.rows].astype(np.int64)
    mixed = (codes + 2).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    place = (np.arange(len(codes)) - np.repeat(ends - lengths, lengths)).astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * (np.uint64(2) * place + np.uint64(0xBF58476D1CE4E5B9))
    mixed ^= mixed >> np.uint64(32)
    keys = np.add.reduceat(mixed, ends - lengths) if len(codes) else mixed
    found, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    counts = np.bincount(inverse, minlength=len(found))
    # Only the commonest can be named: a name is as long as its variant.
    named = np.argsort(-counts, kind="stable")[:500]
    words: list[str | None] = [*view.log.activities, None]
    names: list[Name] = [RARER] * len(found)
    for one in named.tolist():
        length, end = int(lengths[first[one]]), int(ends[first[one]])
        if length <= LONGEST_VARIANT:
            names[one] = tuple(words[code] for code in codes[end - length : end].tolist())
    return Coded(names, inverse, np.arange(view.n_cases))


def _calendar(view: View, kind: str) -> Coded:
    assert view.log.times is not None
    times = pd.DatetimeIndex(view.log.times[view.rows].view("datetime64[us]"), tz="UTC")
    local = times.tz_convert(view.log.schema.timezone)
    if kind == "weekday":
        return Coded([(day,) for day in WEEKDAYS], local.day_of_week.to_numpy(dtype=np.int64), view.case)
    return Coded([(f"{hour:02}",) for hour in range(24)], local.hour.to_numpy(dtype=np.int64), view.case)


def _attribute(view: View, column: str) -> Coded:
    codes, values = pd.factorize(view.of(view.log.frame[column]))
    texts = as_text(pd.Series(values)).astype(object).tolist() if len(values) else []
    return Coded(
        [*((str(text),) for text in texts), NO_VALUE], _last_if_missing(codes, len(texts)), view.case
    )


@dataclass(frozen=True)
class Measured:
    """A number at some events: of which feature it is, in which case, and the number."""

    coded: Coded
    values: Floats


LARGEST = 1e30
"""Larger numbers count as this one: sums and quantiles of them would have no end."""


def measured(view: View, kind: str, column: str) -> Measured:
    """The numbers of a kind that have an order: seconds, or a column's own unit."""
    times = view.log.times
    if kind == "wait":
        pairs, steps = _pairs(view), _steps(view)
        assert times is not None
        seen = times[view.rows]
        return Measured(pairs, (seen[steps] - seen[steps - 1]) / 1e6)
    if kind == "number":
        numbers = pd.to_numeric(view.of(view.log.frame[column]), errors="coerce").to_numpy(
            dtype=np.float64, na_value=np.nan
        )
        held, numbers = np.isfinite(numbers), np.clip(numbers, -LARGEST, LARGEST)
        return Measured(
            Coded([(column,)], np.zeros(int(held.sum()), dtype=np.int64), view.case[held]), numbers[held]
        )
    each = np.arange(view.n_cases)
    whole = Coded([(kind,)], np.zeros(view.n_cases, dtype=np.int64), each)
    if kind == "length":
        return Measured(whole, view.lengths.astype(np.float64))
    assert times is not None
    last = np.full(view.n_cases, np.iinfo(np.int64).min)
    np.maximum.at(last, view.case, times[view.rows])
    return Measured(whole, np.maximum(last - view.starts, 0) / 1e6)


def renumbered(found: Coded, names: tuple[Name, ...]) -> Coded:
    """The same by the numbers of a group's names; what it does not name is its rarer values, or left out."""
    place = {name: index for index, name in enumerate(names)}
    other = place.get(RARER, -1)
    mapping = np.array([place.get(name, other) for name in found.names] or [other], dtype=np.int64)
    codes = mapping[found.codes]
    held = codes >= 0
    return Coded(list(names), codes[held], found.case[held])


def ranked(found: Measured, group: Group) -> Measured:
    """Numbers of the group's features as ranks among those of training, 0 to 1000."""
    place = {name: index for index, name in enumerate(group.names)}
    mapping = np.array([place.get(name, -1) for name in found.coded.names] or [-1], dtype=np.int64)
    codes = mapping[found.coded.codes]
    held = np.flatnonzero(codes >= 0)
    codes, values, case = codes[held], found.values[held], found.coded.case[held]
    ranks = np.zeros(len(codes))
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(group.names)))
    for index, (edges, scores) in enumerate(zip(group.edges, group.scores, strict=True)):
        of = order[(ends[index - 1] if index else 0) : ends[index]]
        ranks[of] = np.array(scores, dtype=np.float64)[np.searchsorted(edges, values[of], side="right")]
    return Measured(Coded(list(group.names), codes, case), ranks)


def tallied(found: Coded) -> tuple[Codes, Codes, Codes]:
    """Each name that a case has: case, code and how often."""
    size = np.int64(max(len(found.names), 1))
    # Cases stand in order, and so nearly do the keys: sorting them is cheaper than hashing.
    keys = np.sort(found.case * size + found.codes, kind="stable")
    starts = _starts(keys)
    return keys[starts] // size, keys[starts] % size, np.diff(starts, append=len(keys))


def summed_values(found: Measured) -> tuple[Codes, Codes, Codes, Floats]:
    """The same of numbers, and their sum."""
    size = np.int64(max(len(found.coded.names), 1))
    keys = found.coded.case * size + found.coded.codes
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = _starts(keys)
    total = np.add.reduceat(found.values[order], starts) if len(keys) else found.values
    return keys[starts] // size, keys[starts] % size, np.diff(starts, append=len(keys)), total


def _starts(keys: Codes) -> Codes:
    """Where each run of equal keys begins."""
    return np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))


def sums(view: View, group: Group, blocks: Blocks) -> Sums:
    """The group's sums over the cases looked at, by these blocks of time."""
    return Summer(view, blocks).sums(group)


class Summer:
    """Sums of one group after another of the same cases, each column coded once."""

    def __init__(self, view: View, blocks: Blocks) -> None:
        self.view, self.blocks = view, blocks
        self.block = blocks.of(view.starts)
        self._coded: dict[tuple[str, str], Coded] = {}

    def coded(self, kind: str, column: str) -> Coded:
        """As the function of this name."""
        if (kind, column) not in self._coded:
            self._coded[kind, column] = coded(self.view, kind, column)
        return self._coded[kind, column]

    def sums(self, group: Group) -> Sums:
        """The group's sums."""
        if group.per == VALUES:
            return self._of_values(group)
        if group.per == TIME:
            return self._arrivals()
        found = renumbered(self.coded(group.kind, group.column), group.names)
        size = len(group.names)
        case, code, counts = tallied(found)
        if group.per == CASES:
            among = np.ones(self.view.n_cases)
            return self._shares(case, code, np.ones(len(case)), among, size)
        return self._shares(case, code, counts.astype(np.float64), self.view.lengths.astype(np.float64), size)

    def _shares(self, case: Codes, code: Codes, x: Floats, among: Floats, size: int) -> Sums:
        """Sums where every feature is counted among the same."""
        whole = _summed_by(self.block, among, self.blocks.count)
        d, dd = np.full(size, among.sum()), np.full(size, (among**2).sum())
        return self._summed(case, code, x, among[case], size, (d, dd, np.tile(whole, (size, 1))))

    def _arrivals(self) -> Sums:
        """Cases by the minutes in which they could begin: each counts as one, and takes no time."""
        blocks, none = self.blocks, np.zeros(1)
        first = int(self.view.starts.min()) if self.view.n_cases else 0
        inner = blocks.first + blocks.width * np.arange(1, blocks.count, dtype=np.int64)
        edges = np.concatenate(([first], np.clip(inner, first, self.view.until), [self.view.until]))
        minutes = np.maximum(np.diff(edges // _MINUTE), 0).astype(np.float64)[np.newaxis]
        begun = np.bincount(self.block, minlength=blocks.count).astype(np.float64)[np.newaxis]
        cases = begun.sum(axis=1)
        return Sums(cases, cases, cases, none, minutes.sum(axis=1), none, begun, minutes)

    def _of_values(self, group: Group) -> Sums:
        found = ranked(measured(self.view, group.kind, group.column), group)
        size = len(group.names)
        case, code, counts, x = summed_values(found)
        d = counts.astype(np.float64)
        among = (
            _summed_by(code, d, size),
            _summed_by(code, d * d, size),
            self._by_block(case, code, d, size),
        )
        return self._summed(case, code, x, d, size, among)

    def _summed(
        self, case: Codes, code: Codes, x: Floats, d: Floats, size: int, among: tuple[Floats, Floats, Floats]
    ) -> Sums:
        return Sums(
            np.bincount(code, minlength=size).astype(np.float64),
            _summed_by(code, x, size),
            _summed_by(code, x * x, size),
            _summed_by(code, x * d, size),
            among[0],
            among[1],
            self._by_block(case, code, x, size),
            among[2],
        )

    def _by_block(self, case: Codes, code: Codes, x: Floats, size: int) -> Floats:
        key = code * self.blocks.count + self.block[case]
        return _summed_by(key, x, size * self.blocks.count).reshape(size, self.blocks.count)


def is_present(log: EventLog, group: Group) -> bool:
    """Whether a log has what the group is about."""
    if group.kind in ("wait", "weekday", "hour", "duration", "arrivals"):
        return log.times is not None
    if group.kind == "resource":
        return log.resource_codes is not None
    return group.kind not in ("attribute", "number") or group.column in log.frame.columns


def about(group: Group) -> str:
    """The column that a group is about, as a user knows it."""
    return group.column or {"activity": ACTIVITY, "resource": RESOURCE}.get(group.kind, group.kind)


def is_of_case(column: str) -> bool:
    """Whether a column holds one value a case, and so is counted by case."""
    return column.startswith(CASE_PREFIX)


def _summed_by(code: Codes, values: Floats, size: int) -> Floats:
    """The sum of the values of each code, (size,)."""
    return np.bincount(code, values, minlength=size).astype(np.float64)
