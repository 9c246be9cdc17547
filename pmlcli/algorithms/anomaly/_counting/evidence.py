"""What counting says against an event: how surprising each of its values is, and why, in process words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pmlcli.algorithms.anomaly._counting import context
from pmlcli.algorithms.anomaly._counting.backoff import BackOff, View
from pmlcli.algorithms.anomaly._counting.context import BACKWARD, FORWARD, REPEAT, attribute_view
from pmlcli.algorithms.anomaly._counting.precedence import Findings, Precedence
from pmlcli.algorithms.anomaly._counting.repair import gains
from pmlcli.algorithms.anomaly._values import Why
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.attributes_of_events import Events
from pmlcli.encoding.events.traces import DistinctTraces
from pmlcli.encoding.vocabulary import MISSING_CODE, UNSEEN_CODE
from pmlcli.eventlog.log import RESOURCE

WEIGHTS = {"forward": 1.0, "backward": 0.75, "repeat": 2.0, "missing": 2.0, "extra": 0.5}
"""How much each kind of evidence against an activity counts; chosen on logs with deviations of our own."""
KINDS = tuple(WEIGHTS)
ATTRIBUTE_WEIGHT = 2.5
"""How much the surprise of an attribute counts beside that of an activity; chosen likewise."""
DOUBLING = 10.0
"""What a repair that doubles the surprise of the activities it touches wins (logarithm of a likelihood)."""
START, END = "<start>", "<end>"
BORDERS = {START: "the start of the case", END: "the end of the case"}


class Counts(NamedTuple):
    """What is known of a log: counts by view, what stands before what, each attribute's companion."""

    counted: Sequence[BackOff]
    precedence: Precedence
    beside: Sequence[int]

    @classmethod
    def of(cls, events: Events) -> Counts:
        """Counts everything."""
        beside = context.companions(events)
        counted = [BackOff.fit(view) for view in context.counted_views(events, beside)]
        return cls(counted, Precedence.fit(events.codes[:, 0], events.offsets, events.sizes[0]), beside)


@dataclass(frozen=True)
class Evidence:
    """Surprises of the events of a log. What is about activities alone is about `traces`, each different one
    once; `traces.at` says which of these rows is an event's.

    - `surprises`: (events, columns)
    - `parts`: (rows, kinds), what makes up the surprise of the activity, weighted, by `KINDS`
    - `by_view`, `likeliest`: by view, the surprise and the value that was likeliest there, (rows,) each
    - `views`: by position; `findings`: (rows,) each
    """

    surprises: Floats
    traces: DistinctTraces
    parts: Floats
    by_view: list[Floats]
    likeliest: list[Codes]
    views: list[View]
    counts: Counts
    findings: Findings


def gather(events: Events, counts: Counts) -> Evidence:
    """All surprises of these events.

    Of the activity: the sum of all kinds of evidence, the more, the likelier the case becomes when the
    event is put right. Of an attribute: see `_of_attribute`.
    """
    traces, size = DistinctTraces.of(events.codes[:, 0], events.offsets), events.sizes[0]
    activity = events.codes[traces.rows, 0]
    views = [
        *context.activity_views(activity, traces.offsets, size),
        *context.attribute_views(events, counts.beside),
    ]
    found = [model.surprise(view) for model, view in zip(counts.counted, views, strict=True)]
    surprise = [one[0] for one in found]
    order = counts.precedence.find(activity, traces.offsets)
    again = np.where(views[REPEAT].target > 0, surprise[REPEAT], 0.0)
    kinds = (surprise[FORWARD], surprise[BACKWARD], again, order.missing, order.extra)
    parts = np.column_stack([WEIGHTS[name] * part for name, part in zip(KINDS, kinds, strict=True)])
    wrong = parts[:, 0] + parts[:, 1] + parts[:, 2] + parts[:, 3] + parts[:, 4]
    won = gains(activity, traces.offsets, counts.counted[FORWARD], size)
    attributes = [_of_attribute(surprise, counts.beside, column) for column in range(1, len(events.columns))]
    columns = np.column_stack([(wrong * (1 + won / DOUBLING))[traces.at], *attributes])
    return Evidence(columns, traces, parts, surprise, [one[1] for one in found], views, counts, order)


def _of_attribute(surprise: Sequence[Floats], beside: Sequence[int], column: int) -> Floats:
    """The mean of the lower one of its two surprises and their mean, for a value that fits on one side has an
    excuse; and the mean of that and of the surprise beside its companion.
    """
    place = attribute_view(column, beside)
    one, other = surprise[place : place + 2]
    found = 0.5 * (np.minimum(one, other) + 0.5 * (one + other))
    if beside[column - 1]:
        found = 0.5 * (found + surprise[place + 2])
    return ATTRIBUTE_WEIGHT * found


class _Told(NamedTuple):
    """Raw counts of one event in one context."""

    seen: int
    total: int
    best: int
    likely: int


def explain(events: Events, evidence: Evidence, rows: Codes, columns: Codes) -> list[Why]:
    """The counts behind the largest part of each of these surprises, a sentence each."""
    return [
        _activity(events, evidence, row) if column == 0 else _attribute(events, evidence, row, column)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]


