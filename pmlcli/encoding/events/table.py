"""Prefixes as a table: one row of numbers a prefix, for trees (`rank`) and for linear models (`one-hot`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.events.inter_case import INTER_CASE_FEATURES
from pmlcli.encoding.events.prefixes import Prefixes
from pmlcli.encoding.vocabulary import Vocabulary

Form = Literal["rank", "one-hot"]
Numbers = NDArray[np.float32]

LAST = 3
"""So many of the last activities have columns of their own."""
ONE_HOT_VALUES = 32
"""One-hot columns of an attribute: its commonest values, and one for all others."""
COUNTED_VALUES = 20
"""Values of a changing attribute that are counted over the prefix."""
CHUNK_CELLS = 20_000_000
"""Whole cases of about so many events x columns are worked on at a time, to bound the memory."""


class Column(NamedTuple):
    """What a column of the table is: a kind, and the column of the log and value that it is about.

    Columns of one `source` (activity, resource, time, inter-case, or an attribute) belong together.
    """

    kind: str
    source: str
    value: str = ""

    @property
    def name(self) -> str:
        """The column in one word."""
        return ":".join(part for part in (self.kind, self.source, self.value) if part)


@dataclass(frozen=True)
class _Block:
    """Some neighbouring columns, and how they are computed for all events of some cases."""

    columns: list[Column]
    compute: Callable[[Prefixes], Numbers]


def table_columns(data: Prefixes, form: Form, *, ages: bool = False) -> list[Column]:
    """What the columns of `tabulate` are; fixed by the training log."""
    return [column for block in _blocks(data, form, ages) for column in block.columns]


def tabulate(data: Prefixes, rows: NDArray[np.int64], form: Form, *, ages: bool = False) -> Numbers:
    """One row for each of these prefixes (events that end them, ascending), (rows, columns).

    A row depends on the events of its case up to that one, and on inter-case features. Unknown numbers are
    NaN in form `rank`, and 0 with a column that says so in form `one-hot`.

    With `ages` there is the time since each activity last came (NaN for never), and no month: in a log of
    less than some years the month stands for the passing of time, and what it foretold never comes again.
    """
    blocks = _blocks(data, form, ages)
    width = sum(len(block.columns) for block in blocks)
    table = np.zeros((len(rows), width), dtype=np.float32)
    done = 0
    for part, wanted in _chunks(data, rows, width):
        left = 0
        for block in blocks:
            right = left + len(block.columns)
            table[done : done + len(wanted), left:right] = block.compute(part)[wanted]
            left = right
        done += len(wanted)
    return table


def _chunks(
    data: Prefixes, rows: NDArray[np.int64], width: int
) -> Iterator[tuple[Prefixes, NDArray[np.int64]]]:
    """Runs of whole cases, and which of their events are asked for."""
    if len(rows) == 0:
        return
    cases = np.unique(np.searchsorted(data.offsets, rows, side="right") - 1)
    chunk = np.cumsum(data.lengths[cases]) * width // CHUNK_CELLS
    for some in np.split(cases, np.flatnonzero(np.diff(chunk)) + 1):
        events, _offsets = data.rows_of(some)
        yield data.take(some), np.flatnonzero(np.isin(events, rows, assume_unique=True))


def _blocks(data: Prefixes, form: Form, ages: bool) -> list[_Block]:
    blocks = [_activity_counts(data), *_last_activities(data, form), _resource(data, form), _work()]
    blocks += [_times(form, ages)] if data.micros is not None else []
    blocks += [_ages(data)] if ages else []
    for place in range(len(data.category_attributes)):
        blocks += _category(data, place, form)
    for place in range(len(data.number_attributes)):
        blocks.append(_number(data, place, form))
    if data.inter_case.shape[1]:
        columns = [Column("inter_case", "inter-case", name) for name in INTER_CASE_FEATURES]
        blocks.append(_Block(columns, lambda part: part.inter_case))
    return blocks


def _activity_counts(data: Prefixes) -> _Block:
    names = data.vocabularies[0]
    columns = [Column("count", "activity", names.name_of(code)) for code in range(names.size)]
    return _Block(columns, lambda part: running_counts(part.activity, part, names.size))


def _last_activities(data: Prefixes, form: Form) -> Iterator[_Block]:
    for back in range(LAST):
        kind = "last activity" if back == 0 else f"activity {back} before the last"
        yield _value(data, 0, form, kind, partial(_activity_back, back))


def _activity_back(back: int, part: Prefixes) -> NDArray[np.int64]:
    return _shifted(part.activity, part, back)


def _resource(data: Prefixes, form: Form) -> _Block:
    return _value(data, 1, form, "resource", lambda part: part.resource)


def _value(
    data: Prefixes, place: int, form: Form, kind: str, codes: Callable[[Prefixes], NDArray[np.int64]]
) -> _Block:
    """A value, by rank of frequency, or as columns of zero and one; -1 stands for before the case."""
    ranks, names = data.ranks[place], data.vocabularies[place]
    source = ("activity", "resource", *(a.column for a in data.category_attributes))[place]

    def ranked(part: Prefixes) -> NDArray[np.int64]:
        found = codes(part)
        return np.where(found < 0, -1, ranks[np.maximum(found, 0)])

    if form == "rank":
        return _Block([Column(kind, source)], lambda part: ranked(part)[:, None].astype(np.float32))
    width = min(len(ranks), ONE_HOT_VALUES)
    columns = [Column(kind, source, name) for name in _by_rank(ranks, names)[:width]]
    hot = np.eye(width + 1, dtype=np.float32)[:, :width]
    return _Block(
        columns, lambda part: hot[np.where(ranked(part) < 0, width, np.minimum(ranked(part), width))]
    )


def _by_rank(ranks: NDArray[np.int64], names: Vocabulary) -> list[str]:
    return [names.name_of(int(code)) for code in np.argsort(ranks)]


def _work() -> _Block:
    """Length, repetitions of the current activity, different activities so far, changes of resource."""
    columns = [
        Column("prefix length", "activity"),
        Column("repetitions", "activity"),
        Column("different activities", "activity"),
        Column("changes of resource", "resource"),
    ]

    def compute(part: Prefixes) -> Numbers:
        nth = _occurrence(part.activity, part)
        changed = (part.resource != _shifted(part.resource, part, 1)) & (part.position > 0)
        handovers, different = _running_sum(changed, part), _running_sum(nth == 0, part)
        return np.column_stack([np.log1p(part.position + 1), nth, different, handovers]).astype(np.float32)

    return _Block(columns, compute)


def _times(form: Form, ages: bool) -> _Block:
    kinds = (
        "since start",
        "since previous",
        "mean gap",
        "longest gap",
        "hour",
        *(() if ages else ("month",)),
    )
    columns = [Column(kind, "time") for kind in kinds]
    columns += [Column("weekday", "time", str(day)) for day in range(7)] if form == "one-hot" else []
    columns += [Column("weekday", "time")] if form == "rank" else []

    def compute(part: Prefixes) -> Numbers:
        assert part.micros is not None
        seconds = part.micros / 1e6
        since = (part.micros - part.began) / 1e6
        gap = np.where(part.position > 0, np.diff(seconds, prepend=seconds[:1]), 0.0)
        longest = pd.Series(gap).groupby(part.case_of_event).cummax().to_numpy()
        spans = np.log1p(np.maximum(np.column_stack([since, gap, since / (part.position + 1), longest]), 0))
        days = np.rint(part.times[:, 3] * 7).astype(np.int64)
        weekday = np.eye(7)[days] if form == "one-hot" else days[:, None]
        month = part.micros.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12
        # Of a part of the year a model would draw a line to all of it.
        month = month if part.has_months else np.zeros_like(month)
        months = () if ages else (month,)
        return np.column_stack([spans, part.times[:, 2] * 24, *months, weekday]).astype(np.float32)

    return _Block(columns, compute)


def _ages(data: Prefixes) -> _Block:
    """Logarithms of the hours since each activity last came in the case."""
    names = data.vocabularies[0]
    columns = [Column("hours since", "activity", names.name_of(code)) for code in range(names.size)]

    def compute(part: Prefixes) -> Numbers:
        assert part.micros is not None
        events = np.arange(part.n_events)
        latest = np.full((part.n_events, names.size), -1, dtype=np.int32)
        latest[events, part.activity] = events
        np.maximum.accumulate(latest, axis=0, out=latest)
        hours = (part.micros[:, None] - part.micros[latest]) / 3.6e9
        there = latest >= np.repeat(part.offsets[:-1], part.lengths)[:, None]
        return np.where(there, np.log1p(np.maximum(hours, 0.0)), np.nan).astype(np.float32)

    return _Block(columns, compute)


def _category(data: Prefixes, place: int, form: Form) -> Iterator[_Block]:
    attribute, names = data.category_attributes[place], data.vocabularies[place + 2]
    yield _value(data, place + 2, form, "value", lambda part: part.categories[:, place])
    if attribute.changes:
        width = min(names.size, COUNTED_VALUES)
        ranks = np.minimum(data.ranks[place + 2], width)
        columns = [
            Column("count", attribute.column, n) for n in _by_rank(data.ranks[place + 2], names)[:width]
        ]
        yield _Block(
            columns,
            lambda part: running_counts(ranks[part.categories[:, place]], part, width + 1)[:, :width],
        )


def _number(data: Prefixes, place: int, form: Form) -> _Block:
    attribute = data.number_attributes[place]
    kinds = ["value", *(("mean", "largest", "smallest") if attribute.changes else ())]
    columns = [
        Column(kind, attribute.column) for kind in (*kinds, *(("known",) if form == "one-hot" else ()))
    ]

    def compute(part: Prefixes) -> Numbers:
        values = pd.Series(part.numbers[:, place].astype(np.float64))
        found = [values]
        if attribute.changes:
            so_far = values.groupby(part.case_of_event)
            known = values.notna().groupby(part.case_of_event).cumsum()
            found += [so_far.cumsum() / known, so_far.cummax(), so_far.cummin()]
        stacked = np.column_stack(found)
        if form == "one-hot":
            stacked = np.column_stack([np.nan_to_num(stacked), values.notna()])
        return stacked.astype(np.float32)

    return _Block(columns, compute)


def running_counts(codes: NDArray[np.int64], data: Prefixes, size: int) -> Numbers:
    """How often each code occurred in the case up to each event, (events, size)."""
    counts = np.zeros((len(codes) + 1, size), dtype=np.float32)
    counts[np.arange(1, len(codes) + 1), codes] = 1
    # Exact below 2**24 events, and a chunk has fewer.
    np.cumsum(counts, axis=0, out=counts)
    return np.asarray(counts[1:] - np.repeat(counts[data.offsets[:-1]], data.lengths, axis=0))


def _running_sum(values: NDArray[np.bool_], data: Prefixes) -> NDArray[np.int64]:
    sums = np.concatenate(([0], np.cumsum(values)))
    return np.asarray(sums[1:] - np.repeat(sums[data.offsets[:-1]], data.lengths))


def _occurrence(codes: NDArray[np.int64], data: Prefixes) -> NDArray[np.int64]:
    """How often each event's code occurred in its case before, (events,)."""
    keys = data.case_of_event * (int(codes.max(initial=0)) + 1) + codes
    return np.asarray(pd.Series(keys).groupby(keys).cumcount(), dtype=np.int64)


def _shifted(codes: NDArray[np.int64], data: Prefixes, back: int) -> NDArray[np.int64]:
    """The code so many events before, in the same case; -1 where the case had not begun."""
    return np.where(data.position >= back, np.roll(codes, back), -1)
