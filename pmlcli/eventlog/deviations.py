"""Cases with one deviation each, made from a log's own cases: what a detector should tell apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.eventlog.log import (
    ACTIVITY,
    MISSING,
    RESOURCE,
    START_TIMESTAMP,
    TIMESTAMP,
    EventLog,
    offsets_of,
)

KINDS = ("skip", "rework", "swap", "move", "activity", "resource")
"""An event left out; done again later; exchanged with the next; moved further; given another activity or
another resource of the log."""
SKIP, REWORK, SWAP, MOVE, REPLACE, REASSIGN = range(len(KINDS))
NONE = -1
LONGER = (10.0, 1000.0)
"""A wait that is lengthened becomes so many times as long, by even odds on a logarithmic scale."""


@dataclass(frozen=True)
class Deviations:
    """The same cases with one deviation each; `kinds` are positions in `KINDS`, (cases,)."""

    log: EventLog
    kinds: NDArray[np.int64]


def deviate(log: EventLog, seed: int) -> Deviations:
    """A copy of the log in which every case has one deviation, of a kind that it has room for.

    Content moves, times stay: the events of a case keep the times of their positions, so that a falling
    time never gives a deviation away. Kinds are drawn evenly among those that a case has room for.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    places = _places(log, rng)
    draws = np.where(places[:, :, 0] >= 0, rng.random(places.shape[:2]), -1.0)
    kinds = draws.argmax(axis=0)
    first, second = places[kinds, np.arange(log.n_cases)].T
    content, times, lengths = _rows(log, kinds, first, second)
    offsets = offsets_of(lengths)
    deviant = _with_times(log, log.take_rows(content, offsets), times)
    new_rows = offsets[:-1] + first - log.offsets[:-1]
    deviant = _replaced_activities(deviant, new_rows[kinds == REPLACE], rng)
    return Deviations(_replaced_resources(deviant, new_rows[kinds == REASSIGN], rng), kinds)


def delay(log: EventLog, seed: int) -> EventLog:
    """A copy of the log in which every case of more than one event waited once 10 to 1,000 times as long as
    it did, or as the log's median wait where that is longer; all that comes after is later by as much. A log
    without times as it is.
    """
    if log.times is None:
        return log
    rng = np.random.Generator(np.random.PCG64(seed))
    is_first = np.zeros(log.n_events, dtype=np.bool_)
    is_first[log.offsets[:-1]] = True
    event = _pick(log, ~is_first, rng)
    factors = np.exp(rng.uniform(math.log(LONGER[0]), math.log(LONGER[1]), log.n_cases))
    rows = event[event != NONE]
    waits = np.where(is_first, 0, np.diff(log.times, prepend=log.times[:1]))
    usual = float(np.median(waits[~is_first])) if len(rows) else 0.0
    added = np.zeros(log.n_events, dtype=np.int64)
    added[rows] = np.maximum(waits[rows], usual) * (factors[event != NONE] - 1)
    total = np.cumsum(added)
    shift = total - np.repeat(total[log.offsets[:-1]], log.lengths)
    return _shifted(log, shift)


def _shifted(log: EventLog, shift: NDArray[np.int64]) -> EventLog:
    """The log with each event so many microseconds later; no later than the last moment that can be told."""
    assert log.times is not None
    limit = np.iinfo(np.int64).max // 1000 - log.times
    shift = np.clip(shift, 0, np.maximum(limit, 0))
    later = pd.to_timedelta(shift, unit="us")
    columns = [name for name in (TIMESTAMP, START_TIMESTAMP) if name in log.frame.columns]
    frame = log.frame.assign(**{name: log.frame[name] + later for name in columns})
    return replace(log, frame=frame, times=log.times + shift)


def _places(log: EventLog, rng: np.random.Generator) -> NDArray[np.int64]:
    """(kinds, cases, 2): the event that each kind would take in each case, and the event it goes to.

    Both are `NONE` where a case has no room for the kind.
    """
    any_event = np.ones(log.n_events, dtype=np.bool_)
    lengths = np.repeat(log.lengths, log.lengths)
    is_last = np.zeros(log.n_events, dtype=np.bool_)
    is_last[log.offsets[1:] - 1] = True
    codes = log.activity_codes
    differs = np.append(codes[1:] != codes[:-1], False) & ~is_last
    places = np.full((len(KINDS), log.n_cases, 2), NONE, dtype=np.int64)
    places[SKIP] = _pick(log, lengths > 1, rng)[:, None]
    again = _pick(log, any_event, rng)
    places[REWORK, :, 0] = again
    places[REWORK, :, 1] = _pick(log, np.arange(log.n_events) >= np.repeat(again, log.lengths), rng)
    places[SWAP] = _pick(log, differs, rng)[:, None]
    places[MOVE] = _move(log, rng)
    if len(log.activities) > 1:
        places[REPLACE] = _pick(log, codes != MISSING, rng)[:, None]
    if log.resource_codes is not None and len(log.resources) > 1:
        places[REASSIGN] = _pick(log, log.resource_codes != MISSING, rng)[:, None]
    return places


