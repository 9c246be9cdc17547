"""From raw rows to an event log: every row is used or refused by name, then sorted and coded."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.errors import LogError, nearest
from pmlcli.eventlog.columns import ColumnChoice, assignment, choose_columns, refuse_unused_times
from pmlcli.eventlog.equal_times import UNUSED, numbering, whole_numbers
from pmlcli.eventlog.ledger import Ledger, Refusal
from pmlcli.eventlog.log import (
    ACTIVITY,
    CANONICAL_COLUMNS,
    CASE_ID,
    RESOURCE,
    START_TIMESTAMP,
    TIMESTAMP,
    EventLog,
    LogSchema,
    offsets_of,
)
from pmlcli.eventlog.normal_form import normalize_names, normalize_values
from pmlcli.eventlog.options import CLASSIFIER_PREFIX, TIME_THEN, ReadOptions
from pmlcli.eventlog.raw import EVERY_ROW, Column, RawTable, Rows, TextColumn, as_text, shown
from pmlcli.eventlog.times.date_and_clock import JOIN, is_clocks, is_dates, joined, names_of
from pmlcli.eventlog.times.parse import NOT_A_TIME, Times, parse_times
from pmlcli.eventlog.values import text_series, time_series, typed

Flags = NDArray[np.bool_]
FIRST_LINES = 5
_CLOCK_ALONE = re.compile(rf"\w+ is {NOT_A_TIME} .*'[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?[^']*'")
CODED = (ACTIVITY, RESOURCE)
"""The roles that a log also has as codes into sorted text."""
SET_ASIDE = "source."
"""Prefix of a source column that has a canonical name and plays no role."""


@dataclass
class _Work:
    """A log under construction: the rows that still stand, and the account of those that do not."""

    table: RawTable
    options: ReadOptions
    choice: ColumnChoice
    keep: Flags
    refused: list[Refusal]
    notes: list[tuple[str, int]]
    examples: list[str] = field(default_factory=list)
    names: frozenset[str] = frozenset()
    tie_breaker: str | None = None

    def __post_init__(self) -> None:
        self.names = frozenset(self.table.columns)

    def done_with(self, name: str) -> Column:
        """A column for the last time: it is let go, as log and table together are large."""
        is_shared = list(self.choice.columns.values()).count(name) > 1
        return self.table.columns[name] if is_shared else self.table.columns.pop(name)

    def refuse(self, reason: str, flags: Flags, source: str | None = None) -> None:
        """Leave out the flagged rows that still stand; `source` names the column to quote from."""
        rows = np.flatnonzero(flags & self.keep)
        if not len(rows):
            return
        lines = tuple(int(line) for line in self.table.lines[rows[:FIRST_LINES]])
        self.refused.append(Refusal(reason, len(rows), lines))
        self.keep[rows] = False
        column = self.table.columns[source] if source is not None else None
        text = None if column is None else as_text(column).texts()[rows[0]]
        quoted = "" if text is None else f", {shown(text)!r}"
        self.examples.append(f"{reason} ({len(rows):,}; first: {self.table.unit} {lines[0]}{quoted})")


def build_log(table: RawTable, options: ReadOptions) -> EventLog:
    """The event log of a raw table, whose columns are used up.

    Raises LogError when there are no events, when a column cannot be told, and when a row must be
    refused while `on_bad_row` is `error`.
    """
    normalize_names(table)
    normalize_values(table)
    if options.classifier is not None:
        table = _classify(table, options.classifier)
    if not table.n_rows and not table.refused:
        raise LogError(f"{table.name}: no events", code="log.no-events", hint="is it the right file?")
    choice = choose_columns(
        table,
        _wanted(options),
        options.preferred_columns,
        guess=options.guess_columns,
        needs_times=options.is_by_time,
    )
    _join_times(table, choice)
    work = _Work(
        table,
        options,
        choice,
        np.ones(table.n_rows, bool),
        list(table.refused),
        [*table.notes, *choice.notes],
    )
    work.examples = [f"{r.reason} ({r.count:,}; first: {table.unit} {r.lines[0]})" for r in table.refused]
    case, activity = (as_text(table.columns[choice.columns[role]]) for role in (CASE_ID, ACTIVITY))
    for reason, flags in table.bad_rows.items():
        work.refuse(reason, flags)
    work.refuse("no case_id", case.codes < 0)
    work.refuse("no activity", activity.codes < 0)
    end, start = _time_columns(work)
    keys = _order_keys(work, end)
    _check_refused(work)
    for role, times in ((TIMESTAMP, end), (START_TIMESTAMP, start)):
        if times is not None:
            work.done_with(choice.columns[role])
    groups = table.groups if table.groups is not None and _is_own_grouping(work) else case.codes
    rows, offsets = _order(work, _cases(work, groups, case, _begins(end, start)), keys)
    return _assemble(work, rows, offsets, {TIMESTAMP: end, START_TIMESTAMP: start})


def _wanted(options: ReadOptions) -> dict[str, str]:
    wanted = dict(options.columns)
    if options.classifier is not None:
        wanted[ACTIVITY] = _classifier_column(options.classifier)
    return wanted


def _classifier_column(name: str) -> str:
    return f"{CLASSIFIER_PREFIX}{name}"


def _classify(table: RawTable, name: str) -> RawTable:
    """The table with one more column: the values of the classifier's keys joined by `+`."""
    keys = table.classifiers.get(name) or [key.strip() for key in name.split("+")]
    absent = [key for key in keys if key not in table.columns]
    if absent:
        there = ", ".join(f"'{known}'" for known in table.classifiers) or "none"
        near = nearest(name, table.classifiers)
        hint = f"did you mean '{near}'?" if near else f"classifiers of this log: {there}"
        raise LogError(f"{table.name}: no classifier or column '{name}'", hint=hint, code="log.classifier")
    parts = [as_text(table.columns[key]) for key in keys]
    combined = np.stack([part.codes for part in parts], axis=1)
    distinct, codes = np.unique(combined, axis=0, return_inverse=True)
    values = ["+".join(str(part.values[c]) for part, c in zip(parts, row, strict=True)) for row in distinct]
    whole = np.where((combined < 0).any(axis=1), -1, codes.reshape(-1)).astype(np.int32)
    columns = {**table.columns, _classifier_column(name): TextColumn.of(whole, values)}
    return replace(table, columns=columns)


