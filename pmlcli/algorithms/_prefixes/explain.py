"""Why an answer is what it is: what it would be had an event, the resource or an attribute been otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._prefixes.request import Columns, OwnRequest, PrefixData, Requested
from pmlcli.arrays import Codes
from pmlcli.encoding.attributes import as_text
from pmlcli.eventlog.log import ACTIVITY, MISSING, RESOURCE, START_TIMESTAMP, TIMESTAMP, EventLog, offsets_of
from pmlcli.runtime import track

LATEST = 5
"""So many of the last events of a prefix are left out in turn."""
REASONS = 3
LEAST_SHARE = 0.01
"""Of the strongest influence; what moves the answer less is not worth a word."""

LONGEST = 500
"""Longer prefixes are explained only where one is asked for of each case."""
CHUNK_EVENTS = 300_000
"""Prefixes of about so many events together are explained at a time, to bound the memory."""

Strength = Callable[[Requested[PrefixData, OwnRequest], Columns, PrefixData, Codes], NDArray[np.float64]]


class _Change(NamedTuple):
    """A log with one thing changed, the rows that stand for the prefixes, where it applies, what it is."""

    log: EventLog
    rows: Codes
    applies: NDArray[np.bool_]
    what: list[str]
    events: Codes
    """The events that were asked about of which the log is made."""


def explanations(
    requested: Requested[PrefixData, OwnRequest],
    predictions: Columns,
    strength: Strength[PrefixData, OwnRequest],
    say: Callable[[float], str],
) -> list[str]:
    """What moved each answer most, (prefixes,): `because of `Check` (event 3): +2.1 d; ...`.

    Every change is made to the log and encoded anew, so each algorithm is asked in the same way; what is
    around stays as it was. An event left out makes a log of its own of every prefix, which takes time with
    the square of a case's length: of every prefix of a case, those of more than `LONGEST` events get none.
    """
    table, lengths = pd.DataFrame(predictions), requested.data.position[requested.rows] + 1
    told = np.flatnonzero((lengths <= LONGEST) | (not requested.request.every_prefix))
    pieces = np.split(told, np.flatnonzero(np.diff(np.cumsum(lengths[told]) // CHUNK_EVENTS)) + 1)
    found = [""] * len(lengths)
    for piece in track(pieces, "explaining", len(pieces)):
        own = {str(name): column.to_numpy() for name, column in table.iloc[piece].items()}
        part = replace(requested, rows=requested.rows[piece])
        for place, words in zip(piece.tolist(), _explained(part, own, strength, say), strict=True):
            found[place] = words
    return found


def _explained(
    requested: Requested[PrefixData, OwnRequest],
    predictions: Columns,
    strength: Strength[PrefixData, OwnRequest],
    say: Callable[[float], str],
) -> list[str]:
    if len(requested.rows) == 0:
        return []
    usual = strength(requested, predictions, requested.data, requested.rows)
    found: list[tuple[NDArray[np.float64], list[str]]] = []
    for change in chain(_left_out(requested), _blanked(requested)):
        with_change = strength(requested, predictions, _encoded(requested, change), change.rows)
        found.append((np.where(change.applies, usual - with_change, 0.0), change.what))
    influence = np.column_stack([effect for effect, _what in found])
    order = np.argsort(-np.abs(influence), axis=1, kind="stable")[:, :REASONS]
    return [
        _told(influence[row], order[row], [what[row] for _e, what in found], say) for row in range(len(order))
    ]


def _told(influence: NDArray[np.float64], order: Codes, what: list[str], say: Callable[[float], str]) -> str:
    floor = LEAST_SHARE * np.abs(influence).max()
    worth = [place for place in order if abs(influence[place]) > floor]
    told = [(what[place], say(float(influence[place]))) for place in worth]
    return "; ".join(f"{reason}: {words}" for reason, words in told if not _is_nothing(words))


def _is_nothing(words: str) -> bool:
    """Whether a change that moved the answer rounds to none, such as `+0 points`."""
    return float(words.split(" ", 1)[0].replace(",", "")) == 0.0


def _encoded(requested: Requested[PrefixData, OwnRequest], change: _Change) -> PrefixData:
    return requested.encoding.transform(change.log).amid(requested.data, change.events)


def _left_out(requested: Requested[PrefixData, OwnRequest]) -> Iterator[_Change]:
    """What needs a log in which each prefix is a case: an event left out, and no time passing."""
    lengths = requested.data.position[requested.rows] + 1
    offsets = offsets_of(lengths)
    events = np.arange(offsets[-1]) + np.repeat(requested.rows + 1 - lengths - offsets[:-1], lengths)
    log = requested.log.take_rows(events, offsets)
    for back in range(min(LATEST, int(lengths.max()))):
        yield _without_event(log, events, back)
    if log.times is not None and TIMESTAMP in requested.encoding.required_columns():
        ends = np.repeat(log.ends, log.lengths)
        stamps = {role: _stamps(ends) for role in (TIMESTAMP, START_TIMESTAMP) if role in log.frame.columns}
        at_once = replace(log, times=ends, frame=log.frame.assign(**stamps))
        what = ["the time it took so far"] * log.n_cases
        yield _Change(at_once, offsets[1:] - 1, log.ends > log.starts, what, events)


def _without_event(log: EventLog, events: Codes, back: int) -> _Change:
    """Each prefix of two events or more without the one so many before its last."""
    applies = (log.lengths > back) & (log.lengths > 1)
    gone = (log.offsets[1:] - 1 - back)[applies]
    kept = np.delete(np.arange(log.n_events), gone)
    places = np.maximum(log.offsets[1:] - 1 - back, log.offsets[:-1])
    names, numbers = log.frame[ACTIVITY].iloc[places], log.lengths - back
    what = [f"`{name}` (event {number})" for name, number in zip(names, numbers, strict=True)]
    offsets = offsets_of(log.lengths - applies)
    return _Change(log.take_rows(kept, offsets), offsets[1:] - 1, applies, what, events[kept])


def _blanked(requested: Requested[PrefixData, OwnRequest]) -> Iterator[_Change]:
    """A whole column without values, seen from each prefix of the cases asked about."""
    cases, place = np.unique(requested.cases, return_inverse=True)
    events, _offsets = requested.data.rows_of(cases)
    log = requested.log.take_cases(cases)
    rows = log.offsets[:-1][place] + requested.data.position[requested.rows]
    for column in requested.encoding.required_columns():
        frame = log.frame
        if column == RESOURCE and log.resource_codes is not None:
            nobody = np.full(log.n_events, MISSING, dtype=log.resource_codes.dtype)
            changed = replace(log, frame=frame.assign(**{RESOURCE: None}), resource_codes=nobody)
            last = frame[RESOURCE].iloc[rows]
            what = [f"done by `{name}`" if pd.notna(name) else "done by nobody named" for name in last]
            yield _Change(changed, rows, np.ones(len(rows), dtype=np.bool_), what, events)
        elif column not in (RESOURCE, TIMESTAMP):
            values = as_text(frame[column].iloc[rows])
            blank = frame[column].where(np.zeros(log.n_events, dtype=np.bool_))
            changed = replace(log, frame=frame.assign(**{column: blank}))
            what = [f"'{column}' is {value}" for value in values]
            yield _Change(changed, rows, values.notna().to_numpy(), what, events)


def _stamps(micros: Codes) -> pd.Series[Any]:
    return pd.Series(pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC"))
