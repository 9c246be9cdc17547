"""Views on coded events for counting: each value beside what stands around it in its case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from pmlcli.algorithms.anomaly._counting.backoff import BackOff, View
from pmlcli.arrays import Codes
from pmlcli.encoding.events.attributes_of_events import Events

FORWARD, BACKWARD, REPEAT, ATTRIBUTES = 0, 1, 2, 3
"""Positions of the views; those of attribute column j begin at `attribute_view(j, companions)`: by its value
in the event before, by its value in the next event, and by its companion's value where it has one."""
LONGEST_PAST = 3
LONGEST_FUTURE = 2
MOST_REPEATS = 8
"""An activity that occurs more often than this in a case is counted as if it occurred so often."""


def attribute_view(column: int, companions: Sequence[int]) -> int:
    """Position of the first view of an attribute column."""
    return ATTRIBUTES + (3 if any(companions) else 2) * (column - 1)


def companions(events: Events) -> list[int]:
    """For each attribute column that other one which tells most about its values; 0 if there is none."""
    attributes = range(1, len(events.columns))
    found = []
    for column in attributes:
        others = [other for other in attributes if other != column]
        told = [_told_by(events, column, other) for other in others]
        found.append(others[int(np.argmax(told))] if others else 0)
    return found


def _told_by(events: Events, column: int, other: int) -> float:
    """Mean logarithm of the likelihood of a column's values by another one's, each left out of the counts."""
    view = _beside(events, column, other, ())
    return float(np.log(BackOff.fit(view).likelihood(view)).mean())


def _beside(events: Events, column: int, other: int, further: tuple[int, ...]) -> View:
    """The values of a column by those of other columns of the event, the nearest first."""
    around = (other, *further)
    return View(
        tuple(events.codes[:, one] for one in around),
        tuple(events.sizes[one] for one in around),
        events.codes[:, column],
        events.sizes[column],
    )


def counted_views(events: Events, beside: Sequence[int]) -> Iterator[View]:
    """The views as they are counted: what follows a case's last event is its end, and before the first its
    start, so that going on after the usual end is as odd as anything else.
    """
    activity, size = events.codes[:, 0], events.sizes[0]
    ends = {FORWARD: events.offsets[1:] - 1, BACKWARD: events.offsets[:-1]}
    for place, view in enumerate(activity_views(activity, events.offsets, size)):
        if place in ends:
            border = ends[place]
            columns = (activity[border], *(column[border] for column in view.columns[:-1]))
            joined = [np.concatenate(pair) for pair in zip(view.columns, columns, strict=True)]
            target = np.concatenate([view.target, np.full(len(border), size)])
            view = View(tuple(joined), view.sizes, target, view.values)
        yield view
    yield from attribute_views(events, beside)


def activity_views(activity: Codes, offsets: Codes, size: int) -> Iterator[View]:
    """The views on activities (events,), of which there are `size`, in the order of the positions above.

    - the activity by the three activities before it, and by the two after it (start and end count as such)
    - how often the activity occurred before in the case, by the activity and the one before it
    """
    places = Places.of(offsets)
    past = [places.neighbour(activity, -k, size) for k in range(1, LONGEST_PAST + 1)]
    future = [places.neighbour(activity, k, size) for k in range(1, LONGEST_FUTURE + 1)]
    yield View(tuple(past), (size + 1,) * LONGEST_PAST, activity, size + 1)
    yield View(tuple(future), (size + 1,) * LONGEST_FUTURE, activity, size + 1)
    yield View((activity, past[0]), (size, size + 1), repeats(activity, offsets), MOST_REPEATS + 1)


def attribute_views(events: Events, beside: Sequence[int]) -> Iterator[View]:
    """Each attribute by the activity and the attribute's value in the event before, or in the next event; and
    by its companion's value in the same event, and the activity. `beside` as `companions` gives it.
    """
    activity, size, places = events.codes[:, 0], events.sizes[0], Places.of(events.offsets)
    for column in range(1, len(events.columns)):
        value, values = events.codes[:, column], events.sizes[column]
        for step in (-1, 1):
            around = places.neighbour(value, step, values)
            yield View((activity, around), (size, values + 1), value, values)
        if beside[column - 1]:
            yield _beside(events, column, beside[column - 1], (0,))


class Places(NamedTuple):
    """How many events of its case stand before and after each event, (events,) both."""

    before: Codes
    after: Codes

    @classmethod
    def of(cls, offsets: Codes) -> Places:
        """Of cases with these offsets."""
        lengths = np.diff(offsets)
        before = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return cls(before, np.repeat(lengths, lengths) - before - 1)

    def neighbour(self, codes: Codes, step: int, outside: int) -> Codes:
        """The code of the event so many steps after each (negative: before); `outside` beyond the case."""
        is_inside = (self.before if step < 0 else self.after) >= abs(step)
        return np.where(is_inside, np.roll(codes, -step), outside)


def repeats(codes: Codes, offsets: Codes) -> Codes:
    """How often the same code stands before each event in its case, at most `MOST_REPEATS`."""
    cases = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    keys = cases * (int(codes.max(initial=0)) + 1) + codes
    order = np.argsort(keys, kind="stable")
    _keys, first, count = np.unique(keys[order], return_index=True, return_counts=True)
    times = np.empty(len(codes), dtype=np.int64)
    times[order] = np.arange(len(codes)) - np.repeat(first, count)
    return np.minimum(times, MOST_REPEATS)


def runs(offsets: Codes, most: int) -> Iterator[range]:
    """Runs of cases that together hold at most so many events, or one case."""
    first, cases = 0, len(offsets) - 1
    while first < cases:
        last = int(np.searchsorted(offsets, offsets[first] + most, side="right")) - 1
        last = min(max(last, first + 1), cases)
        yield range(first, last)
        first = last