def _join_times(table: RawTable, choice: ColumnChoice) -> None:
    """Make one column of each date and its time of day that play a role together; the two are used up."""
    before = dict(table.columns)
    chosen = {name: names_of(name, before) for name in choice.columns.values()}
    pairs = {name: parts for name, parts in chosen.items() if len(parts) > 1}
    for name, (date, clock) in pairs.items():
        table.columns[name] = joined(before[date], before[clock])
    for part in {part for parts in pairs.values() for part in parts} - chosen.keys():
        table.columns.pop(part, None)


def _is_own_grouping(work: _Work) -> bool:
    return work.options.columns.get(CASE_ID, work.choice.columns[CASE_ID]) == "case:concept:name"


def _time_columns(work: _Work) -> tuple[Times | None, Times | None]:
    """The parsed times of both roles; rows whose times cannot be used are refused."""
    end, start = _times_of(work, TIMESTAMP), _times_of(work, START_TIMESTAMP)
    if end is not None and start is not None:
        _place_at_start(work, end, start)
    if end is not None and bool(end.missing.all()):
        if work.options.is_by_time:
            refuse_unused_times(work.table, work.choice)
        work.notes.append(("no event has a time: rows keep their order", work.table.n_rows))
        del work.choice.columns[TIMESTAMP]
        end = None
    if end is not None:
        work.refuse("no timestamp", end.missing)
    for role, times in ((TIMESTAMP, end), (START_TIMESTAMP, start)):
        if times is None:
            continue
        for reason, flags in times.refused.items():
            work.refuse(f"{role} is {reason}", flags, work.choice.columns[role])
        _note_clock_apart(work, role)
        said = "" if role == TIMESTAMP else f"{role}: "
        work.notes.extend((said + kind, count) for kind, count in times.notes)
    return end, start


def _place_at_start(work: _Work, end: Times, start: Times) -> None:
    """Give events with a start alone their start as time; how long they take is not known."""
    only = end.missing & ~start.missing
    if only.any():
        end.micros[only], end.missing[only], start.missing[only] = start.micros[only], False, True
        if start.rest is not None:
            end.rest = np.zeros_like(start.rest) if end.rest is None else end.rest
            end.rest[only] = start.rest[only]
        work.notes.append(
            ("events with a start and no end, placed at their start, without a duration", int(only.sum()))
        )


