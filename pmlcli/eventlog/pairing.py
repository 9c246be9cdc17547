"""Start and completion of an activity, two events in the source, made one event with two times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.log import LIFECYCLE, MISSING, RESOURCE, START_TIMESTAMP, TIMESTAMP, EventLog, offsets_of
from pmlcli.eventlog.role_content import COMPLETES, STARTS
from pmlcli.eventlog.values import time_series

START, COMPLETE = "start", "complete"
MERGED = "start of an activity, merged into its completion"
FIRST_LINES = 5

Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]


def pair_lifecycle(log: EventLog) -> EventLog:
    """The log in which a `start` and the `complete` that belongs to it are one event.

    They belong together when they have the same case, activity and, where the log has it, the same
    instance; the first start goes with the first completion after it, or at its
    instant: where a source is no finer, the completion may stand first. Where an activity is started while
    it is open in its case, a column that can only be the instance is used, else the guess is noted. The
    event keeps place
    and values of its completion (a value that only the start has is taken from there), with the start's
    time as `start_timestamp`. Starts and completions without the other stay as they are, counted.

    Raises LogError for a log without lifecycle or times, or one that has start times already.
    """
    _check(log)
    pairs = find_pairs(log)
    starts, completes = pairs.starts, pairs.completes
    assert log.times is not None
    start_times = np.zeros(log.n_events, dtype=np.int64)
    start_times[completes] = log.times[starts]
    is_paired = np.zeros(log.n_events, dtype=bool)
    is_paired[completes] = True
    frame = log.frame.copy(deep=False)
    _fill_from_starts(frame, starts, completes)
    place = [str(name) for name in frame.columns].index(TIMESTAMP) + 1
    frame.insert(place, START_TIMESTAMP, time_series(start_times, ~is_paired))
    lines = () if log.lines is None else tuple(sorted(log.lines[starts].tolist())[:FIRST_LINES])
    alone = [
        (f"'{kind}' events without the other, kept as they are", count) for kind, count in pairs.alone.items()
    ]
    ledger = log.ledger.without(Refusal(MERGED, len(starts), lines)) if len(starts) else log.ledger
    ledger = replace(ledger, notes=(*ledger.notes, *pairs.notes, *(note for note in alone if note[1])))
    keep = np.ones(log.n_events, dtype=bool)
    keep[starts] = False
    lengths = np.bincount(log.case_of_event[keep], minlength=log.n_cases)
    merged = replace(log, frame=frame, ledger=ledger, resource_codes=_resource_codes(log, starts, completes))
    return merged.take_rows(np.flatnonzero(keep), offsets_of(lengths))


def _check(log: EventLog) -> None:
    absent = [name for name in (LIFECYCLE, TIMESTAMP) if name not in log.frame.columns]
    if absent:
        raise LogError(
            f"{log.source.name}: starts and completions cannot be paired without a column for '{absent[0]}'",
            hint=f"name it: --columns {absent[0]}=NAME, or leave --pair-lifecycle out",
            code="log.column",
        )
    if START_TIMESTAMP in log.frame.columns:
        raise LogError(
            f"{log.source.name}: the events have start times already",
            hint="leave --pair-lifecycle out, or --columns start_timestamp=none",
            code="log.column",
        )


@dataclass(frozen=True)
class Pairs:
    """The rows of starts and of the completions that belong to them, pair by pair; `alone` counts others."""

    starts: Rows
    completes: Rows
    alone: dict[str, int]
    notes: tuple[tuple[str, int], ...] = ()


def find_pairs(log: EventLog) -> Pairs:
    """Which starts and completions of a log with a lifecycle belong together."""
    kinds = log.frame[LIFECYCLE].astype(object).str.strip().str.lower()
    is_start, is_end = kinds.isin(STARTS).to_numpy(bool), kinds.isin(COMPLETES).to_numpy(bool)
    rows = np.flatnonzero(is_start | is_end)
    key = log.case_of_event[rows] * (len(log.activities) + 1) + log.activity_codes[rows]
    ordered = _starts_first(log, _Transitions(rows, key, np.where(is_start[rows], 1, -1)))
    notes: tuple[tuple[str, int], ...] = ()
    source = log.schema.columns.get("instance")
    source = source if source in log.frame.columns else None
    guessed = _overlaps(ordered)
    if source is None and guessed:
        source = _instances(log, ordered)
        notes = () if source is None else ((f"'{source}' taken as instance, by what it holds", len(rows)),)
    if source is not None:
        ordered = _starts_first(log, _of_instances(log, source, ordered))
        guessed = _overlaps(ordered)
    if guessed:
        notes += (("starts of an activity that was open: which completion is theirs is a guess", guessed),)
    starts, completes = _first_with_first(ordered)
    alone = {START: int(is_start.sum()) - len(starts), COMPLETE: int(is_end.sum()) - len(starts)}
    return Pairs(starts, completes, alone, notes)


class _Transitions(NamedTuple):
    """Starts and completions in the order in which they happened, (n,) each.

    Those of one `key` may belong together; `step` is 1 for a start and -1 for a completion.
    """

    rows: Rows
    key: NDArray[np.int64]
    step: NDArray[np.int64]

    def take(self, order: Rows) -> _Transitions:
        return _Transitions(self.rows[order], self.key[order], self.step[order])


def _of_instances(log: EventLog, source: str, these: _Transitions) -> _Transitions:
    """The same with keys that differ where the instance does, as they stand in the log."""
    instance = pd.factorize(log.frame[source].iloc[these.rows])[0].astype(np.int64)
    key = these.key * (instance.max(initial=0) + 2) + instance + 1
    return these._replace(key=key).take(np.argsort(these.rows))


def _starts_first(log: EventLog, these: _Transitions) -> _Transitions:
    """Starts before completions of the same key and instant, for keys of which more then belong together.

    Where a source writes no finer than it happened, the completion of what took no time may stand first.
    """
    assert log.times is not None
    alone = _alone(these)
    if not alone.any():
        return these
    keys, codes = np.unique(these.key, return_inverse=True)
    order = _order_by_instant(log.times[these.rows], codes, alone)
    moved = these.take(order)
    before = np.bincount(codes[alone], minlength=len(keys))
    after = np.bincount(codes[order][_alone(moved)], minlength=len(keys))
    is_better = (after < before)[codes]
    return these.take(_order_by_instant(log.times[these.rows], codes, alone & is_better))


def _order_by_instant(times: NDArray[np.int64], codes: Rows, alone: Flags) -> Rows:
    """The order in which the `alone` ones stand behind all else of their key and instant."""
    place = pd.Series(np.arange(len(times)))
    last = place.groupby([codes, times]).transform("max").to_numpy()
    return np.lexsort((place, alone, np.where(alone, last, place)))


def _first_with_first(these: _Transitions) -> tuple[Rows, Rows]:
    """The first start of a key goes with the first completion after it."""
    rows, key, step = these.rows, pd.Series(these.key), pd.Series(these.step)
    started, ended = step > 0, (step < 0) & ~_alone(these)
    number_of_start = started.groupby(key).cumsum()
    number_of_end = ended.groupby(key).cumsum()
    left = pd.DataFrame({"key": key, "number": number_of_start, "start": rows})[started]
    right = pd.DataFrame({"key": key, "number": number_of_end, "complete": rows})[ended]
    pairs = left.merge(right, on=["key", "number"])
    return pairs["start"].to_numpy(dtype=np.int64), pairs["complete"].to_numpy(dtype=np.int64)


def _alone(these: _Transitions) -> Flags:
    """Completions at which the balance falls to a new low under 0: no start is still open."""
    step, key = pd.Series(these.step), these.key
    balance = step.groupby(key).cumsum()
    lowest = balance.groupby(key).cummin().groupby(key).shift(fill_value=0).clip(upper=0)
    return ((step < 0) & (balance < lowest)).to_numpy(dtype=bool)


def _overlaps(these: _Transitions) -> int:
    """How many starts come while another of their key is open and both end."""
    steps, keys = pd.Series(these.step), pd.Series(these.key)
    counted = steps.where(~_alone(these), 0)
    is_open = counted.groupby(keys).cumsum()
    ends_later = counted.lt(0)[::-1].groupby(keys[::-1]).cumsum()[::-1] > 0
    return int(((counted > 0) & (is_open > 1) & ends_later).sum())


def _instances(log: EventLog, these: _Transitions) -> str | None:
    """The only column with a value of its own for each start and its completion; None without one."""
    columns = {name: log.frame[name].iloc[these.rows] for name in log.attribute_columns()}
    names = [name for name, column in columns.items() if _is_instance(column, these.key, these.step)]
    return names[0] if len(names) == 1 else None


def _is_instance(column: pd.Series, key: NDArray[np.int64], step: NDArray[np.int64]) -> bool:
    """Whether each value has one case and activity, a start and a completion at most, and most have both."""
    codes, values = pd.factorize(column)
    if (codes < 0).any() or len(values) < len(codes) / 2:
        return False
    starts, ends = (np.bincount(codes[step == one], minlength=len(values)) for one in (1, -1))
    if max(starts.max(initial=0), ends.max(initial=0)) > 1:
        return False
    is_one = len(pd.DataFrame({"value": codes, "key": key}).drop_duplicates()) == len(values)
    return is_one and bool((starts * ends).sum() >= 0.5 * min(starts.sum(), ends.sum()))


def _fill_from_starts(frame: pd.DataFrame, starts: Rows, completes: Rows) -> None:
    """Give completions, in place, the values that only their starts have."""
    for name in frame.columns:
        column = frame[name]
        lacking = column.isna().to_numpy(dtype=bool)[completes] & column.notna().to_numpy(dtype=bool)[starts]
        if lacking.any():
            values = column.array.copy()
            values[completes[lacking]] = column.array[starts[lacking]]
            frame[name] = pd.Series(values, index=frame.index)


def _resource_codes(log: EventLog, starts: Rows, completes: Rows) -> NDArray[np.int32] | None:
    if log.resource_codes is None or RESOURCE not in log.frame.columns:
        return log.resource_codes
    codes = log.resource_codes.copy()
    codes[completes] = np.where(codes[completes] == MISSING, codes[starts], codes[completes])
    return codes
