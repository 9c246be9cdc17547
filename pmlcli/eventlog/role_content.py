"""Which columns play which role, by what they hold, where no name says it.

A case's value returns, a few events each; an activity is one of few values that many cases share; and of all
pairs of columns the right one makes the next activity easiest to tell from the one before it in the case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Codes
from pmlcli.eventlog.raw import Column, TextColumn, UniformTexts, as_text
from pmlcli.eventlog.times.date_and_clock import is_dates
from pmlcli.eventlog.times.short_years import short_dates
from pmlcli.eventlog.times.time_layouts import blocks

_LIFECYCLES = (
    "schedule assign withdraw reassign start suspend resume abort_activity abort_case complete autoskip "
    "manualskip pi_abort ate_abort unknown started completed begin end finish finished"
)
LIFECYCLES = frozenset(_LIFECYCLES.split())
"""Transitions of an activity, as XES and tools name them (lower case)."""
STARTS = frozenset({"start", "started", "begin"})
COMPLETES = frozenset({"complete", "completed", "end", "finish", "finished"})

_ENOUGH = 10
"""Rows below which nothing is told by content."""
_MOST_ROWS = 20_000
_MOST_COLUMNS = 40
_LOOKED_AT = 1_000
"""Distinct values of a column that are looked at to see whether they are times."""
_MOST_ACTIVITIES = 500
_LEAST_GAIN = 0.25
"""Share of what it takes to write the activities down that is saved by knowing the one before."""
_RIVAL = 0.85
"""Another pair that saves more than this share of the best one's savings makes it no safe guess."""
_OTHER = 0.75
"""The same for a pair of which neither column is the best one's: the log is cut in another way."""
_LONGEST_CASE = 100
_MOST_REPEATS = 0.6


@dataclass(frozen=True)
class Candidate:
    """A column by its codes, (rows,), numbered by first appearance; `is_number`: all are numbers."""

    name: str
    codes: Codes
    distinct: int
    is_number: bool


@dataclass(frozen=True)
class Pair:
    """Columns that may be case and activity, and how much better the one tells the other than chance."""

    case: Candidate
    activity: Candidate
    gain: float


def holds_times(column: Column) -> bool:
    """Whether nearly all values are dates or times; a few that are not are named when the log is read."""
    if not isinstance(column, TextColumn):
        return isinstance(column, UniformTexts) or pd.api.types.is_datetime64_any_dtype(column.dtype)
    texts = [str(value).strip() for value in column.used()[1][:_LOOKED_AT]]
    if not texts:
        return False
    told = sum(len(block.rows) for block in blocks(texts) if block.match is not None)
    return told + len(short_dates(texts)) >= 0.9 * len(texts) or is_dates(column)


def holds_lifecycle(column: Column) -> bool:
    """Whether the values are transitions of activities, among them a start and a completion."""
    if not isinstance(column, TextColumn) or len(column.values) > 2 * len(LIFECYCLES):
        return False
    values = {str(value).strip().lower() for value in column.used()[1]}
    return values <= LIFECYCLES and bool(values & STARTS) and bool(values & COMPLETES)


def numbered(column: Column) -> tuple[Codes, int]:
    """Codes by first appearance, (rows,), -1 where there is no value; and how many there are."""
    codes = as_text(column).codes
    present = codes >= 0
    found = np.full(len(codes), -1, dtype=np.int64)
    numbers, values = pd.factorize(codes[present])
    found[present] = numbers
    return found, len(values)


def same_partition(a: Column, b: Column) -> bool:
    """Whether two columns, in which values return, have a value for each value of the other."""
    (left, n_left), (right, n_right) = numbered(a), numbered(b)
    returns = 2 <= n_left == n_right <= len(left) / 2
    return returns and bool((left == right).all())


def determines(a: Column, b: Column) -> bool:
    """Whether each value of `a`, among which some return, stands beside one value of `b` only."""
    (left, n_left), (right, n_right) = numbered(a), numbered(b)
    pairs = np.unique(left * (n_right + 1) + right + 1)
    return 2 <= n_left <= len(left) / 2 and len(pairs) == n_left and bool((left >= 0).all())


