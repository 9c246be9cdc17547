"""In which order the cases of a log stand, and the events of a case."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError, nearest
from pmlcli.eventlog.draft import Draft
from pmlcli.eventlog.equal_times import UNUSED, numbering, whole_numbers
from pmlcli.eventlog.log import offsets_of
from pmlcli.eventlog.options import TIME_THEN
from pmlcli.eventlog.raw import EVERY_ROW, Rows, TextColumn, as_text, shown
from pmlcli.eventlog.times.parse import Times


def order_keys(draft: Draft, end: Times | None) -> tuple[NDArray[Any], ...]:
    """What the events of a case are ordered by: numbers of each row, the finest first; none for the source's
    order. They are the values as they stand, before anything is rounded."""
    ordering = draft.options.ordering
    if ordering == "row":
        return ()
    times: tuple[NDArray[Any], ...] = ()
    if end is not None:
        times = (end.micros,) if end.rest is None else (end.rest, end.micros)
    if ordering == "time":
        return times
    is_within_time = ordering.startswith(TIME_THEN) and ordering not in draft.table.columns
    numbers = _numbers_of(draft, ordering.removeprefix(TIME_THEN) if is_within_time else ordering)
    return (numbers, *times) if is_within_time else (numbers,)


def case_numbers(
    draft: Draft, groups: NDArray[np.integer], ids: TextColumn, begins: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """The number of the case of each row that stands: by first time and case id, so that the order of rows
    says nothing; by first appearance where rows keep their order.
    """
    rows: Rows = EVERY_ROW if draft.keep.all() else np.flatnonzero(draft.keep)
    case = pd.factorize(groups[rows])[0]
    if begins is None or draft.options.ordering == "row" or not len(case):
        return case
    first_rows = np.flatnonzero(np.diff(np.maximum.accumulate(case), prepend=-1))
    earliest = np.full(len(first_rows), np.iinfo(np.int64).max)
    np.minimum.at(earliest, case, begins[rows])
    rank = np.argsort(np.argsort(ids.values.astype(str), kind="stable"), kind="stable")
    number = np.empty(len(first_rows), dtype=np.int64)
    number[np.lexsort((rank[ids.codes[rows][first_rows]], earliest))] = np.arange(len(first_rows))
    return number[case]


def ordered_rows(
    draft: Draft, case: NDArray[np.int64], keys: tuple[NDArray[Any], ...]
) -> tuple[Rows, NDArray[np.int64]]:
    """Rows by case (of those that stand) and key or source order, and the offsets of the cases."""
    rows: Rows = EVERY_ROW if draft.keep.all() else np.flatnonzero(draft.keep)
    by_row = _sorting((case,))
    order = by_row
    if keys:
        keys = tuple(key[rows] for key in keys)
        key = _key_shown(draft)
        sorting: tuple[NDArray[Any], ...] = (*keys, case)
        order = _sorting(sorting)
        ties = _ties(sorting, order)
        if draft.options.ordering == "time" and ties:
            sorting = _untied(draft, rows, sorting)
            order, before = _sorting(sorting), order
            _note_moved(draft, _moved(order, before, len(case)))
            ties = _ties(sorting, order)
        facts = [
            (f"events moved by their {key}", _moved(order, by_row, len(case))),
            (f"events at the {key} of the one before, in source order", ties),
        ]
        draft.notes.extend(fact for fact in facts if fact[1])
    return order if isinstance(rows, slice) else rows[order], offsets_of(np.bincount(case))


def order_used(draft: Draft, *, has_times: bool) -> str:
    """The order that a log without an order of its own had in the end."""
    ordering = draft.options.ordering
    return "row" if ordering == "time" and not has_times else ordering


def _numbers_of(draft: Draft, name: str) -> NDArray[np.int64]:
    """The ranks of the numbers of the column that orders events; rows without one are refused."""
    columns = draft.table.columns
    if name not in columns:
        near = nearest(name, ["time", "row", *columns])
        start = TIME_THEN if draft.options.ordering != name and near in columns else ""
        raise LogError(
            f"{draft.table.name}: cannot order by '{name}': there is no such column",
            hint=f"did you mean --order {start}{near}?"
            if near
            else f"--order takes time, row, a column or {TIME_THEN}COLUMN",
            code="log.column",
            context={"column": name},
        )
    column = as_text(columns[name])
    keys = np.append(_ranks(column), -1)[column.codes]
    draft.refuse(f"no number in '{name}', which orders the events", keys < 0, name)
    return keys


def _ranks(column: TextColumn) -> NDArray[np.int64]:
    """The place of each value among the column's numbers, equal ones alike; -1 for what is no number."""
    texts = pd.Series(column.values, dtype=object)
    is_number = pd.to_numeric(texts, errors="coerce").notna().to_numpy()
    ranks = np.full(len(texts), -1, dtype=np.int64)
    # exactly: as floats, numbers of 17 digits and more would be equal
    numbers = [Decimal(text.strip()) for text in texts[is_number]]
    place = {number: rank for rank, number in enumerate(sorted(set(numbers)))}
    ranks[is_number] = [place[number] for number in numbers]
    return ranks


