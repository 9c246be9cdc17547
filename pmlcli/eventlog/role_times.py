"""The times of events, from the columns that play the roles of time and start."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from pmlcli.errors import LogError
from pmlcli.eventlog.columns import ColumnChoice, assignment, refuse_unused_times
from pmlcli.eventlog.draft import Draft
from pmlcli.eventlog.log import START_TIMESTAMP, TIMESTAMP
from pmlcli.eventlog.raw import Column, RawTable, as_text, shown
from pmlcli.eventlog.times.date_and_clock import JOIN, is_clocks, is_dates, joined, names_of
from pmlcli.eventlog.times.parse import NOT_A_TIME, Times, parse_times

_CLOCK_ALONE = re.compile(rf"\w+ is {NOT_A_TIME} .*'[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?[^']*'")


def join_times(table: RawTable, choice: ColumnChoice) -> None:
    """Make one column of each date and its time of day that play a role together; the two are used up."""
    before = dict(table.columns)
    chosen = {name: names_of(name, before) for name in choice.columns.values()}
    pairs = {name: parts for name, parts in chosen.items() if len(parts) > 1}
    for name, (date, clock) in pairs.items():
        table.columns[name] = joined(before[date], before[clock])
    for part in {part for parts in pairs.values() for part in parts} - chosen.keys():
        table.columns.pop(part, None)


def time_columns(draft: Draft) -> tuple[Times | None, Times | None]:
    """The parsed times of both roles; rows whose times cannot be used are refused."""
    end, start = _times_of(draft, TIMESTAMP), _times_of(draft, START_TIMESTAMP)
    if end is not None and start is not None:
        _place_at_start(draft, end, start)
    if end is not None and bool(end.missing.all()):
        if draft.options.is_by_time:
            refuse_unused_times(draft.table, draft.choice)
        draft.notes.append(("no event has a time: rows keep their order", draft.table.n_rows))
        del draft.choice.columns[TIMESTAMP]
        end = None
    if end is not None:
        draft.refuse("no timestamp", end.missing)
    for role, times in ((TIMESTAMP, end), (START_TIMESTAMP, start)):
        if times is None:
            continue
        for reason, flags in times.refused.items():
            draft.refuse(f"{role} is {reason}", flags, draft.choice.columns[role])
        _note_clock_apart(draft, role)
        said = "" if role == TIMESTAMP else f"{role}: "
        draft.notes.extend((said + kind, count) for kind, count in times.notes)
    return end, start


def begins_of(end: Times | None, start: Times | None) -> NDArray[np.int64] | None:
    """When each row's event began; None without times."""
    if end is None or start is None:
        return None if end is None else end.micros
    return np.where(start.missing, end.micros, np.minimum(start.micros, end.micros))


def clock_hint(draft: Draft) -> str | None:
    """What to do about rows that are refused for a time of day without a date; None where there are none."""
    alone = next(filter(_CLOCK_ALONE.match, draft.examples), None)
    return None if alone is None else f"a clock without a date: {_with_date(draft, alone.partition(' ')[0])}"


def _place_at_start(draft: Draft, end: Times, start: Times) -> None:
    """Give events with a start alone their start as time; how long they take is not known."""
    only = end.missing & ~start.missing
    if only.any():
        end.micros[only], end.missing[only], start.missing[only] = start.micros[only], False, True
        if start.rest is not None:
            end.rest = np.zeros_like(start.rest) if end.rest is None else end.rest
            end.rest[only] = start.rest[only]
        draft.notes.append(
            ("events with a start and no end, placed at their start, without a duration", int(only.sum()))
        )


def _times_of(draft: Draft, role: str) -> Times | None:
    source = draft.choice.columns.get(role)
    if source is None:
        return None
    column = draft.table.columns[source]
    try:
        return parse_times(column, draft.options, f"{draft.table.name}: column '{source}'")
    except LogError as error:
        _tell_lines(error, column, draft.table)
        raise


def _tell_lines(error: LogError, column: Column, table: RawTable) -> None:
    """Say on which line each value that an error quotes stands first."""
    texts = np.array([text and text.strip() for text in as_text(column).texts()], dtype=object)
    for example in error.context.get("examples", []):
        rows = np.flatnonzero(texts == example)
        place = f"{example!r} ({table.unit} {table.lines[rows[0]]})" if len(rows) else repr(example)
        error.reword(error.message.replace(repr(example), place, 1))


def _with_date(draft: Draft, role: str) -> str:
    """What to do about a role's clocks: the option, where the log has a column of dates."""
    source, columns = draft.choice.columns[role], draft.table.columns
    date = next((name for name in columns if name != source and is_dates(columns[name])), None)
    if date is None:
        return "write date and time into one column"
    return f"--columns {assignment(role, f'{date}{JOIN}{source}')} joins the two"


def _note_clock_apart(draft: Draft, role: str) -> None:
    """A note where a role has dates alone, and another column holds what may be their times of day."""
    columns, used = draft.table.columns, draft.choice.columns
    if role not in used or not is_dates(columns[used[role]]):
        return
    clocks = [name for name in columns if name not in used.values() and is_clocks(columns[name])]
    if len(clocks) == 1:
        option = assignment(role, f"{used[role]}{JOIN}{clocks[0]}")
        said = f"{role} without a time of day, which '{shown(clocks[0])}' may be (--columns {option})"
        draft.notes.append((said, draft.table.n_rows))