def is_numeric(column: Column) -> bool:
    """Whether every value is written as a number."""
    if isinstance(column, pd.Series):
        return pd.api.types.is_numeric_dtype(column.dtype)
    if isinstance(column, UniformTexts):
        return False
    values = pd.Series(column.used()[1], dtype=object)
    return bool(len(values)) and bool(pd.to_numeric(values, errors="coerce").notna().all())


def changes_within(codes: Codes, case: Codes) -> bool:
    """Whether values change inside cases, or no case has two events."""
    several = np.bincount(case[case >= 0])[case] > 1
    if not several.any():
        return True
    pairs = pd.DataFrame({"case": case[several], "value": codes[several]}).drop_duplicates()
    kinds = pairs.groupby("case").size()
    return bool((kinds > 1).mean() >= 0.1)


def best_pairs(
    columns: Mapping[str, Column], order: NDArray[np.int64] | None, case: str | None, activity: str | None
) -> list[Pair]:
    """Pairs that may be case and activity, the likeliest first; one of both may be known.

    Those that say the same as a likelier one are left out. `order` puts rows into the order of time.
    """
    rows = np.arange(min(_MOST_ROWS, _rows_of(columns))) if order is None else order[order < _MOST_ROWS]
    if len(rows) < _ENOUGH:
        return []
    found = [c for name in columns if (c := _candidate(name, columns[name], rows)) is not None]
    cases = [c for c in found if case in (None, c.name) and (case or _may_be_case(c))]
    activities = [c for c in found if activity in (None, c.name) and (activity or _may_be_activity(c))]
    activities = [c for c in activities if activity or not _counts_any(cases[:_MOST_COLUMNS], c)]
    pairs = [
        Pair(c, a, _gain(c.codes, a.codes))
        for c in cases[:_MOST_COLUMNS]
        for a in activities[:_MOST_COLUMNS]
        if c is not a and _may_be_together(c, a)
    ]
    # Twins gain alike; the one with names comes before the one with numbers.
    likely = sorted(
        (p for p in pairs if p.gain >= _LEAST_GAIN), key=lambda p: (-p.gain, p.activity.is_number)
    )
    return list(_without_echoes(likely))


def is_settled(pairs: list[Pair]) -> bool:
    """Whether one pair is the only plausible one."""
    if not pairs:
        return False
    best, *others = pairs
    return all(pair.gain <= (_RIVAL if _is_related(pair, best) else _OTHER) * best.gain for pair in others)


def _is_related(a: Pair, b: Pair) -> bool:
    return a.case.name == b.case.name or a.activity.name == b.activity.name


def _rows_of(columns: Mapping[str, Column]) -> int:
    return max((len(column) for column in columns.values()), default=0)


def _candidate(name: str, column: Column, rows: NDArray[np.int64]) -> Candidate | None:
    """A column that has a value in each row, and neither times nor fractions; None for others."""
    if holds_times(column) or (isinstance(column, pd.Series) and _has_fractions(column)):
        return None
    text = as_text(column)
    is_number = is_numeric(text)
    if is_number and any("." in str(v) or "," in str(v) for v in text.used()[1][:_LOOKED_AT].tolist()):
        return None
    codes, values = pd.factorize(text.codes[rows])
    if len(values) < 2 or (text.codes[rows] < 0).any() or holds_lifecycle(column):
        return None
    return Candidate(name, codes.astype(np.int64), len(values), is_number)


def _has_fractions(column: pd.Series) -> bool:
    return bool(pd.api.types.is_float_dtype(column.dtype)) and bool((column.dropna() % 1 != 0).any())


def _may_be_case(column: Candidate) -> bool:
    sizes = np.bincount(column.codes)
    return column.distinct >= 3 and sizes.mean() >= 1.5 and float(np.median(sizes)) <= _LONGEST_CASE