def _activity(events: Events, evidence: Evidence, event: int) -> Why:
    code, row = int(events.codes[event, 0]), int(evidence.traces.at[event])
    likeliest = _name(events, int(evidence.likeliest[FORWARD][row]), FORWARD)
    name = f"`{events.text(event, 0)}`"
    if code == UNSEEN_CODE:
        return Why(likeliest, f"{name}, an activity that never occurred before")
    kind = KINDS[int(evidence.parts[row].argmax())]
    if kind in ("missing", "extra"):
        return _order(events, evidence, event, kind, likeliest)
    if kind == "repeat":
        times = int(evidence.views[REPEAT].target[row])
        told = _told(evidence, REPEAT, row, 1)
        return Why(
            likeliest,
            f"{name} for the {_ordinal(times + 1)} time in the case: {_times(told.seen, told.total)}",
        )
    return _beside(events, evidence, event, kind)


def _beside(events: Events, evidence: Evidence, event: int, kind: str) -> Why:
    """An activity after or before others, in the shortest context that shows the surprise."""
    place, word = (FORWARD, "right after") if kind == "forward" else (BACKWARD, "right before")
    row = int(evidence.traces.at[event])
    told, length = _most_telling(evidence, place, row)
    view = evidence.views[place]
    around = [int(column[row]) for column in view.columns[:length]]
    outside = events.sizes[0]
    name, best = f"`{events.text(event, 0)}`", _name(events, told.best, place)
    if around == [outside]:
        where = f"{name} {'begins' if kind == 'forward' else 'ends'} the case"
    else:
        step = -1 if kind == "forward" else 1
        names = [
            f"`{events.text(event + step * away, 0)}`" if code < outside else ""
            for away, code in enumerate(around, 1)
        ]
        known = [one for one in names if one]
        where = f"{name} {word} {' and '.join(known[::-1] if kind == 'forward' else known)}"
        if len(known) < len(names):
            where += " at the case's start" if kind == "forward" else " at the case's end"
    return Why(best, f"{where}: {_beside_best(told, best)}")


def _order(events: Events, evidence: Evidence, event: int, kind: str, likeliest: str) -> Why:
    code, order = int(events.codes[event, 0]), evidence.counts.precedence
    row, findings = int(evidence.traces.at[event]), evidence.findings
    name, total = f"`{events.text(event, 0)}`", int(order.totals[code])
    if kind == "missing":
        other = int(findings.missed[row])
        without = total - int(order.before[code, other])
        missed = events.name(0, other)
        return Why(missed, f"{name} without `{missed}` before it: {_times(without, total)}")
    other = int(findings.surplus[row])
    both = int(order.before[code, other])
    return Why(likeliest, f"{name} somewhere after `{events.name(0, other)}`: {_times(both, total)}")


def _attribute(events: Events, evidence: Evidence, row: int, column: int) -> Why:
    place, beside = attribute_view(column, evidence.counts.beside), evidence.counts.beside[column - 1]
    one, other, *rest = (found[row] for found in evidence.by_view[place : place + (3 if beside else 2)])
    told, where = _told(evidence, place, row, 1), ""
    if rest and rest[0] > max(one, other):
        told = _told(evidence, place + 2, row, 1)
        where = f" with {events.columns[beside]} `{events.text(row, beside)}`"
    elif told.seen * 2 > told.likely > 0:
        # Common for the activity itself: what is odd is the change from one event to the next.
        told = _told(evidence, place, row, 2)
        before = int(evidence.views[place].columns[1][row])
        if before < evidence.views[place].values:
            where = f" after `{events.text(row - 1, column)}` in the event before"
    best = events.name(column, told.best)
    return Why(best, f"{_who(events, row, column)}{where}: {_beside_best(told, best)}")


def _who(events: Events, row: int, column: int) -> str:
    """The value of an attribute and the activity, in words."""
    code = int(events.codes[row, column])
    value = "nothing" if code == MISSING_CODE else f"`{events.text(row, column)}`"
    if code == UNSEEN_CODE:
        value += ", never seen before,"
    verb = "did" if events.columns[column] == RESOURCE else "at"
    return f"{events.columns[column]}: {value} {verb} `{events.text(row, 0)}`"


def _name(events: Events, code: int, place: int) -> str:
    """An activity, or the end or start of a case."""
    if code < events.sizes[0]:
        return events.name(0, code)
    return END if place == FORWARD else START


def _most_telling(evidence: Evidence, place: int, row: int) -> tuple[_Told, int]:
    """The length of context, from one event up, in which the commonest value most outnumbers the seen one."""
    lengths = range(1, len(evidence.views[place].columns) + 1)
    found = [(_told(evidence, place, row, length), length) for length in lengths]
    known = [one for one in found if one[0].total > 0] or found[:1]
    return max(known, key=lambda one: ((one[0].likely + 0.5) / (one[0].seen + 0.5), -one[1]))


def _told(evidence: Evidence, place: int, row: int, length: int) -> _Told:
    one = evidence.views[place].take(np.array([row]))
    return _Told(*(int(value[0]) for value in evidence.counts.counted[place].evidence(one, length)))


def _beside_best(told: _Told, best: str) -> str:
    if told.total == 0:
        return "what stands there never occurred before"
    if told.seen >= told.likely:
        return _times(told.seen, told.total)
    instead = BORDERS.get(best, f"`{best}`")
    return f"{_times(told.seen, told.total)}, {instead} in {_share(told.likely / told.total)}"


def _times(seen: int, total: int) -> str:
    return f"{seen:,} of {total:,} times"


def _share(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f} %" if 1 <= percent <= 99 or share == 1 else f"{percent:.1f} %"


def _ordinal(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number, 'th') }"
