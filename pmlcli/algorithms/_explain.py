"""Why an answer is what it is: what it would be had an event, the resource or an attribute been otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.attributes import as_text
from pmlcli.eventlog.log import ACTIVITY, MISSING, RESOURCE, TIMESTAMP, EventLog, offsets_of

if TYPE_CHECKING:
    from pmlcli.algorithms._prefix import Asked

LATEST = 5
"""So many of the last events of a prefix are left out in turn."""
REASONS = 3
LEAST_SHARE = 0.01
"""Of the strongest influence; what moves the answer less is not worth a word."""

Rows = NDArray[np.int64]
Strength = Callable[[Any, Rows], NDArray[np.float64]]


class _Change(NamedTuple):
    """The prefixes with one thing changed: a log of one case a prefix, where it applies, and what it is."""

    log: EventLog
    applies: NDArray[np.bool_]
    what: list[str]
    kept: Rows
    """The events of the log of prefixes that are left."""


def explanations(asked: Asked, strength: Strength, say: Callable[[float], str]) -> list[str]:
    """What moved each answer most, (prefixes,): `because of `Check` (event 3): +2.1 d; ...`.

    Every change is made to the log and encoded anew, so each algorithm is asked in the same way; what is
    around stays as it was.
    """
    if len(asked.rows) == 0:
        return []
    prefixes, events = _prefix_log(asked)
    usual = _strength(asked, strength, prefixes, events)
    found: list[tuple[NDArray[np.float64], list[str]]] = []
    for change in _changes(asked, prefixes):
        with_change = _strength(asked, strength, change.log, events[change.kept])
        found.append((np.where(change.applies, usual - with_change, 0.0), change.what))
    influence = np.column_stack([effect for effect, _what in found])
    order = np.argsort(-np.abs(influence), axis=1, kind="stable")[:, :REASONS]
    return [
        _told(influence[row], order[row], [what[row] for _e, what in found], say) for row in range(len(order))
    ]


def _told(influence: NDArray[np.float64], order: Rows, what: list[str], say: Callable[[float], str]) -> str:
    floor = LEAST_SHARE * np.abs(influence).max()
    worth = [place for place in order if abs(influence[place]) > floor]
    return "; ".join(f"{what[place]}: {say(float(influence[place]))}" for place in worth)


def _strength(asked: Asked, strength: Strength, log: EventLog, events: Rows) -> NDArray[np.float64]:
    data = asked.encoding.transform(log)
    if hasattr(data, "around"):
        data = replace(data, around=asked.data.around[events])
    return strength(data, data.offsets[1:] - 1)


def _prefix_log(asked: Asked) -> tuple[EventLog, Rows]:
    """Each prefix as a case of its own, and the events that they are made of."""
    lengths = asked.data.position[asked.rows] + 1
    offsets = offsets_of(lengths)
    events = np.arange(offsets[-1]) + np.repeat(asked.rows + 1 - lengths - offsets[:-1], lengths)
    return asked.log.take_rows(events, offsets), events


def _changes(asked: Asked, log: EventLog) -> Iterator[_Change]:
    everything, all_cases = np.arange(log.n_events), np.ones(log.n_cases, dtype=np.bool_)
    for back in range(min(LATEST, int(log.lengths.max()))):
        yield _without_event(log, back)
    if log.resource_codes is not None and RESOURCE in asked.encoding.required_columns():
        nobody = np.full(log.n_events, MISSING, dtype=log.resource_codes.dtype)
        frame = log.frame.assign(**{RESOURCE: None})
        last = log.frame[RESOURCE].iloc[log.offsets[1:] - 1]
        what = [f"done by `{name}`" if pd.notna(name) else "done by nobody named" for name in last]
        yield _Change(replace(log, frame=frame, resource_codes=nobody), all_cases, what, everything)
    if log.times is not None and TIMESTAMP in asked.encoding.required_columns():
        ends = np.repeat(log.ends, log.lengths)
        at_once = replace(log, times=ends, frame=log.frame.assign(**{TIMESTAMP: _stamps(ends)}))
        yield _Change(at_once, log.ends > log.starts, ["the time it took so far"] * log.n_cases, everything)
    for column in asked.encoding.required_columns():
        if column not in (RESOURCE, TIMESTAMP):
            values = as_text(log.frame[column].iloc[log.offsets[1:] - 1])
            blank = log.frame[column].where(np.zeros(log.n_events, dtype=np.bool_))
            what = [f"'{column}' is {value}" for value in values]
            frame = log.frame.assign(**{column: blank})
            yield _Change(replace(log, frame=frame), values.notna().to_numpy(), what, everything)


def _without_event(log: EventLog, back: int) -> _Change:
    """Each prefix of two events or more without the one so many before its last."""
    applies = (log.lengths > back) & (log.lengths > 1)
    gone = (log.offsets[1:] - 1 - back)[applies]
    kept = np.delete(np.arange(log.n_events), gone)
    places = np.maximum(log.offsets[1:] - 1 - back, log.offsets[:-1])
    names, numbers = log.frame[ACTIVITY].iloc[places], log.lengths - back
    what = [f"`{name}` (event {number})" for name, number in zip(names, numbers, strict=True)]
    return _Change(log.take_rows(kept, offsets_of(log.lengths - applies)), applies, what, kept)


def _stamps(micros: Rows) -> pd.Series[Any]:
    return pd.Series(pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC"))