def _may_be_activity(column: Candidate) -> bool:
    return column.distinct <= min(len(column.codes) / 4, _MOST_ACTIVITIES)


def _may_be_together(case: Candidate, activity: Candidate) -> bool:
    """Whether activities change inside cases, return in several of them, and are spread wider."""
    pairs = np.unique(case.codes * activity.distinct + activity.codes)
    per_case = np.bincount(pairs // activity.distinct, minlength=case.distinct)
    per_activity = np.bincount(pairs % activity.distinct, minlength=activity.distinct)
    sizes, weights = np.bincount(case.codes), np.bincount(activity.codes)
    several = sizes > 1
    if not several.any() or (per_case[several] > 1).mean() < 0.5:
        return False
    if np.average(per_activity, weights=weights) < 2:
        return False
    return _span(case.codes) < _span(activity.codes)


def _span(codes: Codes) -> float:
    """Rows from a value's first to its last, on average: a case passes, its activities come again."""
    places = np.arange(len(codes))
    first, last = np.full(int(codes.max()) + 1, len(codes)), np.zeros(int(codes.max()) + 1, dtype=np.int64)
    np.minimum.at(first, codes, places)
    np.maximum.at(last, codes, places)
    return float((last - first)[codes].mean())


def _counts_any(cases: list[Candidate], column: Candidate) -> bool:
    """Whether a column of numbers counts the events of what may be the cases."""
    return column.is_number and any(_counts_events(c.codes, column.codes) for c in cases if c is not column)


def _counts_events(case: Codes, values: Codes) -> bool:
    """Whether each event of a case is the next number: first appearances stand in order in every case."""
    order = np.argsort(case, kind="stable")
    same = np.diff(case[order]) == 0
    return bool((np.diff(values[order])[same] == 1).mean() >= 0.9) if same.any() else False


def _gain(case: Codes, activity: Codes) -> float:
    """Share of the bits for the activities that is saved when the one before in the case is known.

    What it takes to write down which follows which counts as well; 0 for activities that mostly repeat.
    """
    order = np.argsort(case, kind="stable")
    case, activity = case[order], activity[order]
    n, edge = len(case), int(activity.max()) + 1
    is_first = np.append(True, case[1:] != case[:-1])
    is_last = np.append(is_first[1:], True)
    before = np.append(np.where(is_first, edge, np.append(edge, activity[:-1])), activity[is_last])
    after = np.append(activity, np.full(int(is_last.sum()), edge))
    if (before == after).mean() > _MOST_REPEATS:
        return 0.0
    steps, counts = np.unique(before * (edge + 1) + after, return_counts=True)
    totals = np.bincount(steps // (edge + 1), weights=counts)
    price = 0.5 * float(np.log2(n + 1))
    known = float((counts * np.log2(totals[steps // (edge + 1)] / counts)).sum()) + price * len(steps)
    each = np.bincount(after)
    each = each[each > 0]
    alone = float((each * np.log2(each.sum() / each)).sum()) + price * edge
    return 1 - known / alone if alone > 0 else 0.0


def _without_echoes(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """The pairs without those that say the same as a likelier one: a twin, or an attribute of its case."""
    kept: list[Pair] = []
    for pair in pairs:
        if not any(_echoes(pair, other) for other in kept):
            kept.append(pair)
            yield pair


def _echoes(pair: Pair, other: Pair) -> bool:
    same_activity = pair.activity.name == other.activity.name or _is_twin(pair.activity, other.activity)
    same_case = pair.case.name == other.case.name or _is_coarser(pair.case, other.case)
    return same_activity and same_case


def _is_twin(a: Candidate, b: Candidate) -> bool:
    return a.distinct == b.distinct and bool((a.codes == b.codes).all())


def _is_coarser(a: Candidate, b: Candidate) -> bool:
    """Whether each value of `b` stands beside one value of `a` only: `a` says no more."""
    return len(np.unique(b.codes * a.distinct + a.codes)) == b.distinct
