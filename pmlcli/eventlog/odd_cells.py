"""Columns of numbers or times in which a few cells hold something else, which may be read as empty."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.eventlog.log import CANONICAL_COLUMNS, EventLog
from pmlcli.eventlog.raw import shown
from pmlcli.eventlog.values import iso_time_series

MOST = 0.95
"""A column of text is one of numbers, or of times, with odd cells where at least so many values are."""
EXAMPLES = 3


def without_odd_cells(log: EventLog, left: Collection[str]) -> EventLog:
    """The log in which odd cells are empty, so that their columns are numbers or times; each is counted.

    Columns of `left` stay as they are: a model says of what kind they are to be.
    """
    for name, values in log.frame.items():
        if name in CANONICAL_COLUMNS or name in left or not _is_text(values) or not values.notna().any():
            continue
        for kind, found in (
            ("numbers", numbers_of(values)),
            ("times", times_of(values, log.schema.timezone)),
        ):
            if found.notna().sum() >= MOST * values.notna().sum():
                log = emptied(log, str(name), found, kind)
                break
    return log


def _is_text(values: pd.Series) -> bool:
    is_time = isinstance(values.dtype, pd.DatetimeTZDtype)
    return not is_time and not pd.api.types.is_numeric_dtype(values.dtype)


def emptied(log: EventLog, column: str, found: pd.Series, kind: str) -> EventLog:
    """The log with this column as `found`, and a note on the cells that are empty only there."""
    odd = log.frame[column].notna().to_numpy(dtype=bool) & found.isna().to_numpy(dtype=bool)
    frame = log.frame.assign(**{column: found})
    if not odd.any():
        return replace(log, frame=frame)
    note = f"cells of '{shown(column)}' that are no {kind}, read as empty ({cells(log, column, odd)})"
    ledger = replace(log.ledger, notes=(*log.ledger.notes, (note, int(odd.sum()))))
    return replace(log, frame=frame, ledger=ledger)


def cells(log: EventLog, column: str, odd: NDArray[np.bool_]) -> str:
    """The first of these cells: `'n/a' in line 12, '?' in line 40, ...`."""
    rows = np.flatnonzero(odd)
    if log.lines is not None:
        rows = rows[np.argsort(log.lines[rows], kind="stable")]
    values = log.frame[column]
    told = [f"'{shown(str(values.iloc[row]))}'{place(log, int(row))}" for row in rows[:EXAMPLES]]
    return ", ".join(told) + (", ..." if len(rows) > EXAMPLES else "")


def place(log: EventLog, row: int) -> str:
    """` in line 7`, or nothing where the source has no lines."""
    return "" if log.lines is None else f" in {log.line_unit} {log.lines[row]:,}"


def numbers_of(values: pd.Series) -> pd.Series:
    """A column of text as numbers, missing where a cell is none."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(np.where(np.isfinite(numbers), numbers, np.nan))


def times_of(values: pd.Series, timezone: str) -> pd.Series:
    """A column of text as times, missing where a cell is no ISO 8601 time."""
    whole = iso_time_series(values, timezone)
    if whole.notna().any() or not values.notna().any():
        return whole
    likely = pd.to_datetime(values, errors="coerce", format="ISO8601", utc=True).notna()
    return iso_time_series(values.where(likely), timezone)