def _key_shown(draft: Draft) -> str:
    ordering = draft.options.ordering
    if ordering == "time":
        return "time"
    is_within_time = ordering.startswith(TIME_THEN) and ordering not in draft.names
    return f"time and '{ordering.removeprefix(TIME_THEN)}'" if is_within_time else f"'{ordering}'"


def _ties(sorting: tuple[NDArray[Any], ...], order: Rows) -> int:
    """How many rows are equal to the one before in all keys."""
    same = np.ones(max(len(sorting[0]) - 1, 0), dtype=bool)
    for key in sorting:
        ordered = key[order]
        same &= ordered[1:] == ordered[:-1]
    return int(np.count_nonzero(same))


def _untied(draft: Draft, rows: Rows, sorting: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
    """The keys to sort by, with the numbers of a column that tells equal times apart where there is such."""
    if draft.options.preferred_tie_breaker is not None:
        draft.tie_breaker = draft.options.preferred_tie_breaker
        return _trained_numbers(draft, draft.tie_breaker, rows), *sorting
    used = set(draft.choice.columns.values())
    free = {name: column for name, column in draft.table.columns.items() if name not in used}
    found = numbering(free, rows, sorting)
    if found.numbers is None:
        if found.doubtful:
            draft.notes.append((f"{UNUSED}: {', '.join(map(shown, found.doubtful))}", len(found.doubtful)))
        return sorting
    draft.tie_breaker = found.name
    return found.numbers, *sorting


def _trained_numbers(draft: Draft, name: str, rows: Rows) -> NDArray[np.float64]:
    """The numbers by which a model's training log ordered events at equal times, (rows,)."""
    column = draft.table.columns.get(name)
    numbers = None if column is None else whole_numbers(column, rows)
    if numbers is None:
        what = "there is no such column" if column is None else "not every event has a whole number there"
        raise LogError(
            f"{draft.table.name}: events at equal times, which the model's training log had in the order of "
            f"'{shown(name)}', but {what}",
            hint=f"give every event its '{shown(name)}', or your own order with --order (time, row, or a "
            "column)",
            code="log.column",
            context={"column": name},
        )
    return numbers


def _note_moved(draft: Draft, moved: int) -> None:
    if moved:
        name = shown(str(draft.tie_breaker))
        draft.notes.append((f"events at equal times put into the order of '{name}'", moved))


def _moved(order: Rows, before: Rows, n: int) -> int:
    """How many of n places two orders fill differently."""
    if isinstance(order, slice) and isinstance(before, slice):
        return 0
    every = np.arange(n)
    return int(np.count_nonzero(every[order] != every[before]))


def _sorting(keys: tuple[NDArray[Any], ...]) -> Rows:
    """The stable order by the last key, then by the one before it, as of `np.lexsort`."""
    is_sorted = np.ones(max(len(keys[0]) - 1, 0), dtype=bool)
    for key in keys:
        is_sorted = (key[1:] > key[:-1]) | ((key[1:] == key[:-1]) & is_sorted)
    return EVERY_ROW if is_sorted.all() else np.lexsort(keys)
