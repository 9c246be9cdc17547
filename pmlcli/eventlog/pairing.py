"""Start and completion of an activity, two events in the source, made one event with two times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.ledger import Refusal
from pmlcli.eventlog.log import LIFECYCLE, MISSING, RESOURCE, START_TIMESTAMP, TIMESTAMP, EventLog, offsets_of
from pmlcli.eventlog.values import time_series

INSTANCE = "concept:instance"
START, COMPLETE = "start", "complete"
MERGED = "start of an activity, merged into its completion"
FIRST_LINES = 5

Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]


def pair_lifecycle(log: EventLog) -> EventLog:
    """The log in which a `start` and the `complete` that belongs to it are one event.

    They belong together when they have the same case, activity and, where the log has it,
    `concept:instance`; the first start goes with the first completion after it. The event keeps place
    and values of its completion (a value that only the start has is taken from there), with the start's
    time as `start_timestamp`. Starts and completions without the other stay as they are, counted.

    Raises LogError for a log without lifecycle or times, or one that has start times already.
    """
    _check(log)
    kinds = log.frame[LIFECYCLE].astype(object).str.lower()
    starts, completes = _pairs(log, (kinds == START).to_numpy(bool), (kinds == COMPLETE).to_numpy(bool))
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
        (f"'{kind}' events without the other, kept as they are", int((kinds == kind).sum()) - len(starts))
        for kind in (START, COMPLETE)
    ]
    ledger = log.ledger.without(Refusal(MERGED, len(starts), lines)) if len(starts) else log.ledger
    ledger = replace(ledger, notes=(*ledger.notes, *(note for note in alone if note[1])))
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


def _pairs(log: EventLog, is_start: Flags, is_complete: Flags) -> tuple[Rows, Rows]:
    """The rows of starts and of the completions that belong to them, pair by pair."""
    rows = np.flatnonzero(is_start | is_complete)
    key = pd.Series(log.case_of_event[rows] * (len(log.activities) + 1) + log.activity_codes[rows])
    if INSTANCE in log.frame.columns:
        instance = pd.factorize(log.frame[INSTANCE].iloc[rows])[0].astype(np.int64)
        key = key * (instance.max(initial=0) + 2) + instance + 1
    step = pd.Series(np.where(is_start[rows], 1, -1))
    balance = step.groupby(key).cumsum()
    # a completion at which the balance falls to a new low under 0 has no start that is still open
    lowest = balance.groupby(key).cummin().groupby(key).shift(fill_value=0).clip(upper=0)
    is_alone = (step < 0) & (balance < lowest)
    started, ended = step > 0, (step < 0) & ~is_alone
    number_of_start = started.groupby(key).cumsum()
    number_of_end = ended.groupby(key).cumsum()
    left = pd.DataFrame({"key": key, "number": number_of_start, "start": rows})[started]
    right = pd.DataFrame({"key": key, "number": number_of_end, "complete": rows})[ended]
    pairs = left.merge(right, on=["key", "number"])
    return pairs["start"].to_numpy(dtype=np.int64), pairs["complete"].to_numpy(dtype=np.int64)


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
