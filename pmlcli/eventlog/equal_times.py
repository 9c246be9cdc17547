"""Events of a case at equal times, put into order by a column that numbers events, where one surely does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.eventlog.column_names import COUNTERS, RANKS, plain
from pmlcli.eventlog.raw import Column, Rows, as_text

Sorting = tuple[NDArray[Any], ...]

UNUSED = "columns that may order events at equal times, but are not sure to"
"""Begins the note on columns that were not used."""
_ENOUGH = 20
"""Steps in time that a column of another name must agree with, all of them, before it is believed."""
_LOOKED_AT = 100


class Numbered(NamedTuple):
    """The column that tells equal times apart, its numbers, (rows,); and the columns that only may."""

    name: str | None
    numbers: Floats | None
    doubtful: list[str]


def numbering(columns: Mapping[str, Column], rows: Rows, sorting: Sorting) -> Numbered:
    """The column that orders the events of `rows` which share case and time.

    `sorting` are their times, in one or more keys of which the last counts most, and then their case.

    One that is named for it and never goes back where time goes on, or is a rank by its name; else one of
    whole numbers that grows with every event of every case. Several are used when they give one order.
    """
    found: dict[str, tuple[Floats, bool]] = {}
    doubtful = []
    for name, column in columns.items():
        numbers = whole_numbers(column, rows)
        if numbers is None:
            continue
        is_named, is_rank = plain(name) in COUNTERS, plain(name) in RANKS
        verdict = _tells(numbers, sorting)
        if verdict.splits and (is_rank or (is_named and verdict.agrees) or verdict.grows):
            found[name] = (numbers, is_named)
        elif is_named and verdict.splits:
            doubtful.append(name)
    # A name that says so counts before content.
    named = {name: numbers for name, (numbers, is_named) in found.items() if is_named}
    chosen = named or {name: numbers for name, (numbers, _) in found.items()}
    if not chosen:
        return Numbered(None, None, doubtful)
    orders = [np.lexsort((numbers, *sorting)) for numbers in chosen.values()]
    if any((order != orders[0]).any() for order in orders[1:]):
        return Numbered(None, None, [*chosen, *doubtful])
    name = next(iter(chosen))
    return Numbered(name, chosen[name], doubtful)


class _Verdict(NamedTuple):
    """Whether numbers split equal times, never go back in time, and grow with every event."""

    splits: bool
    agrees: bool
    grows: bool


def _tells(numbers: Floats, sorting: Sorting) -> _Verdict:
    order = np.lexsort((numbers, *sorting))
    *times, case = sorting
    same_case = np.diff(case[order]) == 0
    # in this order times that are not equal are later
    later = np.logical_or.reduce([np.diff(part[order]) != 0 for part in times]) & same_case
    step = np.diff(numbers[order])
    ties = same_case & ~later
    return _Verdict(
        splits=bool((step[ties] > 0).any()),
        agrees=bool((step[later] >= 0).all()),
        grows=bool((step[same_case] > 0).all()) and int(later.sum()) >= _ENOUGH,
    )


def whole_numbers(column: Column, rows: Rows) -> Floats | None:
    """The whole numbers of a column, (rows,); None where some row has another value, or none."""
    if isinstance(column, pd.Series) and not pd.api.types.is_integer_dtype(column.dtype):
        return None
    text = as_text(column)
    values = pd.Series(text.values, dtype=object)
    if pd.to_numeric(values[:_LOOKED_AT], errors="coerce").isna().any():
        return None
    numbers = np.append(pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64), np.nan)[text.codes]
    numbers = numbers[rows]
    return None if np.isnan(numbers).any() or (numbers % 1 != 0).any() else numbers