def _times_of(work: _Work, role: str) -> Times | None:
    source = work.choice.columns.get(role)
    if source is None:
        return None
    column = work.table.columns[source]
    try:
        return parse_times(column, work.options, f"{work.table.name}: column '{source}'")
    except LogError as error:
        _tell_lines(error, column, work.table)
        raise


def _tell_lines(error: LogError, column: Column, table: RawTable) -> None:
    """Say on which line each value that an error quotes stands first."""
    texts = np.array([text and text.strip() for text in as_text(column).texts()], dtype=object)
    for example in error.context.get("examples", []):
        rows = np.flatnonzero(texts == example)
        place = f"{example!r} ({table.unit} {table.lines[rows[0]]})" if len(rows) else repr(example)
        error.reword(error.message.replace(repr(example), place, 1))


def _check_refused(work: _Work) -> None:
    table = work.table
    refused = sum(refusal.count for refusal in work.refused)
    total = table.n_rows + sum(refusal.count for refusal in table.refused)
    if not refused:
        return
    if work.options.on_bad_row == "error":
        raise LogError(
            f"{table.name}: {refused:,} of {total:,} rows cannot be used: {'; '.join(work.examples)}",
            hint=_row_hint(work),
            code="log.bad-rows",
            context={
                "refused": [
                    {"reason": r.reason, "count": r.count, "lines": list(r.lines)} for r in work.refused
                ]
            },
        )
    if not work.keep.any():
        raise LogError(
            f"{table.name}: no events: all {total:,} rows are refused: {'; '.join(work.examples)}",
            code="log.no-events",
        )


def _row_hint(work: _Work) -> str:
    reasons = " ".join(refusal.reason for refusal in work.refused)
    hints = ["--on-bad-row drop leaves them out and counts them"]
    alone = next(filter(_CLOCK_ALONE.match, work.examples), None)
    if alone is not None:
        hints.insert(0, f"a clock without a date: {_with_date(work, alone.partition(' ')[0])}")
    if TIMESTAMP in reasons:
        hints.append("--columns timestamp=none reads the log without times, in row order")
    if NOT_A_TIME in reasons:
        hints.append("--timestamp-format says how times are written")
    return "; ".join(hints)


def _with_date(work: _Work, role: str) -> str:
    """What to do about a role's clocks: the option, where the log has a column of dates."""
    source, columns = work.choice.columns[role], work.table.columns
    date = next((name for name in columns if name != source and is_dates(columns[name])), None)
    if date is None:
        return "write date and time into one column"
    return f"--columns {assignment(role, f'{date}{JOIN}{source}')} joins the two"


def _note_clock_apart(work: _Work, role: str) -> None:
    """A note where a role has dates alone, and another column holds what may be their times of day."""
    columns, used = work.table.columns, work.choice.columns
    if role not in used or not is_dates(columns[used[role]]):
        return
    clocks = [name for name in columns if name not in used.values() and is_clocks(columns[name])]
    if len(clocks) == 1:
        option = assignment(role, f"{used[role]}{JOIN}{clocks[0]}")
        said = f"{role} without a time of day, which '{shown(clocks[0])}' may be (--columns {option})"
        work.notes.append((said, work.table.n_rows))


def _order_keys(work: _Work, end: Times | None) -> tuple[NDArray[Any], ...]:
    """What the events of a case are ordered by: numbers of each row, the finest first; none for the source's
    order. They are the values as they stand, before anything is rounded."""
    ordering = work.options.ordering
    if ordering == "row":
        return ()
    times: tuple[NDArray[Any], ...] = ()
    if end is not None:
        times = (end.micros,) if end.rest is None else (end.rest, end.micros)
    if ordering == "time":
        return times
    is_within_time = ordering.startswith(TIME_THEN) and ordering not in work.table.columns
    numbers = _numbers_of(work, ordering.removeprefix(TIME_THEN) if is_within_time else ordering)
    return (numbers, *times) if is_within_time else (numbers,)


def _numbers_of(work: _Work, name: str) -> NDArray[np.int64]:
    """The ranks of the numbers of the column that orders events; rows without one are refused."""
    columns = work.table.columns
    if name not in columns:
        near = nearest(name, ["time", "row", *columns])
        start = TIME_THEN if work.options.ordering != name and near in columns else ""
        raise LogError(
            f"{work.table.name}: cannot order by '{name}': there is no such column",
            hint=f"did you mean --order {start}{near}?"
            if near
            else f"--order takes time, row, a column or {TIME_THEN}COLUMN",
            code="log.column",
            context={"column": name},
        )
    column = as_text(columns[name])
    keys = np.append(_ranks(column), -1)[column.codes]
    work.refuse(f"no number in '{name}', which orders the events", keys < 0, name)
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