def _pick(log: EventLog, valid: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """One of each case's valid events at random, (cases,); `NONE` where there is none."""
    draws = np.where(valid, rng.random(log.n_events), -1.0)
    best = np.maximum.reduceat(draws, log.offsets[:-1])
    winners = np.flatnonzero((draws == np.repeat(best, log.lengths)) & valid)
    cases, first = np.unique(log.case_of_event[winners], return_index=True)
    picked = np.full(log.n_cases, NONE, dtype=np.int64)
    picked[cases] = winners[first]
    return picked


def _move(log: EventLog, rng: np.random.Generator) -> NDArray[np.int64]:
    """(cases, 2): an event, and one of another activity at least two places off, whose place it takes."""
    event = _pick(log, np.ones(log.n_events, dtype=np.bool_), rng)
    far = np.abs(np.arange(log.n_events) - np.repeat(event, log.lengths)) >= 2
    target = _pick(log, far & (log.activity_codes != log.activity_codes[np.repeat(event, log.lengths)]), rng)
    return np.where(target[:, None] == NONE, NONE, np.column_stack([event, target]))


def _rows(
    log: EventLog, kinds: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each event of the deviant log the event that gives its content and the one that gives its time,
    and the length of each case."""
    order = np.arange(log.n_events, dtype=np.float64)
    swapped, moved = kinds == SWAP, kinds == MOVE
    order[first[swapped]] += 1.5
    later = np.where(second > first, 0.5, -0.5)
    order[first[moved]] = second[moved] + later[moved]
    content = np.argsort(order, kind="stable")
    times = np.arange(log.n_events)
    again, after = first[kinds == REWORK], second[kinds == REWORK]
    content = np.insert(content, after + 1, again)
    times = np.insert(times, after + 1, after)
    # Rework never shares a case with a skip, so a skipped event still stands behind its own time.
    keep = ~np.isin(content, first[kinds == SKIP])
    change = np.select([kinds == SKIP, kinds == REWORK], [-1, 1], 0)
    return content[keep], times[keep], log.lengths + change


def _with_times(log: EventLog, deviant: EventLog, rows: NDArray[np.int64]) -> EventLog:
    columns = [name for name in (TIMESTAMP, START_TIMESTAMP) if name in log.frame.columns]
    stamps = log.frame[columns].take(rows).reset_index(drop=True)
    return replace(
        deviant,
        frame=deviant.frame.assign(**{name: stamps[name] for name in columns}),
        times=None if log.times is None else log.times[rows],
    )


def _replaced_activities(log: EventLog, rows: NDArray[np.int64], rng: np.random.Generator) -> EventLog:
    codes = _others(log.activity_codes, rows, len(log.activities), rng)
    frame = log.frame.assign(**{ACTIVITY: _text(log, ACTIVITY, log.activities, codes, rows)})
    return replace(log, frame=frame, activity_codes=codes)


def _replaced_resources(log: EventLog, rows: NDArray[np.int64], rng: np.random.Generator) -> EventLog:
    if log.resource_codes is None or not len(rows):
        return log
    codes = _others(log.resource_codes, rows, len(log.resources), rng)
    frame = log.frame.assign(**{RESOURCE: _text(log, RESOURCE, log.resources, codes, rows)})
    return replace(log, frame=frame, resource_codes=codes)


def _others(
    codes: NDArray[np.int32], rows: NDArray[np.int64], size: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """The codes with another one of `size` at each of these rows."""
    changed = codes.copy()
    changed[rows] = (codes[rows] + rng.integers(1, max(size, 2), len(rows))) % max(size, 1)
    return changed


def _text(
    log: EventLog, column: str, names: tuple[str, ...], codes: NDArray[np.int32], rows: NDArray[np.int64]
) -> Any:
    """The frame's column with the names of the new codes at these rows."""
    values = log.frame[column].array.copy()
    values[rows] = np.array(names, dtype=object)[codes[rows]]
    return values
