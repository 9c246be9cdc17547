"""When a case is due, by a column of the log: what of that is known at each prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.form import Column, columns
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms._prefixes.request import Columns, PrefixRequest, Requested
from pmlcli.encoding.attributes import as_text
from pmlcli.errors import LogError, nearest
from pmlcli.eventlog import ReadOptions
from pmlcli.eventlog.log import CASE_PREFIX, EventLog
from pmlcli.eventlog.raw import TextColumn
from pmlcli.eventlog.times.date_and_clock import is_dates
from pmlcli.eventlog.times.parse import parse_times
from pmlcli.eventlog.values import time_series

NEVER = np.iinfo(np.int64).min
"""Of a case without a due date; as microseconds it is pandas' missing time."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DueRequest(PrefixRequest):
    """What is asked of a task that foresees when a case ends."""

    due: Annotated[
        str | None,
        Param("Column with each case's due date; adds the risk of missing it.", metavar="COLUMN"),
    ] = None


def due_micros(requested: Requested[Any, Any], column: str) -> NDArray[np.int64]:
    """When the case of each prefix is due, as last said in its events so far, (prefixes,), microseconds UTC.

    `NEVER` where no event so far says it. A date without a time of day lasts until its end. LogError for a
    column that is not there, or that holds no times.
    """
    log = requested.log
    values = log.frame[_named(log, column)]
    given = _micros(log, column, values)
    last = pd.Series(np.where(given == NEVER, np.nan, np.arange(len(given), dtype=np.float64)))
    known = last.groupby(log.case_of_event, sort=False).ffill().to_numpy()[requested.rows]
    is_known = ~np.isnan(known)
    found = np.full(len(known), NEVER, dtype=np.int64)
    found[is_known] = given[known[is_known].astype(np.int64)]
    return found


def lateness(requested: Requested[Any, Any], due: NDArray[np.int64], ends: NDArray[np.int64]) -> Columns:
    """`due`, and `is_late`: whether the expected end, in microseconds, lies after it; no without one."""
    stamps = pd.DatetimeIndex(due.view("datetime64[us]")).tz_localize("UTC")
    return {
        "due": stamps.tz_convert(requested.log.schema.timezone),
        "is_late": (due != NEVER) & (ends > due),
    }


def due_columns(request: DueRequest, *more: Column) -> tuple[Column, ...]:
    """The columns that `due` adds, with a task's own between them."""
    return (*columns("time", "due"), *more, *columns("flag", "is_late")) if request.due is not None else ()


def _named(log: EventLog, column: str) -> str:
    """The column of the log, of the case too where it is named without `case:`."""
    names = [str(name) for name in log.frame.columns]
    for name in (column, f"{CASE_PREFIX}{column}"):
        if name in names:
            return name
    near = nearest(column, names)
    raise LogError(
        f"{log.source.name}: no column '{column}' to say when cases are due",
        code="log.column",
        hint=(f"did you mean '{near}'? " if near else "") + f"there are: {', '.join(names)}",
        context={"column": column},
    )


def _micros(log: EventLog, column: str, values: pd.Series) -> NDArray[np.int64]:
    """The column as microseconds UTC, `NEVER` where it holds nothing."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return _filled(values)
    texts = as_text(values)
    is_given = texts.notna().to_numpy()
    codes, distinct = pd.factorize(texts)
    text_column = TextColumn.of(codes.astype(np.int32), [str(text) for text in distinct])
    if pd.api.types.is_numeric_dtype(values.dtype):
        raise _no_times(log, column, texts, is_given)
    try:
        times = parse_times(text_column, ReadOptions(timezone=log.schema.timezone), column)
    except LogError as error:  # day and month cannot be distinguished
        raise _no_times(log, column, texts, is_given) from error
    wrong = np.logical_or.reduce([times.missing, *times.refused.values()]) & is_given
    if wrong.any():
        raise _no_times(log, column, texts, wrong)
    found = _filled(time_series(times.micros, ~is_given))
    return _end_of_day(found, log.schema.timezone) if is_dates(text_column) else found


def _no_times(log: EventLog, column: str, texts: pd.Series, wrong: NDArray[np.bool_]) -> LogError:
    at = int(np.argmax(wrong))
    line = "" if log.lines is None else f"{log.line_unit} {int(log.lines[at])}: "
    return LogError(
        f"{log.source.name}: column '{column}' is to say when cases are due, but holds other than times "
        f"({line}'{texts.iloc[at]}')",
        code="log.column",
        hint="name a column of dates or times, written as 2024-01-31 or 2024-01-31T12:00",
        context={"column": column},
    )


def _filled(stamps: pd.Series) -> NDArray[np.int64]:
    found: NDArray[np.int64] = (
        stamps.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").view("i8")
    )
    return found


def _end_of_day(micros: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    """The same dates, up to the next midnight of the zone."""
    local = pd.Series(micros.view("datetime64[us]")).dt.tz_localize("UTC").dt.tz_convert(timezone)
    following = (local.dt.tz_localize(None) + pd.Timedelta(days=1)).dt.tz_localize(
        timezone, ambiguous=True, nonexistent="shift_forward"
    )
    return _filled(following)