def _cases(
    work: _Work, groups: NDArray[np.integer], ids: TextColumn, begins: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """The number of the case of each row that stands: by first time and case id, so that the order of rows
    says nothing; by first appearance where rows keep their order.
    """
    rows: Rows = EVERY_ROW if work.keep.all() else np.flatnonzero(work.keep)
    case = pd.factorize(groups[rows])[0]
    if begins is None or work.options.ordering == "row" or not len(case):
        return case
    first_rows = np.flatnonzero(np.diff(np.maximum.accumulate(case), prepend=-1))
    earliest = np.full(len(first_rows), np.iinfo(np.int64).max)
    np.minimum.at(earliest, case, begins[rows])
    rank = np.argsort(np.argsort(ids.values.astype(str), kind="stable"), kind="stable")
    number = np.empty(len(first_rows), dtype=np.int64)
    number[np.lexsort((rank[ids.codes[rows][first_rows]], earliest))] = np.arange(len(first_rows))
    return number[case]


def _begins(end: Times | None, start: Times | None) -> NDArray[np.int64] | None:
    """When each row's event began; None without times."""
    if end is None or start is None:
        return None if end is None else end.micros
    return np.where(start.missing, end.micros, np.minimum(start.micros, end.micros))


def _order(
    work: _Work, case: NDArray[np.int64], keys: tuple[NDArray[Any], ...]
) -> tuple[Rows, NDArray[np.int64]]:
    """Rows by case (of those that stand) and key or source order, and the offsets of the cases."""
    rows: Rows = EVERY_ROW if work.keep.all() else np.flatnonzero(work.keep)
    by_row = _sorting((case,))
    order = by_row
    if keys:
        keys = tuple(key[rows] for key in keys)
        key = _key_shown(work)
        sorting: tuple[NDArray[Any], ...] = (*keys, case)
        order = _sorting(sorting)
        ties = _ties(sorting, order)
        if work.options.ordering == "time" and ties:
            sorting = _untied(work, rows, sorting)
            order, before = _sorting(sorting), order
            _note_moved(work, _moved(order, before, len(case)))
            ties = _ties(sorting, order)
        facts = [
            (f"events moved by their {key}", _moved(order, by_row, len(case))),
            (f"events at the {key} of the one before, in source order", ties),
        ]
        work.notes.extend(fact for fact in facts if fact[1])
    return order if isinstance(rows, slice) else rows[order], offsets_of(np.bincount(case))


def _key_shown(work: _Work) -> str:
    ordering = work.options.ordering
    if ordering == "time":
        return "time"
    is_within_time = ordering.startswith(TIME_THEN) and ordering not in work.names
    return f"time and '{ordering.removeprefix(TIME_THEN)}'" if is_within_time else f"'{ordering}'"


def _ties(sorting: tuple[NDArray[Any], ...], order: Rows) -> int:
    """How many rows are equal to the one before in all keys."""
    same = np.ones(max(len(sorting[0]) - 1, 0), dtype=bool)
    for key in sorting:
        ordered = key[order]
        same &= ordered[1:] == ordered[:-1]
    return int(np.count_nonzero(same))


def _untied(work: _Work, rows: Rows, sorting: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
    """The keys to sort by, with the numbers of a column that tells equal times apart where there is such."""
    if work.options.preferred_tie_breaker is not None:
        work.tie_breaker = work.options.preferred_tie_breaker
        return _trained_numbers(work, work.tie_breaker, rows), *sorting
    used = set(work.choice.columns.values())
    free = {name: column for name, column in work.table.columns.items() if name not in used}
    found = numbering(free, rows, sorting)
    if found.numbers is None:
        if found.doubtful:
            work.notes.append((f"{UNUSED}: {', '.join(map(shown, found.doubtful))}", len(found.doubtful)))
        return sorting
    work.tie_breaker = found.name
    return found.numbers, *sorting


def _trained_numbers(work: _Work, name: str, rows: Rows) -> NDArray[np.float64]:
    """The numbers by which a model's training log ordered events at equal times, (rows,)."""
    column = work.table.columns.get(name)
    numbers = None if column is None else whole_numbers(column, rows)
    if numbers is None:
        what = "there is no such column" if column is None else "not every event has a whole number there"
        raise LogError(
            f"{work.table.name}: events at equal times, which the model's training log had in the order of "
            f"'{shown(name)}', but {what}",
            hint=f"give every event its '{shown(name)}', or your own order with --order (time, row, or a "
            "column)",
            code="log.column",
            context={"column": name},
        )
    return numbers


def _note_moved(work: _Work, moved: int) -> None:
    if moved:
        name = shown(str(work.tie_breaker))
        work.notes.append((f"events at equal times put into the order of '{name}'", moved))


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


def _assemble(
    work: _Work, rows: Rows, offsets: NDArray[np.int64], times: dict[str, Times | None]
) -> EventLog:
    n_events = int(offsets[-1])
    series: dict[str, pd.Series] = {}
    coded: dict[str, tuple[NDArray[np.int32], tuple[str, ...]]] = {}
    for role in CANONICAL_COLUMNS:
        source = work.choice.columns.get(role)
        if source is None:
            continue
        parsed = times.get(role)
        if parsed is not None:
            series[role] = time_series(parsed.micros[rows], parsed.missing[rows])
            continue
        texts = as_text(work.done_with(source)).take(rows, is_whole=n_events == work.table.n_rows)
        codes, values = _sorted_codes(texts) if role in CODED else texts.used()
        series[role], coded[role] = text_series(codes, values), (codes, tuple(values))
    for name, column in _other_columns(work, rows, n_events).items():
        series[name] = column
    end = times[TIMESTAMP]
    resource = coded.get(RESOURCE)
    return EventLog(
        frame=pd.DataFrame(series, copy=False),
        offsets=offsets,
        activity_codes=coded[ACTIVITY][0],
        activities=coded[ACTIVITY][1],
        resource_codes=None if resource is None else resource[0],
        resources=() if resource is None else resource[1],
        times=None if end is None else end.micros[rows],
        ledger=_ledger(work, n_events),
        schema=LogSchema(
            dict(work.choice.columns),
            work.options.zone,
            _order_used(work, has_times=end is not None),
            work.tie_breaker,
            object_type=work.table.object_type,
        ),
        source=work.table.source,
        lines=work.table.lines[rows],
        line_unit=work.table.unit,
    )


def _order_used(work: _Work, *, has_times: bool) -> str:
    ordering = work.options.ordering
    return "row" if ordering == "time" and not has_times else ordering


def _sorted_codes(column: TextColumn) -> tuple[NDArray[np.int32], NDArray[np.object_]]:
    """Codes into the sorted values that occur."""
    codes, values = column.used()
    order = np.argsort(values.astype(str), kind="stable") if len(values) else np.empty(0, dtype=np.int64)
    rank = np.empty(len(values) + 1, dtype=np.int32)
    rank[order], rank[-1] = np.arange(len(values), dtype=np.int32), -1
    return rank[codes], values[order]


def _other_columns(work: _Work, rows: Rows, n_events: int) -> dict[str, pd.Series]:
    """The columns without a role, typed; one that bears a canonical name is set aside under another."""
    others: dict[str, pd.Series] = {}
    # An instance stays a column under its own name.
    used = {source for role, source in work.choice.columns.items() if role in CANONICAL_COLUMNS}
    for name in [name for name in work.table.columns if name not in used]:
        column = work.done_with(name)
        if isinstance(column, pd.Series):
            taken: Column = column.iloc[rows]
        else:
            taken = column.take(rows, is_whole=n_events == work.table.n_rows)
        own_name = _free_name(name, work.names)
        wanted = work.options.preferred_kinds.get(own_name)
        series, remark = typed(taken, work.options.zone, work.options.decimal, wanted)
        if remark is not None:
            work.notes.append((f"column '{name}': {remark}", n_events))
        others[own_name] = series
    return others


def _free_name(name: str, taken: Collection[str]) -> str:
    if name not in CANONICAL_COLUMNS:
        return name
    name = SET_ASIDE + name
    while name in taken:
        name = SET_ASIDE + name
    return name


def _ledger(work: _Work, used: int) -> Ledger:
    refused, filtered = tuple(work.refused), tuple(work.table.filtered)
    left_out = sum(refusal.count for refusal in (*refused, *filtered))
    return Ledger(used + left_out, used, refused, tuple(work.notes), filtered)
